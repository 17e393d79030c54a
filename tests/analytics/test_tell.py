"""What managers tell: sales once for each key, resets and corrections as events, thresholds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone as clock
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from analytics.models import KpiSettings, OccupancyMark, Transaction
from analytics.sales import read_at, read_csv
from tests.cast import Cast, make_cast
from tracking.models import TrackingEvent

pytestmark = pytest.mark.db
AT = "2026-06-02T10:15:00+02:00"
LINE = {"at": AT, "count": 2, "amount": "30.00", "client_key": "a"}
RESET = {"kind": "occupancy_reset", "value": 3}
DOORS = {
    "occupancy": ("post", RESET, 201),
    "transactions": ("post", {"transactions": [LINE]}, 200),
    "kpi-settings": ("put", {"bounce_s": 60}, 200),
}


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def send(user, store, door: str, body, method: str | None = None):
    client = APIClient()
    client.force_login(user)
    method = method or DOORS[door][0]
    return getattr(client, method)(f"/api/v1/stores/{store.public_id}/{door}/", body, format="json")


@pytest.mark.parametrize("door", DOORS)
def test_a_manager_may_tell_a_viewer_may_not_and_for_others_there_is_no_store(cast, door):
    _, body, status = DOORS[door]
    assert send(cast.bob, cast.store, door, body).status_code == 403
    assert send(cast.charlie, cast.store, door, body).status_code == 404
    assert not TrackingEvent.objects.exists() and not Transaction.objects.exists()
    assert not KpiSettings.objects.exists()
    answer = send(cast.alice, cast.store, door, body)
    assert answer.status_code == status, answer.json()
    assert AuditEntry.objects.filter(store=cast.store, actor=cast.alice).count() == 1


def test_a_reset_becomes_an_event_of_the_feed_and_changes_nothing_that_was_counted(cast):
    answer = send(cast.alice, cast.store, "occupancy", RESET).json()
    event = TrackingEvent.objects.get()
    assert (answer["id"], answer["seq"]) == (str(event.public_id), 1)
    assert (event.kind, event.value, event.source) == ("occupancy_reset", 3, "person")
    again = send(cast.alice, cast.store, "occupancy", {"kind": "corrected", "value": -2})
    assert again.json()["seq"] == 2
    assert OccupancyMark.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "moved", "value": 1}, "kind"),
        ({"kind": "corrected"}, "value"),
        ({"kind": "corrected", "value": 10**9}, "value"),
        ({"kind": "occupancy_reset", "value": -1}, "value"),
        ({**RESET, "at": "2026-06-02T10:00:00"}, "at"),
        ({**RESET, "at": "2099-01-01T00:00:00Z"}, "at"),
        ({**RESET, "at": "soon"}, "at"),
        ({**RESET, "by": "me"}, "by"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(cast, body, field):
    answer = send(cast.alice, cast.store, "occupancy", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not TrackingEvent.objects.exists()


def test_the_same_lines_again_change_nothing_and_a_line_told_anew_holds(cast):
    told = send(cast.alice, cast.store, "transactions", {"transactions": [LINE]}).json()
    assert told == {"taken": 1, "changed": 0, "known": 0, "taken_back": 0, "left_out": 0}
    again = send(cast.alice, cast.store, "transactions", {"transactions": [LINE]}).json()
    assert again == {"taken": 0, "changed": 0, "known": 1, "taken_back": 0, "left_out": 0}
    anew = send(cast.alice, cast.store, "transactions", {"transactions": [{**LINE, "count": 5}]})
    assert anew.json()["changed"] == 1
    row = Transaction.objects.get()
    assert (row.count, row.amount) == (5, Decimal("30.00"))
    assert row.starts_at == datetime(2026, 6, 2, 8, 15, tzinfo=UTC)


def test_returns_and_voids_are_left_out(cast):
    lines = [
        LINE,
        {**LINE, "client_key": "b", "kind": "return"},
        {**LINE, "client_key": "c", "kind": "void"},
        {**LINE, "client_key": "d", "amount": "-5.00"},
        {**LINE, "client_key": "e", "count": -1},
    ]
    told = send(cast.alice, cast.store, "transactions", {"transactions": lines}).json()
    assert (told["taken"], told["left_out"]) == (1, 4)
    assert Transaction.objects.get().client_key == "a"


@pytest.mark.parametrize(
    "back",
    [{"kind": "return"}, {"kind": "void"}, {"amount": "-30.00"}, {"count": -2}, {"count": 0}],
)
def test_a_sale_that_is_told_again_as_a_return_or_void_counts_no_more(cast, back):
    lines = [LINE, {**LINE, "client_key": "b"}]
    send(cast.alice, cast.store, "transactions", {"transactions": lines})
    told = {"transactions": [{**LINE, **back}]}
    answer = send(cast.alice, cast.store, "transactions", told).json()
    assert answer == {"taken": 0, "changed": 0, "known": 0, "taken_back": 1, "left_out": 0}
    assert Transaction.objects.get().client_key == "b"
    again = send(cast.alice, cast.store, "transactions", told).json()
    assert (again["taken_back"], again["left_out"]) == (0, 1)
    entries = AuditEntry.objects.filter(action="sales.told").order_by("pk")
    assert [entry.detail["taken_back"] for entry in entries] == [0, 1]


def test_of_one_till_alone_and_what_is_told_last_in_one_call_holds(cast):
    send(cast.alice, cast.store, "transactions", {"transactions": [LINE]})
    void = {**LINE, "kind": "void"}
    other = {"source": "other", "transactions": [void]}
    assert send(cast.alice, cast.store, "transactions", other).json()["left_out"] == 1
    assert Transaction.objects.count() == 1
    send(cast.alice, cast.store, "transactions", {"transactions": [void, {**LINE, "count": 7}]})
    assert Transaction.objects.get().count == 7
    send(cast.alice, cast.store, "transactions", {"transactions": [{**LINE, "count": 8}, void]})
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({**LINE, "at": "2026-06-02T10:15:00"}, "at"),
        ({**LINE, "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({**LINE, "amount": "NaN"}, "amount"),
        ({**LINE, "count": "many"}, "count"),
        ({"at": AT}, "client_key"),
    ],
)
def test_a_line_that_cannot_be_is_named_by_its_place(cast, line, field):
    answer = send(cast.alice, cast.store, "transactions", {"transactions": [LINE, line]})
    assert answer.status_code == 400
    (name,) = answer.json()["errors"]
    assert "1" in name and field in name
    assert not Transaction.objects.exists()


def test_more_lines_than_a_thousand_are_refused(cast):
    lines = [{**LINE, "client_key": str(n)} for n in range(1001)]
    assert send(cast.alice, cast.store, "transactions", {"transactions": lines}).status_code == 400
    assert not Transaction.objects.exists()


def test_a_threshold_that_buckets_cannot_tell_is_refused(cast):
    answer = send(cast.alice, cast.store, "kpi-settings", {"bounce_s": 100})
    assert answer.status_code == 400 and "120" in answer.json()["errors"]["bounce_s"][0]


# --- CSV ------------------------------------------------------------------------------------------


def test_a_file_is_read_line_by_line_and_what_is_wrong_is_told_by_its_number():
    text = (
        "\ufeffat,count,amount\r\n"
        "2026-06-02T10:15,2,30\r\n"
        "2026-06-02 10:15,1,\r\n"
        "2026-06-02T08:20:00Z,1,12.5\r\n"
        "\r\n"
        "2026-06-02T10:30,-1,5\r\n"
        "2026-06-02T10:30,1,-5\r\n"
        "2026-06-02,1,1\r\n"
        "2026-06-02T10:30,one,1\r\n"
        "2026-06-02T10:30,1_0,1\r\n"
        "2026-06-02T10:30,1,1.234\r\n"
        "2026-06-02T10:30,1\r\n"
        "1999-06-02T10:30,1,1\r\n"
    )
    sales, problems = read_csv(text, "Europe/Berlin")
    kept = [sale for sale in sales if not sale.taken_back]
    assert [(s.at.hour, s.at.minute, s.count, s.amount) for s in kept] == [
        (8, 15, 2, Decimal("30.00")),
        (8, 15, 1, None),
        (8, 20, 1, Decimal("12.50")),
    ]
    assert len({sale.client_key for sale in kept}) == 3
    assert len(sales) == 5
    assert [line.split(":")[0] for line in problems] == [
        "Line 8", "Line 9", "Line 10", "Line 11", "Line 12", "Line 13",
    ]  # fmt: skip
    assert "two decimals" in problems[3] and "2 cells" in problems[4]


@pytest.mark.parametrize("text", ["", "time,count\n", "at;count\n2026-06-02T10:15;1\n"])
def test_a_file_without_its_columns_is_refused_in_words(text):
    sales, problems = read_csv(text, "UTC")
    assert sales == []
    assert problems[0].startswith("Line 1 names the columns: at,count or at,count,amount.")


def test_an_hour_that_the_clock_shows_twice_or_never_is_refused_in_words():
    with pytest.raises(ValidationError) as twice:
        read_at("2026-10-25T02:30", "Europe/Berlin")
    assert twice.value.message == (
        "02:30 occurred twice on 25 October 2026: the clocks were put back. "
        "Write 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00."
    )
    with pytest.raises(ValidationError, match="did not occur"):
        read_at("2026-03-29T02:30", "Europe/Berlin")
    assert read_at("2026-10-25T02:30+01:00", "Europe/Berlin").hour == 1
    assert read_at("2026-10-25T03:30", "Europe/Berlin").hour == 2


# --- The page -------------------------------------------------------------------------------------


def page(user, store, **form):
    client = Client()
    client.force_login(user)
    address = f"/stores/{store.slug}/tell/"
    return client.post(address, form) if form else client.get(address)


def test_the_page_is_for_managers_and_the_dashboard_leads_them_there(cast):
    assert page(cast.alice, cast.store).status_code == 200
    assert page(cast.bob, cast.store).status_code == 403
    assert page(cast.charlie, cast.store).status_code == 404
    for user, links in ((cast.alice, 2), (cast.bob, 0)):
        client = Client()
        client.force_login(user)
        shown = client.get(f"/stores/{cast.store.slug}/dashboard/").content.decode()
        assert shown.count(f"/stores/{cast.store.slug}/tell/") == links


def test_a_file_is_uploaded_and_its_report_stands_on_the_page(cast):
    text = "at,count,amount\n2026-06-02T10:15,2,30\n2026-10-25T02:30,1,1\n2026-06-02T11:00,-1,3\n"

    def upload():
        file = SimpleUploadedFile("till.csv", text.encode())
        return page(cast.alice, cast.store, form="sales", file=file)

    shown = upload().content.decode()
    assert "Lines: 1 taken, 1 returns or voids left out, 1 not understood." in shown
    assert "Line 3: 02:30 occurred twice on 25 October 2026" in shown
    assert "1 known already" in upload().content.decode()
    assert Transaction.objects.get().count == 2


def test_a_newer_file_that_tells_a_line_as_a_return_takes_its_sale_back(cast):
    def upload(*lines: str) -> str:
        text = "\n".join(["at,count,amount", *lines])
        file = SimpleUploadedFile("till.csv", text.encode())
        return page(cast.alice, cast.store, form="sales", file=file).content.decode()

    upload("2026-06-02T10:15,2,30", "2026-06-02T10:15,1,5", "2026-06-02T10:15,1,7")
    shown = upload("2026-06-02T10:15,2,30", "2026-06-02T10:15,-1,5", "2026-06-02T10:15,1,7")
    assert "Lines: 2 known already, 1 taken back." in shown
    amounts = Transaction.objects.order_by("amount").values_list("amount", flat=True)
    assert list(amounts) == [7, 30]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"form": "sales"}, "Choose a file first."),
        ({"form": "inside", "kind": "corrected", "value": "x"}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": "12          x"}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": "1_0"}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": "\u0661"}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": ""}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": "9" * 5000}, "is no whole number."),
        ({"form": "inside", "kind": "corrected", "value": "100001"}, "Tell a number from"),
        ({"form": "inside", "kind": "gone", "value": "1"}, "Tell &#x27;corrected&#x27;"),
        (
            {"form": "inside", "kind": "corrected", "value": "1", "at": "2026-10-25T02:30"},
            "occurred twice",
        ),
        ({"form": "visits", "bounce_s": "7"}, "Choose one of"),
        ({"form": "other"}, "This form is not known."),
    ],
)
def test_what_is_wrong_in_a_form_is_said_above_it(cast, form, said):
    answer = page(cast.alice, cast.store, **form)
    assert answer.status_code == 400 and said in answer.content.decode()
    assert not TrackingEvent.objects.exists()


def test_a_file_that_is_no_text_or_too_large_is_refused(cast):
    for content, said in ((b"\xff\xfe\x00", "no UTF-8"), (b"a" * (2 * 1024 * 1024 + 1), "2 MB")):
        file = SimpleUploadedFile("till.csv", content)
        answer = page(cast.alice, cast.store, form="sales", file=file)
        assert answer.status_code == 400 and said in answer.content.decode()


def test_who_is_inside_is_told_for_now_or_for_a_time_on_the_shops_clock(cast):
    answer = page(cast.alice, cast.store, form="inside", kind="occupancy_reset", value="4")
    assert "Noted: 4 inside." in answer.content.decode()
    yesterday = clock.now() - timedelta(days=1)
    at = f"{yesterday:%Y-%m-%d}T12:00"
    answer = page(cast.alice, cast.store, form="inside", kind="corrected", value="-2", at=at)
    assert "Noted: \u22122 people." in answer.content.decode()
    assert OccupancyMark.objects.order_by("at").first().value == -2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (60, "1 min"), (90, "1 min 30 s"), (1200, "20 min"), (3600, "1 h")],
)
def test_a_threshold_is_chosen_and_shown_as_chosen(cast, seconds, words):
    answer = page(cast.alice, cast.store, form="visits", bounce_s=f" {seconds} ").content.decode()
    assert f"A visit of up to {words} is a quick look now." in answer
    assert f'<option value="{seconds}" selected>{words}</option>' in answer
