"""What the Overview says: the API's answer in the words and order of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from analytics.history_page import AS_MANY
from analytics.kpi_lines import speaks
from analytics.selectors import NO_ENTRANCE
from analytics.sparks import Spark, spark
from tracking.templatetags.ot import clock, count, day, instant, people, round_half_up

# The browser keeps a line to so many shops; the numbers of more are fetched once a minute.
SOCKETS_AT_MOST = 12
NOTES_AT_MOST = 3
ONE = {1: "One"}
# A number and what it counts stay on one line.
NO_BREAK = "\u00a0"

# A sentence in parts, some of them bold.
Part = dict[str, Any]
Parts = list[Part]
Rows = Sequence[dict[str, Any]]


def overview_context(answer: dict[str, Any], sequences: Mapping[str, int]) -> dict[str, Any]:
    """Return what the page's template needs of the API's answer.

    `sequences` is how far each store was before the answer was made, by its public id: whatever a
    store's line tells beyond it is not on the page yet.
    """
    now = instant(answer["server_time"])
    rows = [row_of(shop, now) for shop in answer["shops"]]
    zones = {row["zone"] for row in rows}
    return {
        "page": "overview",
        "rows": rows,
        "lead": lead(rows),
        "past": past(rows),
        "troubles": [each for row in rows for each in row["troubles"]][:NOTES_AT_MOST],
        "server_time": now,
        # Shops in several zones have no time of day in common.
        "zone": next(iter(zones)) if len(zones) == 1 else "",
        "page_data": {
            "zone": rows[0]["zone"],
            "sockets": [
                {"path": f"/ws/stores/{told}/", "seq": sequences.get(told, 0)}
                for told in (str(row["store"]["id"]) for row in rows[:SOCKETS_AT_MOST])
            ],
        },
    }


def row_of(shop: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a shop with its words."""
    zone = shop["store"]["timezone"]
    state = state_of(shop)
    return shop | {
        "zone": zone,
        "state": state,
        "opening": opening_words(shop, now, zone),
        "change": change_of(shop["compared"]),
        "spark": hours_line(shop["hours"]),
        "camera": camera_words(shop["cameras"]),
        "job": job_words(shop["jobs"]),
        "line": line_of(shop, state, zone),
        "troubles": troubles_of(shop),
    }


def state_of(shop: dict[str, Any]) -> str:
    """Return in a word what may be said of a shop.

    ``live`` (somebody looks at an entrance), ``stale`` (seen today, not now), ``unseen`` (not
    today), ``empty`` (never) or ``doorless`` (a camera looked, but there is none).
    """
    if shop["now"] is not None:
        return "live"
    if shop["last_seen_at"] is None:
        return "empty"
    if shop["entries"] is not None:
        return "stale"
    return "doorless" if shop["why_null"] == NO_ENTRANCE else "unseen"


def opening_words(shop: dict[str, Any], now: datetime, zone: str) -> str:
    """Return until when a shop is open or closed; empty for one that always is."""
    until = shop["changes_at"]
    if until is None:
        return "" if shop["is_open"] else "Closed"
    at = clock(until, zone)
    local = ZoneInfo(zone)
    if instant(until).astimezone(local).date() != now.astimezone(local).date():
        at = f"{day(until, zone)}, {at}"
    return f"{'Open' if shop['is_open'] else 'Closed'} until {at}"


def change_of(compared: dict[str, Any]) -> dict[str, str]:
    """Return a comparison as an arrow's way, its words, and what they rest on."""
    change = compared["change"]
    if change is None:
        return {"way": "none", "words": "not compared", "note": compared["why_null"] or ""}
    hours = f"in {count(compared['hours'])} like hour{'' if compared['hours'] == 1 else 's'}"
    if abs(change) < AS_MANY:
        return {"way": "same", "words": "about as many", "note": hours}
    more = f"{count(round_half_up(abs(change) * 100))} % {'more' if change > 0 else 'fewer'}"
    return {"way": "up" if change > 0 else "down", "words": more, "note": hours}


def hours_line(hours: Sequence[dict[str, Any]]) -> Spark | None:
    """Return who came in by the hour; hours that were hardly seen or are to come are holes."""
    return spark([hour["entries"] if speaks(hour) else None for hour in hours if hour["open_ms"]])


def camera_words(cameras: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return how many cameras see anything, and whether that is as it should be."""
    if not cameras:
        return {"state": "none", "words": "No camera yet"}
    looking = sum(camera["looking"] for camera in cameras)
    words = f"{looking} of {len(cameras)} camera{'' if len(cameras) == 1 else 's'} seeing"
    if any(is_dark(camera) for camera in cameras):
        return {"state": "bad", "words": words}
    if looking:
        return {"state": "good", "words": words}
    if any(camera["live"] for camera in cameras):
        return {"state": "none", "words": words}
    return {"state": "none", "words": "Counts videos that are sent"}


def job_words(jobs: dict[str, int]) -> dict[str, str] | None:
    """Return what is being counted and what could not be; None where there is nothing to do."""
    said = []
    if jobs["working"]:
        said.append(f"{count(jobs['working'])} being counted")
    if jobs["waiting"]:
        said.append(f"{count(jobs['waiting'])} waiting")
    if jobs["failed"]:
        said.append(f"{count(jobs['failed'])} could not be counted")
    if not said:
        return None
    first = jobs["working"] or jobs["waiting"] or jobs["failed"]
    said[0] = said[0].replace(" ", f" recording{'' if first == 1 else 's'} ", 1)
    return {"state": "bad" if jobs["failed"] else "", "words": ", ".join(said)}


def line_of(shop: dict[str, Any], state: str, zone: str) -> str:
    """Return the one sentence of a shop: why its numbers are missing, else what stands out."""
    seen = shop["last_seen_at"]
    told = shop["insight"]
    said = told["text"] if told else ""
    if state == "empty":
        if shop["why_null"] == NO_ENTRANCE:
            return "Nothing has been counted here yet."
        return "No entrance has been seen here yet."
    if state == "doorless":
        return "No entrance line is drawn yet, so nobody knows who comes in. Draw one under Zones."
    if state == "unseen":
        return f"No entrance was seen today, last on {day(seen, zone)} at {clock(seen, zone)}."
    if state == "stale":
        # That the day was not seen whole is said by then.
        more = "" if told and told["rule"] == "partly_seen" else said
        since = f"No entrance was seen since {clock(seen, zone)}"
        return f"{since}, so nobody knows who is in now. {more}".strip()
    return said or "Nothing stands out yet today."


def troubles_of(shop: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a note for each camera that should send pictures and does not."""
    dark = [camera for camera in shop["cameras"] if is_dark(camera)]
    return [{"store": shop["store"], "camera": camera["name"]} for camera in dark]


def is_dark(camera: dict[str, Any]) -> bool:
    """Whether a camera that sends pictures by itself has not been counted lately, but should be."""
    return bool(camera["live"] and not camera["looking"] and not camera["is_new"])


# --- The sentence -----------------------------------------------------------------------------


def lead(rows: Rows) -> Parts:
    """Return the sentence that is the answer, of all shops together."""
    if all(_is_empty(row) for row in rows):
        first = _bold("Nothing has been counted yet."), _plain(" The first numbers appear here. ")
        return [*first, *_needs_a_look(rows)]
    return [*_inside(rows, "is", "are"), *_came(rows), *_needs_a_look(rows)]


def _is_empty(row: dict[str, Any]) -> bool:
    """Whether nothing has been counted in a shop: no entrance was seen, and nobody looks now."""
    return row["state"] == "empty" and not any(camera["looking"] for camera in row["cameras"])


def past(rows: Rows) -> Parts:
    """Return the same in the past tense, to stand behind "At 14:12:09" once the line is lost."""
    return _inside(rows, "was", "were") or [_plain("these were the newest numbers. ")]


def _bold(text: str) -> Part:
    return {"text": text, "bold": True}


def _plain(text: str) -> Part:
    return {"text": text, "bold": False}


def _people(number: int) -> str:
    return people(number).replace(" ", NO_BREAK)


def _inside(rows: Rows, one: str, many: str) -> Parts:
    known = [row["now"] for row in rows if row["now"] is not None]
    if not known:
        return []
    total = sum(known)
    now = "" if one == "was" else " right now"
    said = f" {one if total < 2 else many} in {_shops(rows, len(known))}{now}. "
    return [_bold(_people(total)), _plain(said)]


def _shops(rows: Rows, seen: int) -> str:
    if len(rows) == 1:
        return str(rows[0]["store"]["name"])
    if seen == len(rows):
        return f"your {count(len(rows))} shops"
    return f"{count(seen)} of your {count(len(rows))} shops, the others are not seen"


def _came(rows: Rows) -> Parts:
    known = [row["entries"] for row in rows if row["entries"] is not None]
    if not known:
        return [_bold(f"{_why_nobody_knows(rows)} ")]
    total, shops = sum(known), ""
    if len(known) < len(rows):
        shops = f" at {count(len(known))} of your {count(len(rows))} shops"
    return [
        _bold(_people(total)),
        _plain(f" came in today{shops}{_against(rows)}. "),
    ]


def _why_nobody_knows(rows: Rows) -> str:
    """Return why it is not known of any shop who came in today."""
    if any(row["now"] is not None for row in rows):
        # Somebody looks, but has not done so since the business day began.
        return "There are no numbers of today yet."
    if len(rows) > 1:
        return "No entrance was seen today."
    name = rows[0]["store"]["name"]
    if rows[0]["state"] == "doorless":
        return f"No entrance line is drawn in {name} yet, so nobody knows who comes in."
    return f"No entrance of {name} was seen today."


def _against(rows: Rows) -> str:
    """Return how the like hours of all shops together went, after a comma; empty without any."""
    # A shop in whose like hours nobody came a week before has no change of its own, but a part.
    pairs = [row["compared"] for row in rows if row["compared"]["here"] is not None]
    then = sum(each["there"] for each in pairs)
    if not then:
        return ""
    change = sum(each["here"] for each in pairs) / then - 1
    if abs(change) < AS_MANY:
        return ", about as many as in the same hours a week before"
    share = count(round_half_up(abs(change) * 100))
    word = "more" if change > 0 else "fewer"
    return f", {share} % {word} than in the same hours a week before"


def _needs_a_look(rows: Rows) -> Parts:
    dark = sum(len(row["troubles"]) for row in rows)
    failed = sum(row["jobs"]["failed"] for row in rows)
    said: Parts = []
    if dark:
        word = "cameras need" if dark > 1 else "camera needs"
        said.append(_bold(f"{ONE.get(dark, dark)} {word} a look. "))
    if failed:
        word = "recordings" if failed > 1 else "recording"
        said.append(_bold(f"{ONE.get(failed, failed)} {word} could not be counted."))
    return said
