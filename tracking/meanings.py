"""What each number beside a word means, in one plain line. Pure.

Key numbers of the Dashboard have theirs in the catalogue of the room above; these are the words
over columns and beside numbers, as they stand on the pages.
"""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """A word as it stands beside a number, and what the number means."""

    word: str
    plain: str


COMPARED = "Who came in at the like hour then; a dash where the two are not alike."
_HALF = "half were shorter, half were longer."

MEANINGS = {
    "now": Meaning(
        "In the shop now",
        "People who came in minus people who went out since the last reset. Small misses add up, "
        "so it starts again from zero every business day. Never shown below zero.",
    ),
    "in": Meaning("Came in", "People who walked in through an entrance, one by one."),
    "out": Meaning("Went out", "People who walked out through an entrance, one by one."),
    "in_today": Meaning(
        "Came in today", "People who walked in through an entrance since the business day began."
    ),
    "against": Meaning(
        "Against a week before",
        "Who came in today beside the same weekday a week before, by like hours alone: hours that "
        "are over, were open for as long and were seen to 95 % or more both times.",
    ),
    "seen": Meaning(
        "Seen",
        "How much of the opening time a camera saw the entrance. Unseen is never zero.",
    ),
    "inside_end": Meaning(
        "Inside at the end", "People who came in during this recording and did not go out in it."
    ),
    "inside_so_far": Meaning(
        "Inside so far", "People who came in during this recording and have not gone out yet."
    ),
    "stay": Meaning(
        "Typical stay", f"How long people stayed: {_HALF} Those not seen to the end are left out."
    ),
    "visit": Meaning(
        "Typical visit", f"How long visits took: {_HALF} Those not seen to the end are left out."
    ),
    "visits": Meaning(
        "Visits", "One person from coming in to going out. Who comes again is another visit."
    ),
    "visits_of": Meaning(
        "Visits", "How many visits were recognised as this client's, in one day's pictures."
    ),
    "counted": Meaning("Counted", "How far into the recording the counting has come."),
    "zone_now": Meaning("Now", "How many people stand in the zone at this moment."),
    "stays": Meaning("Stays", "How often one person stood in the zone long enough to count."),
    "typical": Meaning(
        "Typical",
        f"How long stays took: {_HALF} Those whose start or end was not seen are left out. The "
        "shop's is read off steps of 5 seconds and more, so it can differ a little from the "
        "recording's.",
    ),
    "zone_stays": Meaning(
        "Zone stays", "How often one person stood in a zone long enough, all zones together."
    ),
    "stops": Meaning(
        "Stops", "How often one person stood in a zone long enough; who comes back counts again."
    ),
    "share_came": Meaning("Share", "Stops in the zone for every hundred people who came in."),
    "long": Meaning("Longest 10 %", "One stay in ten was longer than this."),
    "time": Meaning("Time", "How long people were in the zone, everybody added up."),
    "share_time": Meaning("Share", "The zone's part of the time in the whole picture."),
    "times": Meaning("Times", "How often somebody went exactly this way."),
    "share_ways": Meaning("Share", "This way's part of all ways."),
    "peak": Meaning("Most at once", "The most people inside at the end of any five minutes."),
    "stayed": Meaning("Stayed", "How long the person stood in the zone, from entering to leaving."),
    "stayed_visit": Meaning("Stayed", "How long from coming in to going out."),
    "between": Meaning("Between zones", "The part of the visit that was spent in no zone."),
    "whole": Meaning("Whole visit", "From coming in to going out."),
    "today": Meaning(
        "Today",
        "Beside a zone: how often somebody stopped there since the business day began. Beside a "
        "line: who crossed it to the inside.",
    ),
    "tried_now": Meaning(
        "Now",
        "How often somebody stopped in the zone or crossed the line, by the map that counts now, "
        "along the ways of these people.",
    ),
    "tried": Meaning(
        "If saved", "The same people's ways, by the drawing as it stands; beside it what differs."
    ),
    "rec_counts": Meaning(
        "In, out, visits",
        "Who came in and went out in this recording, and visits from coming in to going out.",
    ),
    "speed": Meaning(
        "Real time", "How fast it was counted: at 2× an hour of video takes half an hour."
    ),
}
