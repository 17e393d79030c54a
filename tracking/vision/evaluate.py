"""Measures seeing and counting: ``python -m tracking.vision.evaluate track|detect|count``.

The last thing printed is one line of JSON. Nothing here touches a database.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tracking.management.progress import Bar
from tracking.vision.boxes import Boxes
from tracking.vision.detections import DetectedFrame, pack, unpack
from tracking.vision.detectors.base import Detector
from tracking.vision.detectors.registry import available, make_detector
from tracking.vision.errors import BadLabelsError, VisionError
from tracking.vision.evaluation import crossings, mot, scores
from tracking.vision.evaluation.detection import score_detections
from tracking.vision.evaluation.mot import TrackedBox
from tracking.vision.events import Event, LineCrossed, TrackEnded
from tracking.vision.frames import MediaInfo, plan_chunks, probe, read_frames
from tracking.vision.offline import OfflineParams, count_recording, follow_recording
from tracking.vision.pipeline import Pipeline, PipelineParams
from tracking.vision.setup import LineSetup, SceneSetup
from tracking.vision.tracker import Tracker, TrackerParams, tracker_params

Ends = tuple[float, float, float, float]
MODES = ("live", "recording")
CAMERAS = ("fixed", "moving")
LABELLED = "labelled"  # boxes from a file: of a network
DETECTORS = ("nanodet", "hog")  # the first that is ready is the default


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        answer = options.run(options)
    except (VisionError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


# --- track ---------------------------------------------------------------------------------------


def track(options: argparse.Namespace) -> dict[str, Any]:
    """Track every sequence, write its file, and score those with truth; print a table."""
    sequences = mot.find_sequences(options.data)
    if options.only:
        sequences = _picked(sequences, options.only)
    params = tracker_params(LABELLED, camera_moves=options.camera == "moving")
    found: dict[str, dict[str, float]] = {}
    counted: dict[str, crossings.CrossingError] = {}
    frames, cpu_s = 0, 0.0
    bar = Bar("Tracking")
    for done, sequence in enumerate(sequences):
        bar.show(done / len(sequences))
        began = time.process_time()
        boxes = TRACKING[options.mode](sequence.frames, params)
        cpu_s += time.process_time() - began
        frames += len(sequence.frames)
        mot.write_tracks(options.out / f"{sequence.name}.txt", boxes)
        if sequence.has_truth:
            found[sequence.name] = scores.score(sequence, options.out.resolve())
            if options.crossings:
                counted[sequence.name] = _crossing_error(sequence, params, options.mode)
    bar.show(1.0)
    bar.close()
    fps_cpu = frames / max(cpu_s, 1e-9)
    mean = scores.mean_scores(found)
    _print_table(found, mean, counted)
    print(f"{frames} frames, {fps_cpu:.0f} a second of one core, tracks in {options.out}")
    answer: dict[str, Any] = {
        "mean": _rounded(mean),
        "fps_cpu": round(fps_cpu, 1),
        "sequences": {name: _rounded(each) for name, each in found.items()},
    }
    if options.crossings:
        total = sum(counted.values(), start=crossings.CrossingError(0, 0, 0))
        answer["crossings"] = {
            "counted": total.counted,
            "true": total.true,
            "error": _round(total.per_cent),
        }
    return answer


def _picked(sequences: list[mot.Sequence], names: list[str]) -> list[mot.Sequence]:
    unknown = sorted(set(names) - {sequence.name for sequence in sequences})
    if unknown:
        raise BadLabelsError(f"There is no sequence {unknown[0]}.")
    return [sequence for sequence in sequences if sequence.name in names]


def track_live(frames: Sequence[DetectedFrame], params: TrackerParams) -> list[TrackedBox]:
    """Return what the live tracker says in each frame, knowing nothing of those to come."""
    tracker = Tracker(params)
    return [
        TrackedBox(index, sighting.number, sighting.box, sighting.score)
        for index, frame in enumerate(frames)
        for sighting in tracker.step(frame)[0]
        if sighting.number
    ]


def track_recording(frames: Sequence[DetectedFrame], params: TrackerParams) -> list[TrackedBox]:
    """Return where everybody was in each frame, with all of the recording known."""
    return [
        TrackedBox(int(frame), walk.number, (box[0], box[1], box[2], box[3]), float(score))
        for walk in follow_recording(frames, OfflineParams(tracker=params))
        for frame, box, score in zip(walk.frames, walk.boxes.tolist(), walk.scores, strict=True)
    ]


TRACKING: dict[str, Callable[[Sequence[DetectedFrame], TrackerParams], list[TrackedBox]]] = {
    "live": track_live,
    "recording": track_recording,
}


def _crossing_error(
    sequence: mot.Sequence, params: TrackerParams, mode: str
) -> crossings.CrossingError:
    truth = sequence.truth()
    scene = crossings.measuring_lines(sequence, truth)
    events = count_events(sequence.frames, scene, PipelineParams(tracker=params), mode)
    return crossings.compare(
        crossings.counted(events), crossings.true_crossings(sequence, truth, scene)
    )


def _print_table(
    found: dict[str, dict[str, float]],
    mean: dict[str, float | None],
    counted: dict[str, crossings.CrossingError],
) -> None:
    names = scores.NAMES
    print(f"{'sequence':<20}" + "".join(f"{name:>8}" for name in names))
    for sequence, each in found.items():
        told = counted.get(sequence)
        crossed = f"   crossings {told.counted} of {told.true}, off by {told.off}" if told else ""
        print(f"{sequence:<20}" + "".join(f"{each[name]:>8.2f}" for name in names) + crossed)
    cells = [mean[name] for name in names]
    print(
        f"{'mean':<20}"
        + "".join(f"{'-':>8}" if value is None else f"{value:>8.2f}" for value in cells)
    )


# --- detect --------------------------------------------------------------------------------------


def detect(options: argparse.Namespace) -> dict[str, Any]:
    """Look at a film with a detector and compare with labelled boxes."""
    rows = mot.read_rows(options.gt)
    rows = rows[rows[:, mot.SCORE] != 0]
    info = probe(options.video)
    detector = _every_frame(options.detector)
    shown: list[int] = []
    began = time.process_time()
    reading_s, found = detect_all(options.video, info, detector, shown)
    cpu_ms = 1000 * (time.process_time() - began - reading_s) / max(len(found), 1)
    order = {time_ms: number for number, time_ms in enumerate(shown, 1)}
    truth = [_people_in(rows, order[frame.time_ms]) for frame in found]
    result = score_detections(found, truth)
    print(f"{detector.name}: {len(found)} frames looked at, {sum(map(len, truth))} people")
    return {"ap": round(result.ap, 4), "f1": round(result.f1, 4), "cpu_ms": round(cpu_ms, 2)}


def _people_in(rows: mot.Rows, number: int) -> Boxes:
    return mot.boxes_of(rows[rows[:, mot.FRAME] == number])


def _every_frame(name: str) -> Detector:
    """Return a detector that looks at every frame, where it can be told to."""
    detector = make_detector(name)
    return (
        make_detector(name, {"gap_ms": 0}) if "gap_ms" in detector.settings.to_json() else detector
    )


def detect_all(
    video: Path, info: MediaInfo, detector: Detector, shown: list[int]
) -> tuple[float, list[DetectedFrame]]:
    """Return the seconds of CPU that reading took and what was detected; note frames' times."""
    reading_s = 0.0

    def read(chunk: Any) -> Any:
        nonlocal reading_s
        began = time.process_time()
        for frame in read_frames(video, info, chunk):
            reading_s += time.process_time() - began
            if not frame.lead_in:
                shown.append(frame.time_ms)
            yield frame
            began = time.process_time()
        reading_s += time.process_time() - began

    chunks = plan_chunks(video, info)
    found: list[DetectedFrame] = []
    bar = Bar("Detecting")
    for chunk in chunks:
        bar.show(chunk.index / len(chunks))
        found += detector.detect(read(chunk))
    bar.show(1.0)
    bar.close()
    return reading_s, found


# --- count ---------------------------------------------------------------------------------------


def count(options: argparse.Namespace) -> dict[str, Any]:
    """Count a film's crossings of one line."""
    info = probe(options.video)
    scene = line_scene(info.width, info.height, options.line)
    _, frames = detect_all(options.video, info, make_detector(options.detector), [])
    frames = unpack(pack(frames))  # as the product stores them
    params = PipelineParams.for_detector(options.detector)
    events = count_events(frames, scene, params, options.mode)
    directions = [event.direction for event in events if isinstance(event, LineCrossed)]
    ended = [event for event in events if isinstance(event, TrackEnded)]
    return {
        "in": directions.count("in"),
        "out": directions.count("out"),
        "tracks": len({event.track_number for event in ended}),
        "unique": len({event.chain or event.track_number for event in ended}),
    }


def line_scene(width: int, height: int, line: Ends) -> SceneSetup:
    """Return a scene with one line given in pixels, x1, y1, x2, y2.

    "in" goes from cross(p2 - p1, q - p1) < 0 to > 0 for a foot point q, x right and y down.
    """
    x1, y1, x2, y2 = line
    a, b = (x1 / width, y1 / height), (x2 / width, y2 / height)
    drawn = LineSetup("line", "line", "inner", a, b, inside_side="right")
    return SceneSetup(width, height, (), (drawn,))


def count_events(
    frames: Sequence[DetectedFrame], scene: SceneSetup, params: PipelineParams, mode: str
) -> list[Event]:
    """Return what happens in a scene, without any database."""
    if mode == "recording":
        offline = OfflineParams(tracker=params.tracker)
        return count_recording(frames, scene, offline, params.counting)
    pipeline = Pipeline(scene, params)
    events = [event for frame in frames for event in pipeline.step(frame)]
    return events + pipeline.finish(frames[-1].time_ms if frames else 0)


# --- the command line ----------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracking.vision.evaluate", description="Measures seeing and counting."
    )
    commands = parser.add_subparsers(required=True, metavar="track|detect|count")
    tracking = commands.add_parser("track", help="the tracker over labelled sequences")
    tracking.add_argument("--data", type=Path, required=True, help="MOTChallenge folders below")
    tracking.add_argument("--mode", choices=MODES, default="live")
    tracking.add_argument("--out", type=Path, default=Path("var/evaluate"), help="for <seq>.txt")
    tracking.add_argument(
        "--camera", choices=CAMERAS, default="moving", help="moving: held in a hand or driving"
    )
    tracking.add_argument("--only", nargs="+", metavar="SEQ", help="these sequences alone")
    tracking.add_argument(
        "--crossings", action="store_true", help="compare crossings of six lines; fixed cameras"
    )
    tracking.set_defaults(run=track)
    detecting = commands.add_parser("detect", help="a detector over a labelled film")
    detecting.add_argument("--video", type=Path, required=True)
    detecting.add_argument("--gt", type=Path, required=True, help="boxes as in MOTChallenge")
    detecting.add_argument("--detector", default=_default_detector())
    detecting.set_defaults(run=detect)
    counting = commands.add_parser("count", help="crossings of a line in a film")
    counting.add_argument("--video", type=Path, required=True)
    counting.add_argument("--line", type=_line, required=True, metavar="x1,y1,x2,y2")
    counting.add_argument("--detector", default=_default_detector())
    counting.add_argument("--mode", choices=MODES, default="live")
    counting.set_defaults(run=count)
    return parser


def _default_detector() -> str:
    ready = {detector.name for detector in available() if detector.ready}
    return next(name for name in DETECTORS if name in ready)


def _line(text: str) -> Ends:
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"four numbers x1,y1,x2,y2, got {text!r}") from error
    if (x1, y1) == (x2, y2) or not np.isfinite([x1, y1, x2, y2]).all():
        raise argparse.ArgumentTypeError(f"two different ends, got {text!r}")
    return x1, y1, x2, y2


def _rounded(values: Any) -> dict[str, float | None]:
    return {name: _round(value) for name, value in values.items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


if __name__ == "__main__":
    sys.exit(main())
