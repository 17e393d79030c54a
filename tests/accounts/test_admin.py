"""Django admin: who may do what there, what it refuses in words, what it writes down."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission

from accounts.models import AuditEntry, Membership, Store, User
from accounts.services import audit_record, membership_set
from tests.cast import PASSWORD, make_camera, make_line, make_user, make_zone

pytestmark = pytest.mark.db

STORE = {
    "name": "New shop",
    "slug": "new-shop",
    "timezone": "Europe/Oslo",
    "opening_hours_0": "09:00-12:30, 14:00-18:00",
    "opening_hours_4": "20:00-02:00",
    "special_days": "2026-12-24 9-14 Christmas Eve\n2026-12-25 closed",
    "business_day_start": "04:00",
}


@pytest.fixture
def root(client, cast) -> User:
    root = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(root)
    return root


def staff_with(user: User, *permissions: str) -> User:
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def form_errors(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_members_who_are_no_staff_are_refused(client, cast):
    client.force_login(cast.alice)
    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize(
    "page",
    [
        "",
        "accounts/user/",
        "accounts/store/",
        "accounts/membership/add/",
        "accounts/auditentry/",
        "zones/camera/",
        "zones/zone/add/",
        "zones/countingline/",
    ],
)
def test_every_page_opens_under_the_strict_policy(client, root, page):
    response = client.get(f"/admin/{page}")
    assert response.status_code == 200
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    text = response.content.decode()
    assert "css/admin.css" in text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text


def test_an_administrator_makes_a_store_and_it_is_written_down(client, root):
    response = client.post("/admin/accounts/store/add/", STORE)
    assert response.status_code == 302
    store = Store.objects.get(slug="new-shop")
    entry = AuditEntry.objects.get(action="store.added")
    assert (entry.actor, entry.store, entry.subject) == (root, store, "store New shop")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("timezone", "Mars/Base", "'Mars/Base' is no known time zone."),
        ("opening_hours_6", "9am to 5pm", "Sunday: '9am to 5pm' is no span of hours. Write 09:00"),
        ("opening_hours_0", "09:00-09:00", "two different times"),
        (
            "opening_hours_0",
            "09:00-25:00",
            "Monday: a span is an opening and a closing time as HH:MM",
        ),
        (
            "opening_hours_5",
            "01:00-12:00",
            "Friday 20:00-02:00 and Saturday 01:00-12:00 overlap. Let the first close at 01:00",
        ),
        ("opening_hours_1", "09:03-18:00", "steps of 5 minutes, got 09:03; use 09:00 or 09:05."),
        ("special_days", "Christmas closed", "'Christmas closed' is no special day. Write 2026-"),
        ("special_days", "2026-02-30 closed", "'2026-02-30 closed' is no special day"),
        ("special_days", "2026-12-24 closed\n2026-12-24 9-12", "2026-12-24 stands here twice"),
        (
            "special_days",
            "2026-12-26 01:00-10:00",
            "Friday 2026-12-25 20:00-02:00 and Saturday 2026-12-26 01:00-10:00 overlap.",
        ),
        ("business_day_start", "04:03", "A business day starts in steps of 5 minutes"),
        ("slug", "corner-shop", "already exists"),
        ("slug", "../etc", "valid"),
    ],
)
def test_a_store_that_makes_no_sense_is_refused_in_words(client, root, field, value, words):
    response = client.post("/admin/accounts/store/add/", {**STORE, field: value})
    assert response.status_code == 200
    told = form_errors(response)[re.sub(r"_\d$", "", field)]
    assert words in " ".join(told)
    assert not Store.objects.filter(name="New shop").exists()


def test_hours_written_by_an_administrator_are_kept_and_shown_again_as_they_were(client, root):
    client.post("/admin/accounts/store/add/", STORE)
    store = Store.objects.get(slug="new-shop")
    assert {day: spans for day, spans in store.opening_hours.items() if spans} == {
        "mon": [["09:00", "12:30"], ["14:00", "18:00"]],
        "fri": [["20:00", "02:00"]],
    }
    assert store.special_days == {
        "2026-12-24": {"spans": [["09:00", "14:00"]], "name": "Christmas Eve"},
        "2026-12-25": {"spans": [], "name": ""},
    }
    text = client.get(f"/admin/accounts/store/{store.pk}/change/").content.decode()
    assert 'value="09:00-12:30, 14:00-18:00"' in text
    shown = client.post("/admin/accounts/store/add/", {**STORE, "opening_hours_3": '"><script>'})
    assert 'value=""><script>' not in shown.content.decode()
    assert "&quot;&gt;&lt;script&gt;" in shown.content.decode()
    assert "2026-12-24 09:00-14:00 Christmas Eve\n2026-12-25 closed" in text
    empty = {**STORE, "slug": "always", **{f"opening_hours_{n}": "" for n in range(7)}}
    assert client.post("/admin/accounts/store/add/", empty).status_code == 302
    assert Store.objects.get(slug="always").opening_hours == {}


def test_another_time_zone_is_asked_about_and_then_written_down_with_both(client, root):
    client.post("/admin/accounts/store/add/", STORE)
    store = Store.objects.get(slug="new-shop")
    page = f"/admin/accounts/store/{store.pk}/change/"
    asked = client.post(page, {**STORE, "timezone": "Asia/Kolkata"})
    assert asked.status_code == 200
    (words,) = form_errors(asked)["confirm_history"]
    assert "told by the clock of Asia/Kolkata in place of Europe/Oslo" in words
    store.refresh_from_db()
    assert store.timezone == "Europe/Oslo"
    moved = {**STORE, "timezone": "Asia/Kolkata", "confirm_history": "on"}
    assert client.post(page, moved).status_code == 302
    entry = AuditEntry.objects.get(action="store.calendar_changed")
    assert (entry.actor, entry.store) == (root, store)
    assert entry.detail == {"timezone": {"from": "Europe/Oslo", "to": "Asia/Kolkata"}}
    assert client.post(page, {**moved, "name": "Renamed"}).status_code == 302
    assert AuditEntry.objects.filter(action="store.calendar_changed").count() == 1


def test_an_administrator_adds_a_person_who_can_then_log_in(client, root, cast):
    data = {
        "username": "erin",
        "email": "erin@shop.example",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-store": cast.store.pk,
        "memberships-0-role": "manager",
    }
    assert client.post("/admin/accounts/user/add/", data).status_code == 302
    erin = User.objects.get(username="erin")
    assert erin.check_password(PASSWORD)
    assert AuditEntry.objects.get(action="user.added").subject == "user erin"


def test_a_second_person_with_one_e_mail_is_refused(client, root, cast):
    data = {
        "username": "erin",
        "email": "Alice@shop.example",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    response = client.post("/admin/accounts/user/add/", data)
    assert "Someone else already uses" in " ".join(form_errors(response)["email"])


def test_changes_and_deletions_are_written_down_by_name_of_field(client, root, cast):
    page = f"/admin/accounts/store/{cast.store.pk}/change/"
    data = {**STORE, "name": "Renamed", "slug": cast.store.slug, "timezone": cast.store.timezone}
    assert client.post(page, data).status_code == 302
    changed = AuditEntry.objects.get(action="store.changed")
    assert "Name" in str(changed.detail["changes"])
    assert "Renamed" not in str(changed.detail)
    chosen = {"action": "delete_selected", "_selected_action": [cast.elsewhere.pk], "post": "yes"}
    assert client.post("/admin/accounts/store/", chosen).status_code == 302
    assert not Store.objects.filter(pk=cast.elsewhere.pk).exists()
    gone = AuditEntry.objects.get(action="store.deleted")
    assert (gone.subject, gone.store) == ("store Far shop", None)


def test_the_audit_log_can_be_read_and_not_touched(client, root, cast):
    client.post("/admin/accounts/store/add/", STORE)
    entry = AuditEntry.objects.get(action="store.added")
    page = f"/admin/accounts/auditentry/{entry.pk}/"
    assert client.get(f"{page}change/").status_code == 200
    assert client.post(f"{page}change/", {"action": "x"}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/accounts/auditentry/add/").status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    client.post("/admin/accounts/auditentry/", chosen)
    assert AuditEntry.objects.get(pk=entry.pk).action == "store.added"


# --- Charlie is staff, with every permission there is, but of another store ----------------------


@pytest.fixture
def charlie(client, cast) -> User:
    everything = Permission.objects.values_list("codename", flat=True)
    charlie = staff_with(cast.charlie, *everything)
    client.force_login(charlie)
    return charlie


def test_charlie_sees_and_changes_nothing_of_a_foreign_store(client, cast, charlie):
    camera = make_camera(cast.store)
    rows = [cast.store, camera, make_zone(camera), make_line(camera)]
    for row in rows:
        base = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        listed = client.get(base)
        assert listed.status_code == 200
        assert row not in listed.context["cl"].result_list
        for end in ("change", "delete", "history"):
            answer = client.get(f"{base}{row.pk}/{end}/")
            assert (answer.status_code, answer["Location"]) == (302, "/admin/"), (row, end)
        gone = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        client.post(base, gone)
        assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_charlie_cannot_put_a_camera_or_a_zone_into_a_foreign_store(client, cast, charlie):
    camera = make_camera(cast.store)
    new_camera = {"store": cast.store.pk, "name": "Spy", "detector": "hog"}
    new_camera |= {"detector_settings": "{}", "ignore_masks": "[]", "final_count": "live"}
    refused = client.post("/admin/zones/camera/add/", new_camera)
    assert "store" in form_errors(refused)
    new_zone = {"camera": camera.pk, "name": "Spy", "kind": "display", "colour": 1}
    refused = client.post("/admin/zones/zone/add/", new_zone)
    assert "camera" in form_errors(refused)
    page = client.get("/admin/zones/zone/add/").content.decode()
    assert "Corner shop" not in page
    assert camera.zones.count() == 0


@pytest.mark.parametrize("page", ["user", "membership", "auditentry"])
def test_charlie_reaches_no_page_that_would_let_him_in(client, cast, charlie, page):
    assert client.get(f"/admin/accounts/{page}/").status_code == 403
    assert client.get(f"/admin/accounts/{page}/add/").status_code == 403
    before = Membership.objects.count()
    client.post(
        f"/admin/accounts/{page}/add/",
        {"user": charlie.pk, "store": cast.store.pk, "role": "manager"},
    )
    assert Membership.objects.count() == before


def test_nobody_reads_other_peoples_tokens(client, cast, root):
    assert client.get("/admin/accounts/apilogin/").status_code == 404


def test_charlie_looks_up_no_foreign_names_by_autocomplete(client, cast, charlie):
    query = {"app_label": "accounts", "model_name": "membership", "field_name": "store"}
    answer = client.get("/admin/autocomplete/", {**query, "term": "Corner"})
    assert answer.status_code == 403 or "Corner shop" not in answer.content.decode()


def test_a_list_filter_names_no_foreign_store(client, cast, charlie):
    membership_set(user=charlie, store=cast.elsewhere, role="manager")
    make_camera(cast.store, "Hidden eye")
    make_camera(cast.elsewhere, "Far eye")
    for page in ("zones/camera/", "zones/zone/", "zones/countingline/"):
        text = client.get(f"/admin/{page}").content.decode()
        assert "Corner shop" not in text, page
        assert "Hidden eye" not in text, page


def test_a_superuser_finds_people_to_give_a_membership_and_staff_does_not(client, root, cast):
    wanted = {"app_label": "accounts", "model_name": "membership", "field_name": "user"}
    found = client.get("/admin/autocomplete/", wanted | {"term": "ali"}).json()
    assert [each["text"] for each in found["results"]] == ["alice"]
    client.force_login(staff_with(cast.bob, "view_user", "view_membership"))
    assert client.get("/admin/autocomplete/", wanted | {"term": "ali"}).status_code == 403


@pytest.mark.parametrize("model", ["user", "membership", "auditentry"])
@pytest.mark.parametrize("page", ["history", "delete", "change"])
def test_staff_does_not_learn_which_numbers_people_and_memberships_have(client, cast, model, page):
    client.force_login(staff_with(cast.bob, f"view_{model}", f"change_{model}", f"delete_{model}"))
    entry = audit_record(action="store.changed", actor=cast.charlie, store=cast.elsewhere)
    rows = {"user": cast.charlie, "membership": cast.charlie.memberships.get(), "auditentry": entry}
    numbers = (rows[model].pk, 987_654)
    answers = [client.get(f"/admin/accounts/{model}/{pk}/{page}/") for pk in numbers]
    assert len({answer.status_code for answer in answers}) == 1
