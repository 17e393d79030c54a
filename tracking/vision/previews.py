"""Pixelated previews, and the detection of one chunk as a whole.

People are made unrecognisable here, on the worker, before a picture is stored anywhere.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from tracking.vision.boxes import Boxes
from tracking.vision.colours import colours_of
from tracking.vision.detections import DetectedFrame, pack
from tracking.vision.detectors.base import Detector
from tracking.vision.frames import ChunkBounds, Frame, Image, MediaInfo, read_frames
from tracking.vision.frames.source import Source
from tracking.vision.motion import Mask, MotionModel, Stir
from tracking.vision.results import ChunkResult

LARGEST_WIDTH = 640  # pixels of a preview
EVERY_MS = 250  # four previews a second at the most
JPEG_QUALITY = 72
PEOPLE_ACROSS = 6  # blocks over a person's box: too few to know anyone by
LEAST_BLOCK_PX = 8
BOX_MARGIN = 0.15  # of the box, on every side: hair, bags and the detector's error
HELD_MS = 2000  # a place stays pixelated this long after someone moved or was found there


def pixelate(image: Image, boxes: Boxes, moving_mask: Mask | None = None) -> Image:
    """Return a copy of the picture in which people and moving things are coarse blocks.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    boxes : ndarray of shape (N, 4)
        People, in the picture's pixels.
    moving_mask : ndarray, uint8, optional
        Non-zero where something moves; of any size, stretched over the picture.
    """
    hidden = _people_mask(image, boxes)
    if moving_mask is not None:
        height, width = image.shape[:2]
        grown = cv2.dilate(moving_mask, np.ones((5, 5), np.uint8))
        hidden |= cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return np.where(hidden[..., None], _blocks(image, boxes), image)


def detect_chunk(
    path: Source,
    info: MediaInfo,
    bounds: ChunkBounds,
    detector: Detector,
    tick: Callable[[], None] = lambda: None,
    *,
    colours: bool = False,
) -> ChunkResult:
    """Return the people of one chunk and its previews; a pure function of its arguments.

    Parameters
    ----------
    path : str, Path or int
        The file, or a descriptor that is open for reading; only its bytes matter.
    info : MediaInfo
        What `frames.probe` said about it.
    bounds : ChunkBounds
        Which stretch of it.
    detector : Detector
        Its name and settings matter, not what it saw before.
    tick : callable
        Called as the file is read on.
    colours : bool
        Whether it is looked at what people wear.
    """
    reader = read_frames(path, info, bounds, tick=tick)
    painter = _Painter()
    found: list[DetectedFrame] = []
    for detected in detector.detect(painter.watching(reader)):
        found.append(painter.coloured(detected) if colours else detected)
        painter.paint(detected)
    read = reader.result
    return ChunkResult(
        detections=pack(found),
        previews=b"".join(painter.pictures),
        preview_index=painter.index,
        decoded_to_ms=read.decoded_to_ms,
        frames=read.frames,
        broken=read.broken,
    )


@dataclass(slots=True)
class _Painter:
    """Looks over the detector's shoulder and makes previews of what it saw."""

    pictures: list[bytes] = field(default_factory=list)
    index: list[tuple[int, int, int]] = field(default_factory=list)
    _size: int = 0
    _frame: Frame | None = None
    _motion: MotionModel | None = None
    _stir: Stir | None = None
    _held: list[tuple[int, Mask]] = field(default_factory=list)
    _seen: list[tuple[int, Boxes]] = field(default_factory=list)

    def watching(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass frames on, remembering the last one and what moved in it."""
        for frame in frames:
            if self._motion is None or self._stir is None:
                height, width = frame.image.shape[:2]
                self._motion = MotionModel(width, height)
                self._stir = Stir(width, height)
            self._stir.update(frame.image, frame.time_ms)
            self._held = [held for held in self._held if frame.time_ms - held[0] <= HELD_MS]
            self._held.append((frame.time_ms, self._motion.update(frame.image, frame.time_ms)))
            self._frame = frame
            yield frame

    def coloured(self, detected: DetectedFrame) -> DetectedFrame:
        """Return the frame just detected with what its people wear."""
        frame = self._frame
        assert frame is not None  # nothing is detected before it is looked at
        assert frame.time_ms == detected.time_ms  # a detector yields a frame before the next one
        return replace(detected, colours=colours_of(frame.image, detected.boxes))

    def paint(self, detected: DetectedFrame) -> None:
        """Make a preview of the frame just detected, if the last one is long enough ago."""
        self._seen = [seen for seen in self._seen if detected.time_ms - seen[0] <= HELD_MS]
        self._seen.append((detected.time_ms, detected.boxes))
        due = not self.index or detected.time_ms - self.index[-1][0] >= EVERY_MS
        if not due or self._frame is None or self._frame.time_ms != detected.time_ms:
            return
        picture = self._encode(self._frame.image)
        self.pictures.append(picture)
        self.index.append((detected.time_ms, self._size, len(picture)))
        self._size += len(picture)

    def _encode(self, image: Image) -> bytes:
        height, width = image.shape[:2]
        zoom = min(1.0, LARGEST_WIDTH / width)
        size = (round(width * zoom), round(height * zoom))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        boxes = np.concatenate([boxes for _, boxes in self._seen]) * np.float32(zoom)
        assert self._stir is not None  # it looked at the frame before anything was detected in it
        masks = [self._stir.mask(), *(mask for _, mask in self._held)]
        moving = np.maximum.reduce(masks)
        hidden = pixelate(small, boxes, moving)
        encoded, data = cv2.imencode(".jpg", hidden, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert encoded  # a uint8 picture always is
        return data.tobytes()


def _people_mask(image: Image, boxes: Boxes) -> np.ndarray:
    hidden = np.zeros(image.shape[:2], np.bool_)
    for x1, y1, x2, y2 in boxes.tolist():
        wide, tall = BOX_MARGIN * (x2 - x1), BOX_MARGIN * (y2 - y1)
        left, top = max(0, int(x1 - wide)), max(0, int(y1 - tall))
        hidden[top : max(0, int(y2 + tall)), left : max(0, int(x2 + wide))] = True
    return hidden


def _blocks(image: Image, boxes: Boxes) -> Image:
    """Return the whole picture in blocks, coarse enough for the largest person in it."""
    widest = float((boxes[:, 2] - boxes[:, 0]).max()) if len(boxes) else 0.0
    block = max(LEAST_BLOCK_PX, round(widest / PEOPLE_ACROSS))
    height, width = image.shape[:2]
    coarse = (max(1, width // block), max(1, height // block))
    small = cv2.resize(image, coarse, interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return back.astype(np.uint8, copy=False)
