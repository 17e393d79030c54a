"""From a number to its events, from an event to its way and its film: what each page says."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone as system_clock

from accounts.services import membership_set
from analytics.models import Bucket
from tests.analytics.shop import Facts, Kind, Shop, make_facts, make_shop, tell
from tests.analytics.ways import follow
from tests.cast import Cast
from tests.pages.test_doors import embedded
from tracking import ledger
from tracking.counters import Told, Watched, events_take
from tracking.jobs import recording_cancel
from tracking.models import Recording, TrackingEvent
from zones.models import Camera

pytestmark = pytest.mark.django_db
DAY = "2026-06-02"
MORNING = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)  # 10:00 in Berlin
WALKED = ((2, 0.5, 0.5), (10, 0.5, 0.7), (20, 0.7, 0.7))
LIST_QUERIES, EVENT_QUERIES = 14, 11


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return make_shop(cast.store)


@pytest.fixture
def facts(shop: Shop) -> Facts:
    """Three come in and one goes out within an hour that was seen; the first one was followed."""
    facts = make_facts(shop, MORNING, folder=uuid4().hex)
    line = shop.line.versions.get()
    facts.run.card = {
        "code_version": "1.2.3",
        "detector": {"name": "hog", "title": "HOG: finds fewer people"},
    }
    facts.run.setup = {
        "width": 1280,
        "height": 720,
        "zones": [
            {"key": str(shop.zone.public_id), "name": "Shelf", "kind": "display",
             "vertices": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]},
            {"key": str(uuid4()), "name": "Gone", "kind": "display",
             "vertices": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]},
        ],
        "lines": [
            {"key": str(shop.line.public_id), "name": "entrance", "kind": "entrance",
             "a": line.a, "b": line.b, "inside_side": "right", "valid_to_ms": 15_000},
        ],
    }  # fmt: skip
    facts.run.save()
    for second in (6, 30, 90):
        facts.step(second)
    facts.step(200, "out")
    facts.stay(40, 25)
    facts.seen(0, 3600)
    facts.commit()
    follow(facts, 1, *WALKED)
    return facts


@pytest.fixture
def get(cast: Cast, as_user):
    """Return a page's text as one line, as Alice sees it."""

    def found(address: str, status: int = 200) -> str:
        response = as_user(cast.alice).get(address)
        assert response.status_code == status, address
        return " ".join(response.content.decode().split())

    return found


def page(cast: Cast, name: str, **more) -> str:
    return reverse(name, kwargs={"store_slug": cast.store.slug, **more})


def events(cast: Cast, **asked) -> str:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"{page(cast, 'analytics:events')}?{query}"


def event_page(cast: Cast, event: TrackingEvent) -> str:
    return page(cast, "tracking:event", event_id=event.public_id)


def first_step() -> TrackingEvent:
    return TrackingEvent.objects.filter(kind=Kind.CROSSED).order_by("at")[0]


def behind(text: str) -> list[str]:
    """Return where the numbers of a page lead to."""
    return [
        html.unescape(found) for found in re.findall(r'class="behind"[^>]* href="([^"]+)"', text)
    ]


# --- From a number --------------------------------------------------------------------------------


def test_every_linked_number_of_the_dashboard_opens_a_list_that_adds_up(cast, facts, get):
    text = get(f"{page(cast, 'analytics:dashboard')}?from={DAY}&to={DAY}")
    links = behind(text)
    assert len(links) > 15
    for link in set(links):
        shown = get(link)
        assert 'data-adds-up="no"' not in shown, link
        assert 'data-adds-up="yes"' in shown or "of=inside" in link, link
    asked = [parse_qs(urlsplit(link).query) for link in links]
    assert {"of": ["footfall"], "from": [DAY], "to": [DAY]} in asked
    assert {"from": [DAY], "to": [DAY], "ended": ["seen"]} not in asked  # nobody was seen whole
    hour = {"of": ["footfall"], "at": ["2026-06-02T08:00:00Z"], "until": ["2026-06-02T09:00:00Z"]}
    assert hour in asked


def test_a_number_nobody_knows_leads_nowhere(cast, shop, get):
    assert behind(get(f"{page(cast, 'analytics:dashboard')}?from={DAY}&to={DAY}")) == []
    assert behind(get(f"{page(cast, 'analytics:history')}?day={DAY}")) == []


def test_a_chosen_zone_goes_along_to_its_stops_and_not_to_the_door(cast, shop, facts, get):
    zone = str(shop.zone.public_id)
    text = get(f"{page(cast, 'analytics:dashboard')}?from={DAY}&to={DAY}&zone={zone}")
    asked = [parse_qs(urlsplit(link).query) for link in behind(text)]
    assert {each["of"][0] for each in asked if each.get("zone") == [zone]} == {
        "stops", "stays", "unended",
    }  # fmt: skip


def test_hours_of_the_history_lead_to_their_events_and_its_total_to_all(cast, facts, get):
    text = get(f"{page(cast, 'analytics:history')}?day={DAY}")
    links = behind(text)
    assert set(links) > set()
    for link in links:
        assert 'data-adds-up="yes"' in get(link), link
    hour = events(
        cast, of="entries", at="2026-06-02T08%3A00%3A00Z", until="2026-06-02T09%3A00%3A00Z"
    )
    assert hour in links
    assert "<b>3</b> people came in." in get(hour)
    assert "Tue 2 Jun, 10:00 to 11:00" in get(hour)
    begin, end = "2026-06-02T02%3A00%3A00Z", "2026-06-03T02%3A00%3A00Z"
    whole = events(cast, of="exits", at=begin, until=end)
    assert whole in links


def test_numbers_of_live_lead_to_their_events(cast, shop, get):
    facts = make_facts(shop, system_clock.now() - timedelta(minutes=8), state="done")
    facts.step(5)
    facts.step(15)
    facts.step(25, "out")
    facts.visit(5, 20)
    facts.seen(0, 400)
    facts.commit()
    text = get(page(cast, "tracking:live"))
    links = behind(text)
    recording = Recording.objects.get()
    assert events(cast, of="entries", recording=recording.public_id) in links
    told = {link: get(link) for link in links if "/events/?" in link}
    assert len(told) == 4
    for link, shown in told.items():
        assert 'data-adds-up="yes"' in shown, link
        assert ("<b>2</b> people came in" in shown) == ("of=entries" in link)
    listed = [link for link in links if "/clients/?" in link]
    assert len(listed) == 1
    assert get(listed[0]).count("data-visits") == 1
    rows = re.findall(r'class="strong behind"[^>]* href="([^"]+)"', text)
    assert len(rows) == 3
    assert all("/events/" in row and get(row) for row in rows)


# --- The list -------------------------------------------------------------------------------------


def test_the_list_says_how_many_and_leads_to_each(cast, facts, get):
    text = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert "<b>3</b> people came in." in text
    assert "The number is 3, and 3 events are behind it: <b>they add up.</b>" in text
    times = re.findall(r'href="([^"]+)"><span class="nowrap">Tue 2 Jun,</span> (10:0\d:\d\d)', text)
    assert [at for _, at in times] == ["10:01:30", "10:00:30", "10:00:06"]
    for address, at in times:
        assert f"<b>{at}</b>" in get(address)


def test_a_list_goes_on_from_page_to_page(cast, shop, get):
    facts = make_facts(shop, MORNING)
    for n in range(60):
        facts.step(n)
    facts.commit()
    first = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert "50 on this page" in first and "Newest" not in first
    following = html.unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    second = get(f"{page(cast, 'analytics:events')}{following}")
    assert "10 on this page" in second and 'rel="next"' not in second
    seconds = re.findall(r"10:00:(\d\d)</a>", first) + re.findall(r"10:00:(\d\d)</a>", second)
    assert seconds == [f"{n:02}" for n in range(59, -1, -1)]


def test_a_sum_that_its_events_do_not_make_is_told_to_be_wrong(cast, facts, get):
    Bucket.objects.filter(entries=3).update(entries=5)
    text = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert 'data-adds-up="no"' in text
    assert "The number says 5, and there are 3 events behind it" in text


def test_a_choice_that_does_not_fit_the_number_is_left_out(cast, shop, facts, get):
    other = make_shop(cast.store, "Back door")
    recording = facts.run.recording.public_id
    day = {"from": DAY, "to": DAY}
    for asked, words in (
        # As the form of the page sends it, when another number is chosen.
        (day | {"of": "stops", "line": shop.line.public_id}, "<b>1</b> stop at a zone."),
        (day | {"of": "entries", "zone": shop.zone.public_id}, "<b>3</b> people came in."),
        (day | {"of": "passers", "line": shop.line.public_id}, "<b>0</b> people walked past."),
        (day | {"of": "waits", "zone": shop.zone.public_id},
         "<b>0</b> waits were seen from start to end."),
        ({"of": "entries", "recording": recording, "line": other.line.public_id},
         "<b>3</b> people came in, in <b>clip.mp4</b>."),
        ({"of": "entries", "recording": recording, "camera": other.camera.public_id},
         "<b>3</b> people came in, in <b>clip.mp4</b>."),
        ({"of": "stops", "recording": recording, "camera": other.camera.public_id},
         "<b>1</b> stop at a zone, in <b>clip.mp4</b>."),
    ):  # fmt: skip
        text = get(events(cast, **asked))
        assert 'data-adds-up="yes"' in text, asked
        assert words in text, asked
        assert ('name="line"' in text) == ("from" in asked and asked["of"] == "entries"), asked
        assert ('name="camera"' in text) == ("from" in asked), asked


def test_more_events_than_are_counted_are_told_to_be_more(cast, facts, get, monkeypatch):
    monkeypatch.setattr("analytics.evidence.MOST_CHECKED", 2)
    Bucket.objects.filter(entries=3).update(entries=1)
    text = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert 'data-adds-up="no"' in text
    assert "The number says 1, and there are more than 2 events behind it" in text


def test_a_time_that_runs_past_midnight_names_both_days(cast, facts, get):
    begin, end = "2026-06-02T02:00:00Z", "2026-06-03T02:00:00Z"
    shown = get(events(cast, of="exits", at=begin, until=end))
    assert "Tue 2 Jun, 04:00 to Wed 3 Jun, 04:00" in shown


def test_nothing_behind_a_zero_is_told_in_words(cast, shop, get):
    text = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert "The number is 0, and there is no event behind it" in text
    assert "No event of this kind was counted in this time." in text


def test_what_people_told_stands_among_who_is_inside(cast, shop, facts, get):
    tell(cast.store, Kind.CORRECTED, MORNING + timedelta(minutes=1), 2)
    text = get(events(cast, of="inside", **{"from": DAY, "to": DAY}))
    assert "Corrected by hand <b>+2</b>" in text
    assert "data-adds-up" not in text
    told = TrackingEvent.objects.get(kind=Kind.CORRECTED)
    shown = get(event_page(cast, told))
    assert "A person told this: no camera of this shop saw it, and no film" in shown
    assert "way-drawing" not in shown


def test_what_a_counter_outside_told_says_that_no_film_stands_behind_it(cast, shop, get):
    told = Told(0, "7", MORNING, line=shop.line.public_id, direction="in")
    watched = Watched(0, shop.camera.public_id, MORNING, MORNING + timedelta(hours=1))
    events_take(
        store=cast.store, source="door-7", told=[told], watched=[watched], user=cast.alice,
        now=MORNING + timedelta(hours=2),
    )  # fmt: skip
    text = get(events(cast, of="entries", **{"from": DAY, "to": DAY}))
    assert 'data-adds-up="yes"' in text and "<b>1</b> person came in." in text
    assert '<span class="chip line">outside</span>' in text
    shown = get(event_page(cast, TrackingEvent.objects.get(kind="crossed")))
    assert "An outside counter told this: no camera of this shop saw it" in shown


@pytest.mark.parametrize(
    "asked",
    [
        "of=nothing",
        "from=2026-06-02",
        "from=2026-06-03&to=2026-06-02",
        "at=2026-06-02T08:00:00Z",
        "at=2026-06-02T08:00:00Z&until=2026-06-02T07:00:00Z",
        "from=2020-01-01&to=2026-01-01",
        "after=nowhere",
        "zone=till",
        "unknown=1",
        "at=9999-12-31T23:59:00Z&until=9999-12-31T23:59:00Z",
        "at=0001-01-01T00:00:00Z&until=0001-01-01T00:05:00Z",
        "of=footfall&recording=4b1d1d7e-0000-4000-8000-000000000000",
        "of=stops&from=2026-06-02&to=2026-06-02&recording=4b1d1d7e-0000-4000-8000-000000000000",
    ],
)
def test_an_address_that_makes_no_sense_says_so(cast, shop, get, asked):
    assert "This page does not exist" in get(f"{page(cast, 'analytics:events')}?{asked}", 400)


def test_whatever_is_another_stores_does_not_exist(cast, facts, as_user, get):
    far = make_shop(cast.elsewhere)
    theirs = make_facts(far, MORNING)
    theirs.step(1)
    theirs.commit()
    step = TrackingEvent.objects.get(run=theirs.run, kind=Kind.CROSSED)
    get(event_page(cast, step), 404)
    for name, row in (("zone", far.zone), ("line", far.line), ("camera", far.camera)):
        get(events(cast, of="entries", **{name: row.public_id}), 404)
    get(events(cast, of="entries", recording=theirs.run.recording.public_id), 404)
    mine = event_page(cast, TrackingEvent.objects.filter(run=facts.run)[0])
    assert as_user(cast.bob).get(mine).status_code == 200
    assert as_user(cast.charlie).get(mine).status_code == 404
    assert as_user(None).get(mine)["Location"] == f"/login/?next={mine}"
    assert as_user(cast.alice).post(mine).status_code == 405


def test_the_store_switcher_leads_from_an_event_to_the_other_stores_list(cast, facts, as_user):
    membership_set(user=cast.alice, store=cast.elsewhere, role="viewer")
    text = as_user(cast.alice).get(event_page(cast, first_step())).content.decode()
    address = reverse("analytics:events", kwargs={"store_slug": cast.elsewhere.slug})
    assert f'href="{address}"' in text


# --- One event ------------------------------------------------------------------------------------


def drawn(text: str) -> dict:
    found = embedded(text, "way-drawing")
    assert isinstance(found, dict)
    return found


def test_an_event_is_marked_on_its_way_with_the_map_of_then(cast, facts, get):
    text = get(event_page(cast, first_step()))
    told = drawn(text)
    assert told["pieces"] == [[[1000 * s, x, y] for s, x, y in WALKED]]
    # Half way from (2 s, 0.5, 0.5) to (10 s, 0.5, 0.7).
    assert told["marks"] == [
        {"kind": "here", "label": "came in 10:00:06", "time_ms": 6000, "at": [0.5, 0.6]}
    ]
    assert [zone["name"] for zone in told["zones"]] == ["Shelf"]  # another is no more
    assert [line["name"] for line in told["lines"]] == ["entrance"]
    assert (told["width"], told["height"]) == (1280, 720)
    assert "HOG: finds fewer people" in text and "OskarTrack 1.2.3" in text
    later = TrackingEvent.objects.filter(kind=Kind.CROSSED).order_by("at")[1]
    assert drawn(get(event_page(cast, later)))["lines"] == []  # moved by then


def test_the_film_opens_on_live_just_before_the_event_while_it_is_kept(cast, facts, get):
    text = get(event_page(cast, first_step()))
    recording = facts.run.recording
    live = f"{page(cast, 'tracking:live')}?recording={recording.public_id}&amp;at_ms=4000"
    assert f'href="{live}">Watch this moment' in text
    Recording.objects.update(folder="")
    text = get(event_page(cast, first_step()))
    assert "The film was removed." in text and "Watch this moment" not in text
    Recording.objects.update(source=Recording.Source.SIMULATED)
    text = get(event_page(cast, first_step()))
    assert "Made up for the demo: no camera saw it, and no film stands behind it." in text
    assert "Not at all: the days of the demo are made up" in text


def test_a_way_that_is_gone_and_one_that_goes_on_say_so(cast, facts, get):
    facts.run.tracks.all().delete()
    step = event_page(cast, first_step())
    text = get(step)
    assert "This person is still being followed" in text
    assert drawn(text)["pieces"] == [] and drawn(text)["marks"] == []
    facts.run.finished_at = system_clock.now()
    facts.run.save()
    assert "The way of this person is not kept any more." in get(step)


def test_a_way_of_a_count_that_was_stopped_does_not_go_on(cast, facts, get):
    facts.run.tracks.all().delete()
    assert recording_cancel(facts.run.recording)
    text = get(event_page(cast, first_step()))
    assert "This person is still being followed" not in text
    assert "Counting stopped before this way was written down, or it is not kept any more." in text


def test_a_damaged_way_and_a_damaged_map_leave_the_page_standing(cast, facts, get):
    facts.run.tracks.update(path=b"damaged")
    facts.run.setup = {"zones": "?"}
    facts.run.save()
    told = drawn(get(event_page(cast, first_step())))
    assert (told["pieces"], told["zones"], told["lines"]) == ([], [], [])


def test_a_camera_without_a_still_says_what_the_way_is_drawn_on(cast, shop, facts, get):
    step = event_page(cast, first_step())
    assert "has no picture without people yet" in get(step)
    Camera.objects.update(still="folder/still.jpg")
    text = get(step)
    address = reverse("camera-still", args=[shop.camera.public_id])
    assert f'<img src="{address}"' in text
    assert "has no picture without people yet" not in text


def test_an_event_of_an_earlier_count_says_that_it_counts_no_more(cast, facts, get):
    assert "no number any more" not in get(event_page(cast, first_step()))
    ledger.run_take_out(facts.run)
    assert "part of no number any more" in get(event_page(cast, first_step()))


def test_a_finished_stay_marks_its_beginning_too(cast, facts, get):
    left = TrackingEvent.objects.get(kind=Kind.ZONE_LEFT)
    assert left.track_number
    follow(facts, left.track_number, (38, 0.2, 0.2), (70, 0.6, 0.2))
    told = drawn(get(event_page(cast, left)))
    assert [mark["label"] for mark in told["marks"]] == ["stopped 10:00:40", "left 10:01:05"]
    assert [mark["at"] for mark in told["marks"]] == [[0.225, 0.2], [0.5375, 0.2]]


def test_names_are_text_and_never_markup(cast, shop, facts, get):
    evil = "</script><script>alert(1)</script>"
    for row in (shop.zone, shop.line, shop.camera):
        row.name = evil
        row.save()
    Recording.objects.update(name=evil)
    left = TrackingEvent.objects.get(kind=Kind.ZONE_LEFT)
    addresses = [event_page(cast, first_step()), event_page(cast, left)]
    addresses += [events(cast, of=of, **{"from": DAY, "to": DAY}) for of in ("entries", "stops")]
    for address in addresses:
        assert "<script>alert" not in get(address)


def test_the_pages_take_as_many_queries_for_much_as_for_little(
    cast, shop, facts, as_user, django_assert_num_queries
):
    client = as_user(cast.alice)
    address = events(cast, of="footfall", **{"from": DAY, "to": DAY})
    step = event_page(cast, first_step())
    for _ in range(2):
        with django_assert_num_queries(LIST_QUERIES):
            client.get(address)
        with django_assert_num_queries(EVENT_QUERIES):
            client.get(step)
        more = make_facts(shop, MORNING + timedelta(hours=2))
        for n in range(70):
            more.step(n)
        more.commit()
