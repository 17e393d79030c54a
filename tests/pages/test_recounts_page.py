"""A re-count on the pages: who may ask for it, and why a number changed, in plain words."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone as clock

from tests.cast import make_zone
from tests.pages.rows import NOON, make_hour, make_recording, make_run
from tracking.models import Recount, Run, StoreSequence, TrackingEvent

pytestmark = pytest.mark.django_db
OLD = {"entries": 29, "exits": 5, "visits": 9, "stays": 4}
TEXT = "after zone &#x27;Till&#x27; was redrawn: 31 in instead of 29."


def page(cast, as_user, name: str, user=None, **asked) -> str:
    address = reverse(name, kwargs={"store_slug": cast.store.slug})
    return as_user(user or cast.alice).get(address, asked).content.decode()


def make_recount(store, **fields) -> Recount:
    recording = make_recording(store, done=4)
    old = make_run(recording)
    is_done = fields.get("state", "done") == "done"
    old.active = not is_done
    old.save()
    new = Run.objects.create(store=store, recording=recording, active=is_done, next_chunk=1)
    done = {"finished_at": clock.now(), "numbers": {"old": OLD, "new": OLD | {"entries": 31}}}
    return Recount.objects.create(
        store=store, recording=recording, old_run=old, new_run=new,
        **{"state": "done", "changes": ["zone 'Till' was redrawn"], **(done if is_done else {})}
        | fields,
    )  # fmt: skip


def test_a_manager_finds_the_button_and_a_viewer_does_not(cast, as_user):
    make_run(make_recording(cast.store, done=4))
    assert 'data-act="recount"' in page(cast, as_user, "tracking:recordings")
    assert 'data-act="recount"' not in page(cast, as_user, "tracking:recordings", cast.bob)


def test_what_cannot_be_counted_again_has_no_button(cast, as_user):
    make_run(make_recording(cast.store, "a.jpg", source="image"))
    make_recording(cast.store, "running.mp4", state="running")
    make_recount(cast.store, state="working")
    assert 'data-act="recount"' not in page(cast, as_user, "tracking:recordings")


@pytest.mark.parametrize("name", ["tracking:recordings", "tracking:live", "analytics:history"])
def test_every_page_with_the_number_says_why_it_changed(cast, as_user, name):
    make_recount(cast.store)
    make_hour(cast.store, NOON, entries=31)
    text = page(cast, as_user, name, **({"day": "2026-07-01"} if "history" in name else {}))
    assert "Counted again at" in text
    assert TEXT in text


def test_history_of_another_day_says_nothing_of_it(cast, as_user):
    make_recount(cast.store)
    make_hour(cast.store, NOON + timedelta(days=2), entries=3)
    assert "Counted again" not in page(cast, as_user, "analytics:history", day="2026-07-03")


def test_while_it_is_counted_again_the_row_says_that_the_numbers_are_the_old_ones(cast, as_user):
    make_recount(cast.store, state="working")
    text = page(cast, as_user, "tracking:recordings")
    assert "1 of 4 parts. Until it is through, the numbers are those of before." in text
    assert '<progress class="pg" max="1" value="0.2500"' in text


def test_before_its_first_part_is_through_the_row_shows_that_it_goes_on(cast, as_user):
    recount = make_recount(cast.store, state="working")
    Run.objects.filter(pk=recount.new_run_id).update(next_chunk=0)
    text = page(cast, as_user, "tracking:recordings")
    assert (
        '<progress class="pg" max="1" aria-label="noon.mp4: how far it is counted again">' in text
    )


def test_what_is_through_has_no_bar(cast, as_user):
    make_recount(cast.store)
    assert "<progress" not in page(cast, as_user, "tracking:recordings")


def test_one_that_failed_says_so(cast, as_user):
    make_recount(cast.store, state="quarantined")
    assert "Counting again failed several times" in page(cast, as_user, "tracking:recordings")


def test_a_recount_of_a_shape_named_like_a_script_runs_nothing(cast, as_user):
    make_recount(cast.store, changes=["zone '<script>alert(1)</script>' was redrawn"])
    make_hour(cast.store, NOON, entries=31)
    for name in ("tracking:recordings", "tracking:live", "analytics:history"):
        assert "<script>alert" not in page(cast, as_user, name, day="2026-07-01")


def test_what_another_count_has_replaced_is_not_listed_any_more(cast, as_user):
    recount = make_recount(cast.store)
    camera = recount.recording.camera
    told = {"store": cast.store, "camera": camera, "zone": make_zone(camera), "kind": "zone_left"}
    for seq, run in enumerate([recount.old_run, recount.new_run], start=1):
        TrackingEvent.objects.create(
            public_id=uuid4(), seq=seq, run=run, at=NOON, dwell_ms=seq * 11_000, **told
        )
    StoreSequence.objects.update_or_create(store=cast.store, defaults={"value": 2})
    text = page(cast, as_user, "tracking:live")
    assert "after 22 s" in text
    assert "after 11 s" not in text
