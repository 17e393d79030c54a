"""What detecting one chunk gives; known without loading a decoder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """All that detecting a chunk leaves behind.

    Parameters
    ----------
    detections : bytes
        As `detections.pack` wrote them.
    previews : bytes
        JPEG pictures end to end.
    preview_index : list of (time_ms, offset, length)
        Where each of them lies.
    decoded_to_ms, frames, broken
        See `ChunkRead`.
    """

    detections: bytes
    previews: bytes
    preview_index: list[tuple[int, int, int]]
    decoded_to_ms: int
    frames: int
    broken: bool
