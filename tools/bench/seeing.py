"""How well each detector sees: `tracking.vision.evaluate` over the labelled and the real films."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.bench.installation import ROOT, Installation

VIDEOS = ROOT.parent / "shared/data/video"
# Film and labels of each, below the folder of films that lies beside the project.
LABELLED = {
    "TUD-Campus": ("tud_campus/TUD-Campus.mp4", "tud_campus/gt.txt"),
    "TUD-Stadtmitte": ("tud_stadtmitte/TUD-Stadtmitte.mp4", "tud_stadtmitte/gt.txt"),
}
STREET = "vtest.avi"  # 768 x 576; nobody labelled it, so two counts stand side by side
STREET_LINES = {"x=384": "384,0,384,576", "y=288": "0,288,768,288"}
DETECTORS = ("hog", "nanodet", "nanodet-int8")
TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class Seen:
    """Average precision, best F1 and milliseconds of a core a frame of one detector on one film."""

    film: str
    detector: str
    ap: float
    f1: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Counted:
    """Crossings of one line of the street in both directions."""

    line: str
    detector: str
    entries: int
    exits: int


def detectors_ready(installation: Installation) -> list[str]:
    """Return which detectors this machine has; without `make model` that is HOG alone."""
    code = (
        "import json; from tracking.vision.detectors.registry import available; "
        "print(json.dumps([each.name for each in available() if each.ready]))"
    )
    ready = set(installation.python("-c", code).json())
    return [name for name in DETECTORS if name in ready]


def seen(
    installation: Installation, detectors: list[str], tell: Callable[[str], None]
) -> Iterator[Seen]:
    """Yield how well each detector finds the people of each labelled film."""
    for film, (video, labels) in LABELLED.items():
        for detector in detectors:
            tell(f"{detector} on {film}")
            files = ("--video", VIDEOS / video, "--gt", VIDEOS / labels)
            told = _evaluate(installation, "detect", *files, "--detector", detector)
            yield Seen(film, detector, told["ap"], told["f1"], told["cpu_ms"])


def counted(
    installation: Installation, detectors: list[str], tell: Callable[[str], None]
) -> Iterator[Counted]:
    """Yield what each detector's boxes come to on the two lines of the street."""
    for line, ends in STREET_LINES.items():
        for detector in detectors:
            tell(f"{detector} on {STREET} at {line}")
            what = ("--video", VIDEOS / STREET, "--line", ends, "--detector", detector)
            told = _evaluate(installation, "count", *what)
            yield Counted(line, detector, int(told["in"]), int(told["out"]))


def is_here() -> bool:
    """Return whether the films lie beside the project."""
    return all((VIDEOS / Path(video)).is_file() for video, _ in LABELLED.values())


def _evaluate(installation: Installation, *arguments: object) -> dict[str, float]:
    script = ("-m", "tracking.vision.evaluate", *arguments)
    told: dict[str, float] = installation.python(*script, timeout_s=TIMEOUT_S).json()
    return told
