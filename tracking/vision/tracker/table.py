"""All living tracks as columns: one row a track, one array a property."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracking.vision.tracker.kalman import Array, Belief

Ints = NDArray[np.int64]
MEMORY = 4  # centres remembered for the direction of travel: now and three sights before
BELIEF_COLUMNS = ("position", "velocity", "var_p", "cov", "var_v")


@dataclass(slots=True)
class TrackTable:
    """N tracks; row order is the order of birth.

    `key` counts every track the tracker ever began, `number` only the confirmed ones (0: not
    yet). `anchor_*` is the belief right after the last sight, `sight` that sight itself.
    """

    key: Ints
    number: Ints
    born_ms: Ints
    seen_ms: Ints
    hits: Ints
    score_sum: Array
    sight: Array  # (N, 4) cx, cy, width, height as detected
    centres: Array  # (N, MEMORY, 2) latest first
    position: Array
    velocity: Array
    var_p: Array
    cov: Array
    var_v: Array
    anchor_position: Array
    anchor_velocity: Array
    anchor_var_p: Array
    anchor_cov: Array
    anchor_var_v: Array

    @classmethod
    def empty(cls) -> Self:
        """Return a table without tracks."""
        ints = {name: np.zeros(0, np.int64) for name in ("key", "number", "born_ms", "seen_ms")}
        columns: dict[str, Any] = ints | {"hits": np.zeros(0, np.int64)}
        columns |= {"score_sum": np.zeros(0), "sight": np.zeros((0, 4))}
        columns |= {"centres": np.zeros((0, MEMORY, 2))}
        for name in BELIEF_COLUMNS:
            columns |= {name: np.zeros((0, 4)), f"anchor_{name}": np.zeros((0, 4))}
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.key)

    def rows(self, which: NDArray[Any]) -> Self:
        """Return the rows of an index array or mask, as copies."""
        return type(self)(**{field.name: getattr(self, field.name)[which] for field in _of(self)})

    def joined(self, other: Self) -> Self:
        """Return this table with another's rows below."""
        return type(self)(
            **{
                field.name: np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in _of(self)
            }
        )

    def shift(self, way: Array) -> None:
        """Move every track with all it remembers by ``(dx, dy)`` pixels: the picture moved."""
        for column in (self.position, self.anchor_position, self.sight):
            column[:, :2] += way
        self.centres += way

    def belief(self, rows: Ints | None = None) -> Belief:
        """Return the present belief of some rows, or of all."""
        return self._belief("", rows)

    def anchor(self, rows: Ints) -> Belief:
        """Return the belief right after the last sight of some rows."""
        return self._belief("anchor_", rows)

    def set_belief(self, belief: Belief, rows: Ints | None = None, seen: bool = False) -> None:
        """Write the belief of some rows, or of all; with `seen` also as their anchor."""
        where = slice(None) if rows is None else rows
        for name in BELIEF_COLUMNS:
            getattr(self, name)[where] = getattr(belief, name)
            if seen:
                getattr(self, f"anchor_{name}")[where] = getattr(belief, name)

    def _belief(self, prefix: str, rows: Ints | None) -> Belief:
        where = slice(None) if rows is None else rows
        return Belief(*(getattr(self, prefix + name)[where].copy() for name in BELIEF_COLUMNS))

    def to_json(self) -> dict[str, Any]:
        """Return the columns as plain JSON types; a float's shortest decimal is exact."""
        return {field.name: getattr(self, field.name).tolist() for field in _of(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the table that `to_json` wrote."""
        shapes = cls.empty()
        return cls(
            **{
                field.name: np.array(data[field.name], getattr(shapes, field.name).dtype).reshape(
                    -1, *getattr(shapes, field.name).shape[1:]
                )
                for field in fields(cls)
            }
        )


def _of(table: TrackTable) -> tuple[Any, ...]:
    return fields(table)
