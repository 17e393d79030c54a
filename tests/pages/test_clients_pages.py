"""Clients: their visits, their codes, their notes; one visit with its strip and its way."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone as system_clock

from accounts.models import AuditEntry
from analytics.clients_page import STRIP, covered_s, ends_of, strip_of, ticks_of, zones_by_key
from analytics.models import Bucket
from tests.analytics.shop import Facts, make_facts, make_shop
from tests.analytics.ways import Stop, follow, make_zones, stays_of, way
from tests.cast import Cast, make_camera
from tests.pages.test_doors import embedded
from tracking.clients import NOTE_AT_MOST, code_asked, code_of
from tracking.jobs import Claim, recording_cancel, recording_finish, set_aside
from tracking.models import Customer, Recording, Run, Visit

pytestmark = pytest.mark.django_db
DAY = "2026-06-02"
MORNING = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)  # 10:00 in Berlin
LIST_QUERIES, CLIENT_QUERIES, VISIT_QUERIES = 13, 11, 12


@pytest.fixture
def facts(cast: Cast) -> Facts:
    """Four visits: one of two zones, one of none, one without an end, one of the staff."""
    facts = make_facts(make_shop(cast.store), MORNING)
    apples, pears = make_zones(facts, "Apples", "Pears")
    way(facts, 100, apples, pears)
    way(facts, 300)
    way(facts, 500, apples, inferred=True)
    way(facts, 700, pears, staff=True)
    for number, visit in enumerate(facts.visits):
        visit.customer = Customer.objects.create(
            public_id=f"{number + 1:08x}-0000-4000-8000-000000000000",
            store=cast.store,
            first_seen=visit.entered_at,
            last_seen=visit.exited_at or visit.entered_at,
            visit_count=1,
        )
    facts.seen(0, 3600)
    facts.commit()
    follow(facts, 0, (100, 0.5, 0.5), (120, 0.9, 0.5), (145, 0.5, 0.5))
    return facts


@pytest.fixture
def shown(cast: Cast, as_user):
    """Return the list as one line, as Alice sees it under some choices."""

    def get(status: int = 200, **asked) -> str:
        span = {} if {"from", "q", "recording"} & asked.keys() else {"from": DAY, "to": DAY}
        response = as_user(cast.alice).get(address(cast, "clients"), span | asked)
        assert response.status_code == status
        return " ".join(response.content.decode().split())

    return get


def address(cast: Cast, name: str, **more) -> str:
    return reverse(f"analytics:{name}", kwargs={"store_slug": cast.store.slug, **more})


def codes(text: str) -> list[str]:
    return re.findall(r'class="mono" href="[^"]+">(\w{8})<', text)


def client_page(cast: Cast, number: int) -> str:
    client = Customer.objects.order_by("public_id")[number]
    return address(cast, "client", client_id=client.public_id)


def visit_page(cast: Cast, number: int) -> str:
    return address(cast, "visit", visit_id=Visit.objects.order_by("ordinal")[number].public_id)


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-06-02T21:59:59Z", "Tuesday 2 June"), ("2026-06-02T22:00:00Z", "Wednesday 3 June")],
)
def test_a_day_is_that_of_the_shop_at_any_hour_of_the_night(at, day):
    """The installation's own clock, UTC, is on the day before for two hours."""
    template = '{% load ot %}{{ at|local:"Europe/Berlin"|date:"l j F" }}'
    assert Template(template).render(Context({"at": at})) == day


# --- The list -------------------------------------------------------------------------------------


def test_the_list_has_the_newest_visit_first_and_adds_up_to_its_number(shown, facts):
    text = shown()
    assert codes(text) == ["00000003", "00000002", "00000001"]
    assert "<b>3 visits</b> are finished." in text
    assert "The number is 3, and 3 visits are in this list: they add up." in text
    assert "Apples → Pears" in text and "Stopped at no zone" in text
    assert text.count("end not seen</span>") == 1
    assert "Tue 2 Jun, 10:01" in text


def test_staff_are_shown_when_asked_for_and_marked(shown, facts):
    text = shown(staff="true")
    assert codes(text)[0] == "00000004"
    assert '<span class="chip line">staff</span>' in text
    assert "data-adds-up" not in text  # no number counts them


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"ended": "seen"}, ["00000002", "00000001"]),
        ({"ended": "unseen"}, ["00000003"]),
        ({"length": "short"}, ["00000002", "00000001"]),
        ({"length": "long"}, []),
        ({"from": "2026-06-01", "to": "2026-06-01"}, []),
        ({"q": "0000 0004"}, ["00000004"]),  # at any time, and of the staff too
        ({"q": "00000002-0000-4000-8000-000000000000"}, ["00000002"]),
        ({"q": "99"}, []),
    ],
)
def test_a_choice_leaves_what_it_says(shown, facts, asked, found):
    assert codes(shown(**asked)) == found


def test_a_zone_leaves_the_visits_that_stopped_there(cast, shown, facts):
    pears = cast.store.cameras.get().zones.get(name="Pears")
    assert codes(shown(zone=pears.public_id)) == ["00000001"]


def test_a_visit_is_found_by_its_own_code(shown, facts):
    visit = Visit.objects.order_by("ordinal")[1]
    assert codes(shown(q=code_of(visit.public_id))) == ["00000002"]


def test_what_is_no_code_says_what_one_is(shown, facts):
    text = shown(q="Anna", **{"from": DAY, "to": DAY})
    assert "This is no code" in text
    assert codes(text) == [] and "data-adds-up" not in text and "data-visits" not in text
    assert "Nobody has this code" in shown(q="deadbeef")
    assert code_asked(" 8a2F-01 ") == "8a2f01"
    assert code_asked("x1") == ""


def test_the_visits_of_a_recording_are_all_it_counted(shown, facts):
    text = shown(recording=Recording.objects.get().public_id)
    assert len(codes(text)) == 4
    assert "The visits in <b>clip.mp4</b>." in text


def test_demo_and_a_note_are_marked_and_a_visit_that_goes_on(cast, shown, facts):
    Recording.objects.update(is_demo=True)
    Customer.objects.filter(public_id__startswith="00000002").update(notes="delivery")
    now = system_clock.now()
    later = make_facts(facts.shop, now - timedelta(minutes=5))
    later.visit(10, 20)
    later.visits[-1].exited_at = later.visits[-1].duration_ms = None
    Visit.objects.bulk_create(later.visits)
    text = shown()
    assert text.count('<span class="chip line">demo</span>') == 3
    assert text.count('<span class="chip line">note</span>') == 1
    text = shown(**{"from": str(now.date() - timedelta(days=1)), "to": str(now.date())})
    assert "goes on</span>" in text
    assert "<b>1</b> goes on right now" in text
    assert 'data-adds-up="yes"' in text


@pytest.mark.parametrize("end", ["cancelled", "set aside", "failed"])
def test_a_visit_of_a_count_that_stopped_does_not_go_on_for_ever(cast, shown, facts, end):
    later = make_facts(facts.shop, MORNING + timedelta(hours=2))
    later.visit(10, 20)
    later.visits[-1].exited_at = later.visits[-1].duration_ms = None
    Visit.objects.bulk_create(later.visits)
    assert "goes on right now" in shown()
    stop(later, end)
    text = shown()
    assert "goes on" not in text
    assert "<b>3 visits</b> are finished, and of <b>1</b> counting stopped before the end." in text
    assert 'data-adds-up="yes"' in text
    assert text.count("end not seen</span>") == 2
    text = shown(ended="unseen")
    assert "Of <b>1 visit</b> the end was not seen, and of <b>1</b> counting stopped" in text
    assert len(re.findall(r"visits/[\w-]{36}/", text)) == 2
    assert "The number is 2, and 2 visits are in this list: they add up." in text


def stop(facts: Facts, end: str) -> None:
    """End a count as it may end before the film does: its visits stay as they are."""
    recording = facts.run.recording
    claim = Claim(Recording, recording.pk, recording.fence, attempt=1)
    if end == "cancelled":
        assert recording_cancel(recording)
    elif end == "set aside":
        assert set_aside(claim, "bad_media", "")
    else:
        recording_finish(claim, Recording.State.FAILED)
        Run.objects.filter(pk=facts.run.pk).update(finished_at=system_clock.now())


def test_a_list_of_some_says_of_whom_its_number_is(cast, shown, facts):
    pears = cast.store.cameras.get().zones.get(name="Pears").public_id
    all_of_them = "<b>3 visits</b> are finished."
    assert "Of these" not in shown() and "Staff are" not in shown()
    for asked, words in (
        ({"zone": pears}, "Of these, the list has those who stopped at <b>Pears</b>."),
        ({"length": "short"}, "Of these, the list has those who stayed <b>under 2 minutes</b>."),
        ({"zone": pears, "length": "long"},
         "who stopped at <b>Pears</b> and stayed <b>10 minutes and more</b>."),
        ({"staff": "true"}, "Staff are in the list too; no number counts them."),
    ):  # fmt: skip
        text = shown(**asked)
        assert all_of_them in text and words in text, asked
    text = shown(recording=Recording.objects.get().public_id, zone=pears, ended="seen")
    assert "those who stopped at <b>Pears</b> and were <b>seen from start to end</b>." in text
    assert "no number counts them" not in text


def test_more_visits_than_are_counted_are_told_to_be_more(shown, facts, monkeypatch):
    for name in ("analytics.evidence.MOST_CHECKED", "analytics.clients_page.MOST_CHECKED"):
        monkeypatch.setattr(name, 2)
    Bucket.objects.filter(subject_kind=Bucket.Subject.VISIT).update(stays=0)
    text = shown()
    assert 'data-adds-up="no"' in text
    assert "The number says 1, and more than 2 visits are in this list." in text


def test_the_list_goes_on_from_page_to_page(cast, shown, facts):
    for n in range(30):
        facts.visit(1000 + n, 10)
    facts.commit()
    first = shown()
    following = html.unescape(re.findall(r'rel="next" href="\?([^"]+)"', first)[0])
    asked = dict(pair.split("=") for pair in following.split("&"))
    second = shown(**asked | {"after": asked["after"].replace("%3D", "=")})
    times = re.findall(r"visits/([\w-]{36})/", first) + re.findall(r"visits/([\w-]{36})/", second)
    assert len(set(times)) == len(times) == 33


@pytest.mark.parametrize(
    "asked", [{"ended": "never"}, {"from": DAY}, {"zone": "till"}, {"after": "x"}, {"foo": "1"}]
)
def test_an_address_that_makes_no_sense_says_so(shown, facts, asked):
    assert "This page does not exist" in shown(400, **({"q": ""} | asked))


# --- One client -----------------------------------------------------------------------------------


def test_a_client_has_its_visits_and_a_note_that_managers_write_and_viewers_read(
    cast, as_user, facts
):
    page = client_page(cast, 0)
    alice, bob = as_user(cast.alice), as_user(cast.bob)
    assert "Keep the note" in alice.get(page).content.decode()
    assert alice.post(page, {"notes": " comes with the post "}).status_code == 302
    text = bob.get(page).content.decode()
    assert "comes with the post" in text and "Keep the note" not in text
    assert bob.post(page, {"notes": "mine"}).status_code == 403
    assert Customer.objects.get(public_id__startswith="00000001").notes == "comes with the post"
    entry = AuditEntry.objects.get(action="client.noted")
    assert (entry.actor, entry.subject) == (cast.alice, "00000001")
    assert "post" not in str(entry.detail)


def test_a_note_is_short_and_the_same_note_is_no_news(cast, as_user, facts):
    page, alice = client_page(cast, 0), as_user(cast.alice)
    response = alice.post(page, {"notes": "x" * (NOTE_AT_MOST + 1)})
    assert response.status_code == 400
    assert "500 letters at most" in response.content.decode()
    alice.post(page, {"notes": "post"})
    alice.post(page, {"notes": "post"})
    assert AuditEntry.objects.filter(action="client.noted").count() == 1


def test_a_client_without_a_visit_that_counts_is_gone(cast, as_user, facts):
    page = client_page(cast, 0)
    Customer.objects.update(hidden=True)
    assert as_user(cast.alice).get(page).status_code == 404
    visit = as_user(cast.alice).get(visit_page(cast, 0)).content.decode()
    assert page not in visit


def test_clients_and_visits_of_another_store_do_not_exist(cast, as_user, facts):
    far = make_facts(make_shop(cast.elsewhere), MORNING)
    far.visit(10, 20)
    far.visits[0].customer = Customer.objects.create(
        public_id="0000000a-0000-4000-8000-000000000000", store=cast.elsewhere,
        first_seen=MORNING, last_seen=MORNING,
    )  # fmt: skip
    far.commit()
    theirs = {"client_id": "0000000a-0000-4000-8000-000000000000"}
    alice = as_user(cast.alice)
    assert alice.get(address(cast, "client", **theirs)).status_code == 404
    assert alice.post(address(cast, "client", **theirs), {"notes": "x"}).status_code == 404
    visit = Visit.objects.get(run=far.run)
    assert alice.get(address(cast, "visit", visit_id=visit.public_id)).status_code == 404
    assert codes(alice.get(address(cast, "clients"), {"q": "0000000a"}).content.decode()) == []
    recording = far.run.recording.public_id
    assert alice.get(address(cast, "clients"), {"recording": recording}).status_code == 404
    zone = far.shop.zone.public_id
    assert alice.get(address(cast, "clients"), {"zone": zone}).status_code == 404
    for page in (client_page(cast, 0), visit_page(cast, 0)):
        assert as_user(cast.charlie).get(page).status_code == 404
        assert as_user(cast.bob).get(page).status_code == 200
        assert as_user(None).get(page)["Location"] == f"/login/?next={page}"


# --- One visit ------------------------------------------------------------------------------------


def test_a_visit_is_told_step_by_step_and_drawn_between_its_ends(cast, as_user, facts):
    text = as_user(cast.alice).get(visit_page(cast, 0)).content.decode()
    line = " ".join(text.split())
    assert "Came in at <b>10:01</b> on Tuesday 2 June, stayed <b>45 s</b>" in line
    assert "stopped at <b>2 zones</b>" in line
    steps = re.findall(r"(\d\d:\d\d:\d\d)</td><td class=\"num strong\">(\d:\d\d)", line)
    assert steps == [("10:01:41", "0:10"), ("10:02:01", "0:10")]
    assert 'Between zones</th><td></td><td class="num strong">0:25' in line
    told = embedded(text, "way-drawing")
    assert told["pieces"] == [[[100_000, 0.5, 0.5], [120_000, 0.9, 0.5], [145_000, 0.5, 0.5]]]
    assert [(m["kind"], m["label"]) for m in told["marks"]] == [
        ("in", "in 10:01"), ("out", "out 10:02"),
    ]  # fmt: skip


def test_of_a_way_only_what_lies_within_the_visit_is_drawn(cast, as_user, facts):
    follow(facts, 1, (0, 0.1, 0.1), (298, 0.2, 0.2), (303, 0.3, 0.3), (307, 0.4, 0.4), (400, 1, 1))
    told = embedded(as_user(cast.alice).get(visit_page(cast, 1)).content.decode(), "way-drawing")
    assert [point[0] for point in told["pieces"][0]] == [298_000, 303_000, 307_000]


def test_a_visit_without_an_end_says_so(cast, as_user, facts):
    follow(facts, 2, (500, 0.5, 0.5), (525, 0.9, 0.5))
    line = " ".join(as_user(cast.alice).get(visit_page(cast, 2)).content.decode().split())
    assert "was last seen after about <b>25 s</b>" in line
    assert "Whole visit, as far as seen" in line
    assert '"label": "last seen 10:08"' in line


def test_a_strip_is_as_wide_as_the_visit_is_long_and_the_shortest_stay_shows(cast, facts):
    apples, pears = cast.store.cameras.get().zones.filter(name__in=("Apples", "Pears"))
    visit = Visit.objects.order_by("ordinal")[1]
    visit.entered_at, visit.exited_at = facts.at(0), facts.at(1000)
    stops: list[Stop] = [(pears, 900, 200.0), (apples, -10, 110.0), (apples, 500, 0.1)]
    visit.path = stays_of(facts, stops)
    parts = strip_of(visit, ends_of(visit), zones_by_key(cast.store))
    assert [(part.name, part.x, part.width) for part in parts] == [
        ("Apples", 0.0, 100.0), ("Apples", 500.0, 6.0), ("Pears", 900.0, 100.0),
    ]  # fmt: skip
    assert all(part.x + part.width <= STRIP for part in parts)


def test_time_in_two_zones_at_once_is_time_in_zones_once(cast, facts):
    apples, pears = cast.store.cameras.get().zones.filter(name__in=("Apples", "Pears"))
    visit = Visit.objects.order_by("ordinal")[1]
    visit.entered_at, visit.exited_at = facts.at(0), facts.at(100)
    stops: list[Stop] = [
        (apples, 10, 30.0),
        (pears, 20, 30.0),
        (apples, 25, 5.0),
        (pears, 90, 50.0),
    ]
    visit.path = stays_of(facts, stops)
    assert covered_s(visit) == 50.0


def test_a_zone_that_is_gone_leaves_its_stay(cast, facts):
    visit = Visit.objects.order_by("ordinal")[0]
    parts = strip_of(visit, ends_of(visit), {})
    assert {(part.name, part.colour) for part in parts} == {("a zone that is gone", 0)}


def test_notes_and_names_are_text_and_never_markup(cast, as_user, facts, shown):
    evil = "</textarea></script><script>alert(1)</script>"
    Customer.objects.update(notes=evil)
    Recording.objects.update(name=evil)
    cast.store.cameras.get().zones.filter(name="Apples").update(name=evil)
    for text in (
        shown(),
        as_user(cast.alice).get(client_page(cast, 0)).content.decode(),
        as_user(cast.bob).get(client_page(cast, 0)).content.decode(),
        as_user(cast.alice).get(visit_page(cast, 0)).content.decode(),
    ):
        assert "<script>alert" not in text


def test_who_looked_at_a_client_is_written_down_once_and_not_who_read_the_list(
    cast, as_user, facts
):
    code = code_of(Customer.objects.order_by("public_id")[0].public_id)
    for client in (as_user(cast.alice), as_user(cast.bob)):
        for _ in range(3):
            assert client.get(address(cast, "clients")).status_code == 200
            assert client.get(visit_page(cast, 0)).status_code == 200
            assert client.get(client_page(cast, 0)).status_code == 200
    assert as_user(cast.charlie).get(visit_page(cast, 0)).status_code == 404
    seen = AuditEntry.objects.filter(action__endswith=".seen").order_by("pk")
    assert [(entry.actor, entry.store, entry.action) for entry in seen] == [
        (cast.alice, cast.store, "client.seen"),
        (cast.bob, cast.store, "client.seen"),
    ]
    assert {entry.subject for entry in seen} == {code}


def test_a_visit_that_belongs_to_nobody_is_written_down_by_itself(cast, as_user, facts):
    page = visit_page(cast, 0)
    Visit.objects.update(customer=None)
    for _ in range(2):
        assert as_user(cast.bob).get(page).status_code == 200
    entry = AuditEntry.objects.get(action__endswith=".seen")
    assert (entry.actor, entry.action) == (cast.bob, "visit.seen")
    assert entry.subject.lower() in page


def test_who_looked_by_the_api_is_written_down_like_who_looked_at_the_page(cast, as_user, facts):
    visit, alone = Visit.objects.order_by("entered_at")[:2]
    Visit.objects.filter(pk=alone.pk).update(customer=None)
    api = as_user(cast.bob)
    store = f"/api/v1/stores/{cast.store.public_id}/"
    for listed in ("clients/", "visits/"):
        assert api.get(store + listed).status_code == 200
    assert not AuditEntry.objects.filter(action__endswith=".seen").exists()
    for _ in range(2):
        assert api.get(f"/api/v1/clients/{visit.customer.public_id}/").status_code == 200
        for one in (visit, alone):
            assert api.get(f"/api/v1/visits/{one.public_id}/").status_code == 200
        assert api.get(visit_page(cast, 0)).status_code == 200
    for address in (f"clients/{visit.customer.public_id}/", f"visits/{alone.public_id}/"):
        assert as_user(cast.charlie).get(f"/api/v1/{address}").status_code == 404
    seen = AuditEntry.objects.filter(action__endswith=".seen").order_by("pk")
    assert [(entry.actor, entry.store, entry.action, entry.subject) for entry in seen] == [
        (cast.bob, cast.store, "client.seen", code_of(visit.customer.public_id)),
        (cast.bob, cast.store, "visit.seen", code_of(alone.public_id)),
    ]


def test_the_pages_take_as_many_queries_for_much_as_for_little(
    cast, as_user, facts, django_assert_num_queries
):
    client = as_user(cast.alice)
    pages = (
        (f"{address(cast, 'clients')}?from={DAY}&to={DAY}", LIST_QUERIES),
        (client_page(cast, 0), CLIENT_QUERIES),
        (visit_page(cast, 0), VISIT_QUERIES),
    )
    for page, _ in pages:
        client.get(page)  # the first look of a day writes a line in the log
    for _ in range(2):
        for page, queries in pages:
            with django_assert_num_queries(queries):
                client.get(page)
        for n in range(40):
            facts.visit(1000 + n, 10)
            facts.visits[-1].customer = Customer.objects.get(public_id__startswith="00000001")
        facts.commit()


def test_the_list_is_of_one_camera_where_one_is_chosen(cast, as_user, facts):
    client = as_user(cast.alice)
    page = f"{address(cast, 'clients')}?from={DAY}&to={DAY}"
    alone = client.get(page).content.decode()
    assert 'name="camera"' not in alone  # of one camera there is nothing to choose
    other = make_camera(cast.store, name="Back door")
    seen_by = Recording.objects.get().camera
    here, there = (
        client.get(f"{page}&camera={camera.public_id}").content.decode()
        for camera in (seen_by, other)
    )
    assert here.count('class="v-when"') == alone.count('class="v-when"') > 0
    assert "were seen by <b>" in here
    assert f'value="{seen_by.public_id}" selected' in here
    assert 'class="v-when"' not in there
    assert "data-adds-up" not in here  # no number is of one camera's visits
    foreign = make_camera(cast.elsewhere).public_id
    assert client.get(f"{page}&camera={foreign}").status_code == 404
    assert client.get(f"{page}&camera=door").status_code == 400


def test_no_time_stands_twice_below_a_strip():
    begin = datetime(2026, 6, 2, 10, 0, 46, tzinfo=UTC)
    told = ticks_of(begin, begin + timedelta(seconds=3), "UTC")
    assert told == ["10:00:46", "", "10:00:47", "10:00:48"]
    assert all(ticks_of(begin, begin + timedelta(minutes=30), "UTC"))
