"""The Recordings page: lists, states in plain words, bars."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.pages.rows import NOON, make_recording, make_run
from tracking.models import Recording, Run
from tracking.recording_rows import ROWS, parts_of, steps_of

State = Recording.State


@pytest.fixture
def shown(cast, as_user, django_assert_max_num_queries):
    """Return the text of the page under some filters."""

    def get(**asked) -> str:
        address = reverse("tracking:recordings", kwargs={"store_slug": cast.store.slug})
        response = as_user(cast.alice).get(address, asked)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


def test_an_empty_list_says_what_will_be_there(shown):
    text = shown()
    assert "Nothing has been sent yet." in text
    assert "No recordings yet" in text


def test_the_sentence_counts_what_is_under_way_and_what_failed(cast, shown):
    make_recording(cast.store, state=State.RUNNING)
    make_recording(cast.store, state=State.QUEUED)
    make_recording(cast.store, state=State.FAILED, error_code="no_video")
    make_recording(cast.store, state=State.QUARANTINED, error_code="no_video")
    assert (
        "<b>1</b> is being counted, <b>1</b> waits, and <b>2</b> could not be counted." in shown()
    )


def test_each_tab_shows_its_own_kind(cast, shown):
    for state in State.values:
        make_recording(cast.store, f"{state}.mp4", state=state)
    expected = {
        "all": set(State.values),
        "working": {"queued", "running"},
        "failed": {"failed", "quarantined"},
        "done": {"done", "partial"},
    }
    for group, states in expected.items():
        text = shown(show=group)
        assert {state for state in State.values if f"{state}.mp4" in text} == states, group


def test_a_list_that_does_not_exist_is_not_found(cast, as_user):
    address = reverse("tracking:recordings", kwargs={"store_slug": cast.store.slug})
    assert as_user(cast.alice).get(address, {"show": "secret"}).status_code == 404


def test_a_failed_recording_says_what_happened_and_what_to_do(cast, shown):
    make_recording(cast.store, state=State.FAILED, error_code="no_video", chunk_count=0)
    text = shown()
    assert "Could not be counted" in text
    assert "What to do:" in text
    assert '<span class="mono faint xs">no_video</span>' in text


def test_a_partial_recording_says_how_much_could_be_read(cast, shown):
    make_recording(cast.store, state=State.PARTIAL, decoded_ms=600_000)
    assert "10:00 of 20:00 could be read" in shown()


def test_an_image_tells_people_and_never_entries(cast, shown):
    recording = make_recording(cast.store, "poster.jpg", source="image", declared_ms=0)
    make_run(recording, people_in_picture=3)
    text = shown()
    assert "3 people in the picture" in text
    assert " in · " not in text


def test_times_are_those_of_the_store(cast, shown):
    make_recording(cast.store)  # noon UTC is 14:00 in Berlin
    assert "Wed 1 Jul, 14:00–14:20" in shown()


def test_pages_do_not_lose_or_repeat_a_recording(cast, shown):
    for number in range(ROWS + 3):
        make_recording(
            cast.store, f"film-{number:02}.mp4", chunk_count=1, created_at=NOON + timedelta(number)
        )
    first, second = shown(), shown(page=2)
    names = [f"film-{number:02}.mp4" for number in range(ROWS + 3)]
    on_first = {name for name in names if name in first}
    on_second = {name for name in names if name in second}
    assert on_first | on_second == set(names)
    assert not on_first & on_second
    assert f"1 to {ROWS} of {ROWS + 3}" in first


def test_many_recordings_cost_no_more_queries_than_few(
    cast, as_user, django_assert_max_num_queries
):
    address = reverse("tracking:recordings", kwargs={"store_slug": cast.store.slug})
    client = as_user(cast.alice)
    for _ in range(ROWS):
        make_run(make_recording(cast.store, chunk_count=2))
    with django_assert_max_num_queries(16):
        client.get(address)


def told(state, stage="done", done=0, working=0, broken=0, total=4):
    chunks = {"done": done, "working": working, "broken": broken, "total": total}
    return {"state": state, "stage": stage, "chunks": chunks}


@pytest.mark.parametrize(
    ("recording", "marks"),
    [
        (told("queued", "checked"), ["ok", "on", "", "", ""]),
        (told("running", "finding"), ["ok", "ok", "on", "", ""]),
        (told("running", "counting"), ["ok", "ok", "ok", "on", ""]),
        (told("done"), ["ok"] * 5),
        (told("failed", "checked"), ["ok", "bad", "", "", ""]),
        (told("failed", "finding"), ["ok", "ok", "bad", "", ""]),
        (told("quarantined", "counting"), ["ok", "ok", "ok", "bad", ""]),
        (told("cancelled", "checked"), ["ok", "", "", "", ""]),
        (told("cancelled", "finding"), ["ok", "ok", "", "", ""]),
    ],
)
def test_the_five_steps_show_where_it_stands_and_where_it_broke(recording, marks):
    assert [step["mark"] for step in steps_of(recording)] == marks


def test_the_parts_bar_has_a_cell_for_each_part_until_they_get_too_thin():
    assert parts_of(told("running", done=2, working=1, broken=1)) == ["d", "b", "w", "rest"]
    assert parts_of(told("queued", total=0)) == []
    cells = parts_of(told("running", done=500, total=1000))
    assert len(cells) == 120
    assert cells.count("d") == 60


def detector(title, note="", **settings):
    return {"name": "any", "title": title, "note": note, "settings": settings}


def test_details_tell_who_found_people_in_short_and_the_rest_to_experts(cast, shown):
    network = {"model": "shop.onnx", "sha256": "0123456789abcdef", "threshold": 0.05}
    note = "HOG stands in."
    make_run(make_recording(cast.store), detector=detector("NanoDet: finds more", note, **network))
    text = shown()
    assert '<dd>NanoDet<br><span class="muted">HOG stands in.</span></dd>' in text
    assert (
        '<dt>For experts</dt><dd><span class="mono">shop.onnx 0123456789ab</span>, threshold 0.05'
    ) in text


def test_details_without_a_model_say_nothing_of_one(cast, shown):
    make_run(make_recording(cast.store, "a.mp4"), detector=detector("HOG: few", least_margin=0.0))
    assert "<dt>For experts</dt><dd>threshold 0.0</dd>" in shown()
    make_run(make_recording(cast.store, "b.mp4"), detector=detector("Script"))
    assert shown().count("For experts") == 1


def test_details_say_how_it_was_counted_and_why_not_once_more(cast, shown):
    run = make_run(make_recording(cast.store))
    assert "<dt>Counted</dt><dd>as the pictures came<br>" in shown()
    Run.objects.update(card=run.card | {"final_left_out": "It has more than 9 pictures."})
    assert "Too long to be counted once more. It has more than 9 pictures." in shown()
    Run.objects.update(mode=Run.Mode.RECORDING)
    assert "<dd>once more, when all of it was known<br>" in shown()


def test_parts_are_said_to_be_as_long_as_they_are(cast, shown):
    make_run(make_recording(cast.store, declared_ms=20_000, chunk_count=1))
    assert "1 part of about 20 s" in shown()


def test_the_navigation_says_how_many_could_not_be_counted(cast, as_user):
    client = as_user(cast.alice)
    live = reverse("tracking:live", kwargs={"store_slug": cast.store.slug})
    assert "nav-n" not in client.get(live).content.decode()
    make_recording(cast.elsewhere, state=Recording.State.FAILED)
    assert "nav-n" not in client.get(live).content.decode()
    make_recording(cast.store, state=Recording.State.FAILED)
    make_recording(cast.store, state=Recording.State.QUARANTINED)
    shown = client.get(live).content.decode()
    badge = 'Recordings</span><b class="nav-n">2<span class="sr"> could not be counted</span></b>'
    assert shown.count(badge) == 3  # beside the page, below it on a phone, and in its menu
    assert "nav-n" not in client.get(reverse("home")).content.decode()
