"""What Django admin lists: cameras under their store, shapes under their camera, and how fast."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Store
from tests.accounts.test_admin import STORE
from tests.cast import Cast, make_camera, make_line, make_store, make_user, make_zone
from tests.zones.test_admin import camera_form, zone_form
from zones.models import Camera, CountingLine, Zone
from zones.services import line_archive, zone_archive

pytestmark = pytest.mark.db
SECRET = "rtsp://admin:secret-word@10.0.0.7/1"


@pytest.fixture
def root(client, cast: Cast):
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def group(html: str, prefix: str) -> str:
    """Return one list on a page of the admin."""
    return html.split(f'id="{prefix}-group"')[1].split("</fieldset>", maxsplit=1)[0]


def test_a_store_lists_its_cameras_with_the_way_to_each(root, cast):
    camera = make_camera(cast.store, name="Front", source=SECRET)
    make_zone(camera, "Shelf")
    zone_archive(zone=make_zone(camera, "Gone"))
    make_line(camera)
    make_camera(cast.elsewhere, name="Foreign")
    html = root.get(f"/admin/accounts/store/{cast.store.pk}/change/").content.decode()
    listed = group(html, "cameras")
    assert f'<a href="/admin/zones/camera/{camera.pk}/change/">Front</a>' in listed
    assert "Foreign" not in html
    assert "secret-word" not in html
    assert re.search(r'field-zones"><p>1</p>', listed)
    assert re.search(r'field-lines"><p>1</p>', listed)


def test_a_camera_lists_its_zones_and_lines_and_says_which_count(root, cast):
    camera = make_camera(cast.store)
    shelf, gone, line = make_zone(camera, "Shelf"), make_zone(camera, "Gone"), make_line(camera)
    zone_archive(zone=gone)
    html = root.get(f"/admin/zones/camera/{camera.pk}/change/").content.decode()
    zones, lines = group(html, "zones"), group(html, "lines")
    assert f'<a href="/admin/zones/zone/{shelf.pk}/change/">Shelf</a>' in zones
    assert f'<a href="/admin/zones/countingline/{line.pk}/change/">{line.name}</a>' in lines
    assert [re.findall(r'alt="(\w+)"', part) for part in (zones, lines)] == [
        ["True", "False"],
        ["True"],
    ]
    assert words(zones).endswith("Shelf Display Gone Display")


def test_what_a_page_only_shows_stops_nobody_from_saving(root, cast):
    camera = make_camera(cast.store)
    zone = make_zone(camera)
    page = f"/admin/zones/zone/{zone.pk}/change/"
    # As sent by somebody who saw one version less, and by somebody who would change one.
    sent = {
        "versions-TOTAL_FORMS": "7", "versions-INITIAL_FORMS": "7",
        "versions-0-id": "999999", "versions-0-vertices": "[]",
    }  # fmt: skip
    before = list(zone.versions.values())
    assert root.post(page, {**zone_form(camera), **sent, "name": "till"}).status_code == 302
    zone.refresh_from_db()
    assert zone.name == "till"
    assert list(zone.versions.values())[:1] != []
    assert before[0]["vertices"] == zone.versions.order_by("id")[0].vertices
    page = f"/admin/zones/camera/{camera.pk}/change/"
    sent = {"zones-TOTAL_FORMS": "1", "zones-0-id": str(zone.pk), "zones-0-DELETE": "on"}
    assert root.post(page, {**camera_form(camera), **sent}).status_code == 302
    assert Zone.objects.filter(pk=zone.pk).exists()


def test_staff_who_may_not_see_cameras_finds_none_under_a_store(client, cast):
    from django.contrib.auth.models import Permission  # of this test alone

    person = make_user("keeper", is_staff=True)
    Membership.objects.create(user=person, store=cast.store)
    person.user_permissions.add(Permission.objects.get(codename="change_store"))
    make_camera(cast.store, name="Front")
    client.force_login(person)
    html = client.get(f"/admin/accounts/store/{cast.store.pk}/change/").content.decode()
    assert "Front" not in html
    person.user_permissions.add(Permission.objects.get(codename="view_camera"))
    html = client.get(f"/admin/accounts/store/{cast.store.pk}/change/").content.decode()
    assert "Front" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=shelf", {"Shelf"}),
        ("?q=corner", {"Shelf", "Gone", "Queue"}),  # its store
        ("?active=yes", {"Shelf", "Queue", "Far"}),
        ("?active=no", {"Gone"}),
        ("?kind__exact=queue", {"Queue"}),
    ],
)
def test_zones_are_found_by_name_store_kind_and_whether_they_count(root, cast, query, found):
    camera = make_camera(cast.store)
    make_zone(camera, "Shelf")
    make_zone(camera, "Queue", kind=Zone.Kind.QUEUE)
    zone_archive(zone=make_zone(camera, "Gone"))
    make_zone(make_camera(cast.elsewhere), "Far")
    html = root.get(f"/admin/zones/zone/{query}").content.decode()
    listed = re.findall(r'field-name"><a href="[^"]*">([^<]*)', html)
    assert (set(listed), len(listed)) == (found, len(found))


def test_every_registered_page_has_a_history_that_names_what_changed(root, cast):
    camera = make_camera(cast.store)
    zone, line = make_zone(camera), make_line(camera)
    assert root.post("/admin/accounts/store/add/", STORE).status_code == 302
    rows = [
        (Store.objects.get(name=STORE["name"]), "Added."),
        (camera, "Changed Name"),
        (zone, "Changed Name"),
    ]
    page = f"/admin/zones/camera/{camera.pk}/change/"
    same = {"initial-detector_settings": "{}", "initial-ignore_masks": "[]"}
    root.post(page, {**camera_form(camera, name="Other"), **same})
    root.post(f"/admin/zones/zone/{zone.pk}/change/", zone_form(camera, name="other"))
    for row, said in rows:
        meta = row._meta
        address = f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/history/"
        assert said in words(root.get(address).content.decode())
    line_archive(line=line)
    for model in admin.site._registry:
        row = model._default_manager.first()
        assert row is not None, model
        meta = model._meta
        address = f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/history/"
        assert root.get(address).status_code == 200


def queries_of(root, address: str) -> int:
    with CaptureQueriesContext(connection) as taken:
        assert root.get(address).status_code == 200
    return len(taken.captured_queries)


def test_no_page_asks_more_for_many_rows_than_for_few(root, cast):
    camera = make_camera(cast.store)
    zone, line = make_zone(camera), make_line(camera)
    pages = [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in admin.site._registry
    ]
    pages += [
        f"/admin/accounts/store/{cast.store.pk}/change/",
        f"/admin/zones/camera/{camera.pk}/change/",
        f"/admin/zones/zone/{zone.pk}/change/",
        f"/admin/zones/countingline/{line.pk}/change/",
    ]
    for page in pages:  # what is asked once in a process is not asked for the second time
        root.get(page)
    few = {page: queries_of(root, page) for page in pages}
    for number in range(6):
        store = make_store(f"Shop {number}")
        Membership.objects.create(user=make_user(f"person-{number}"), store=store)
        for where, name in ((cast.store, f"Front {number}"), (store, "Front")):
            another = make_camera(where, name=name)
            make_zone(another, "Shelf")
            make_line(another)
        make_zone(camera, f"Shelf {number}", colour=1 + number)
        make_line(camera, f"line {number}")
    assert {page: queries_of(root, page) for page in pages} == few
    assert (Camera.objects.count(), CountingLine.objects.count()) == (13, 19)
