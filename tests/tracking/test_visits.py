"""What opens, closes and fills a visit."""

import json

from tracking.vision.events import Event, LineCrossed, TrackEnded, ZoneEntered, ZoneLeft
from tracking.visits import LONGEST_VISIT_MS, VisitBook

DOOR, INNER, SHELF = "door", "inner", "shelf"


def make_book() -> VisitBook:
    return VisitBook(entrances=frozenset([DOOR]))


def came_in(number: int, time_ms: int) -> LineCrossed:
    return LineCrossed(number, DOOR, time_ms, "in")


def went_out(number: int, time_ms: int) -> LineCrossed:
    return LineCrossed(number, DOOR, time_ms, "out")


def ended(number: int, time_ms: int) -> TrackEnded:
    return TrackEnded(number, 0, time_ms, (), (), 0.9)


def kinds(book: VisitBook, *events: Event) -> list[str]:
    return [draft.kind for event in events for draft in book.take(event)]


def all_visits(book: VisitBook):
    return [visit for visits in book.visits.values() for visit in visits]


def test_entering_opens_a_visit_and_going_out_closes_it():
    book = make_book()
    assert kinds(book, came_in(1, 1000), went_out(1, 9000)) == [
        "crossed", "entered", "crossed", "exited",
    ]  # fmt: skip
    (visit,) = all_visits(book)
    assert (visit.chain, visit.entered_ms, visit.exited_ms) == (1, 1000, 9000)
    assert not visit.inferred


def test_an_exit_of_another_chain_closes_no_visit():
    book = make_book()
    assert kinds(book, came_in(1, 1000), went_out(2, 5000))[-1] == "exited"
    (visit,) = all_visits(book)
    assert visit.chain == 1
    assert visit.exited_ms is None


def test_an_exit_without_a_visit_is_an_exit_and_nothing_else():
    book = make_book()
    (_, draft) = book.take(went_out(4, 2000))
    assert (draft.kind, draft.visit) == ("exited", None)
    assert book.visits == {}


def test_a_line_that_is_no_entrance_makes_no_entry_and_no_visit():
    book = make_book()
    assert kinds(book, LineCrossed(1, INNER, 1000, "in")) == ["crossed"]
    assert book.visits == {}


def test_in_out_in_makes_two_visits():
    book = make_book()
    kinds(book, came_in(1, 1000), went_out(1, 2000), came_in(1, 3000))
    assert [(v.ordinal, v.entered_ms, v.exited_ms) for v in all_visits(book)] == [
        (0, 1000, 2000), (1, 3000, None),
    ]  # fmt: skip


def test_the_end_of_a_recording_closes_open_visits_when_they_were_last_seen():
    book = make_book()
    book.take(came_in(1, 1000))
    book.seen([1], 7000)
    book.take(ended(1, 7000))
    book.seen([2], 60_000)
    book.finish()
    (visit,) = all_visits(book)
    assert (visit.exited_ms, visit.inferred) == (7000, True)


def test_a_visit_of_more_than_two_hours_is_closed_as_inferred():
    book = make_book()
    book.take(came_in(1, 1000))
    book.seen([1], 5000)
    book.expire(1000 + LONGEST_VISIT_MS)
    assert all_visits(book)[0].exited_ms is None
    book.expire(1001 + LONGEST_VISIT_MS)
    assert (all_visits(book)[0].exited_ms, all_visits(book)[0].inferred) == (5000, True)


def test_the_path_of_a_visit_holds_its_zone_stays():
    book = make_book()
    book.take(came_in(1, 1000))
    book.take(ZoneEntered(1, SHELF, 2000, False))
    (left,) = book.take(ZoneLeft(1, SHELF, 6000, 3500, False))
    assert (left.since_ms, left.dwell_ms, left.visit) == (2000, 3500, 0)
    (stay,) = all_visits(book)[0].stays
    assert (stay.entered_ms, stay.left_ms, stay.dwell_ms) == (2000, 6000, 3500)


def test_a_stay_reported_after_its_visit_was_closed_still_belongs_to_it():
    book = make_book()
    kinds(book, came_in(1, 1000), ZoneEntered(1, SHELF, 2000, False), went_out(1, 6500))
    (left,) = book.take(ZoneLeft(1, SHELF, 6000, 4000, False))
    assert left.visit == 0
    assert [stay.left_ms for stay in all_visits(book)[0].stays] == [6000]


def test_a_stay_before_the_entrance_belongs_to_no_visit():
    book = make_book()
    kinds(book, ZoneEntered(1, SHELF, 1000, False))
    (left,) = book.take(ZoneLeft(1, SHELF, 2000, 1000, False))
    book.take(came_in(1, 3000))
    assert left.visit is None
    assert all_visits(book)[0].stays == []


def test_a_book_goes_on_from_its_checkpoint_as_if_never_closed():
    events: list[Event] = [
        came_in(1, 1000), ZoneEntered(1, SHELF, 2000, False), came_in(2, 2500), ended(2, 3000),
        ZoneLeft(1, SHELF, 6000, 4000, False), went_out(1, 8000), came_in(1, 9000),
        ended(1, 9500),
    ]  # fmt: skip
    whole = make_book()
    drafts = [draft for event in events for draft in whole.take(event)]
    whole.finish()
    for cut in range(len(events)):
        book, again = make_book(), []
        for index, event in enumerate(events):
            if index == cut:
                stored = json.loads(json.dumps(book.settled()))
                book = VisitBook.from_json(frozenset([DOOR]), stored)
            again += book.take(event)
        book.finish()
        assert again == drafts
        assert {v.ordinal: v for v in all_visits(book)}.items() <= {
            v.ordinal: v for v in all_visits(whole)
        }.items()
        assert book.next_visit == whole.next_visit


def test_a_checkpoint_forgets_visits_that_nothing_can_be_added_to():
    book = make_book()
    kinds(book, came_in(1, 1000), went_out(1, 2000), ended(1, 2500))
    assert book.settled()["visits"] == []


def test_a_person_who_is_seen_again_under_another_number_has_all_visits_so_far():
    book = make_book()
    kinds(book, came_in(1, 1000), went_out(1, 2000), TrackEnded(1, 0, 2500, (), (), 0.9, 1, True))
    book = VisitBook.from_json(book.entrances, json.loads(json.dumps(book.settled())))
    kinds(book, came_in(1, 5000), TrackEnded(4, 0, 6000, (), (), 0.9, 1))
    assert [visit.entered_ms for visit in book.visits[1]] == [1000, 5000]
    assert book.visits[1][1].seen_ms == 6000
    assert book.alive == set()
