"""What each key number is: its name, unit, plain meaning, formula and source. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE, SHARE, SECONDS = "people", "share", "s"
OWN = "OskarTrack"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key number as people and programs are told of it."""

    id: str
    name: str
    unit: str
    plain: str
    formula: str
    source: str = OWN
    # Belongs to zones: with a zone chosen it is that zone's alone.
    of_zone: bool = False


CATALOGUE = (
    Kpi(
        "footfall",
        "Came in",
        PEOPLE,
        "People who walked in through an entrance, one by one.",
        "sum of entries over all entrances",
        "Aura Vision, what is counted as an entry",
    ),
    Kpi(
        "exits",
        "Went out",
        PEOPLE,
        "People who walked out through an entrance.",
        "sum of exits over all entrances",
    ),
    Kpi(
        "occupancy_peak",
        "Most at once",
        PEOPLE,
        "The most people who were in the shop at once, at the end of any five minutes.",
        "max of occupancy",
    ),
    Kpi(
        "visit_median",
        "Typical visit",
        SECONDS,
        "Half of all visits were shorter than this, half were longer.",
        "median of visits seen from start to end",
    ),
    Kpi(
        "dwell_median",
        "Typical stay in a zone",
        SECONDS,
        "Half of all stays in a zone were shorter than this, half were longer.",
        "median of stays seen from start to end",
        of_zone=True,
    ),
)
BY_ID = {kpi.id: kpi for kpi in CATALOGUE}
