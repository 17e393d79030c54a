"""The map of a scene as the pipeline needs it: zones and lines, in fractions of the frame."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from tracking.vision.errors import BadSetupError
from zones.geometry import Line, Polygon, polygon_problems, to_pixels

Vertex = tuple[float, float]
InsideSide = Literal["left", "right"]
LineKind = Literal["entrance", "passer_by", "inner"]
ZoneKind = Literal["display", "queue", "checkout", "entrance_area", "staff_only", "ignore"]


@dataclass(frozen=True, slots=True)
class ZoneSetup:
    """One version of a zone; `valid_from_ms` and `valid_to_ms` bound it in media time.

    Several versions of one zone share its `key` and follow one another in time; `valid_to_ms` is
    exclusive, None is open. `min_dwell_ms` is data for the reader of the events: a stay below it
    is reported all the same, so history can be read again with another limit.
    """

    key: str
    name: str
    kind: ZoneKind
    vertices: tuple[Vertex, ...]
    min_inside_ms: int = 400
    grace_ms: int = 1500
    min_dwell_ms: int = 0
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None

    def __post_init__(self) -> None:
        problems = polygon_problems(self.vertices, self.name)
        if problems:
            raise BadSetupError(" ".join(problems))
        if self.kind not in get_args(ZoneKind):
            raise BadSetupError(f"Zone '{self.name}' has no kind '{self.kind}'.")

    def polygon_px(self, width: int, height: int) -> Polygon:
        """Return the zone in pixels of a frame of this size."""
        return Polygon(to_pixels(self.vertices, width, height))


@dataclass(frozen=True, slots=True)
class LineSetup:
    """One version of a line walked from `a` to `b`; `band` is a fraction of the frame's height."""

    key: str
    name: str
    kind: LineKind
    a: Vertex
    b: Vertex
    inside_side: InsideSide = "right"
    band: float = 0.01
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(LineKind):
            raise BadSetupError(f"Line '{self.name}' has no kind '{self.kind}'.")
        if tuple(self.a) == tuple(self.b):
            raise BadSetupError(f"Line '{self.name}' starts and ends in the same point.")

    def line_px(self, width: int, height: int) -> Line:
        """Return the line in pixels of a frame of this size."""
        (ax, ay), (bx, by) = to_pixels((self.a, self.b), width, height).tolist()
        return Line((ax, ay), (bx, by), inside_side=self.inside_side)


@dataclass(frozen=True, slots=True)
class SceneSetup:
    """The frame's size in pixels and everything that is counted in it."""

    width: int
    height: int
    zones: tuple[ZoneSetup, ...] = ()
    lines: tuple[LineSetup, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the set-up as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the set-up that `to_json` wrote.

        Raises
        ------
        BadSetupError
            A part is missing, unknown or cannot be used.
        """
        try:
            zones = tuple(ZoneSetup(**_with_vertices(zone)) for zone in data["zones"])
            lines = tuple(LineSetup(**_with_ends(line)) for line in data["lines"])
            return cls(int(data["width"]), int(data["height"]), zones, lines)
        except (KeyError, TypeError, ValueError) as error:
            raise BadSetupError(f"The scene set-up cannot be read: {error!r}.") from error


def is_valid_at(setup: ZoneSetup | LineSetup, time_ms: int) -> bool:
    """Return whether this version of a zone or line is in force at a media time."""
    begun = setup.valid_from_ms is None or setup.valid_from_ms <= time_ms
    return begun and (setup.valid_to_ms is None or time_ms < setup.valid_to_ms)


def _vertex(values: Any) -> Vertex:
    x, y = values
    return (float(x), float(y))


def _with_vertices(zone: dict[str, Any]) -> dict[str, Any]:
    return zone | {"vertices": tuple(_vertex(vertex) for vertex in zone["vertices"])}


def _with_ends(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"a": _vertex(line["a"]), "b": _vertex(line["b"])}
