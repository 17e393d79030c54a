"""Cameras, zones and lines in Django admin: plain words, versions, addresses that stay inside."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry
from tests.cast import SQUARE, make_camera, make_line, make_user, make_zone
from zones.admin import ZoneAdmin
from zones.models import Camera, CountingLine, Zone
from zones.services import zone_archive
from zones.sources import opened

pytestmark = pytest.mark.db

TRIANGLE = "[[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]"
SECRET = "rtsp://admin:secret-word@10.0.0.7/1"
ADDRESS = "rtsp://admin:secret-word@10.0.0.7:554/1"
NO_INLINES = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}


@pytest.fixture
def camera(client, cast) -> Camera:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return make_camera(cast.store, source=SECRET)


def camera_form(camera: Camera, **fields) -> dict[str, object]:
    form = {"store": camera.store.pk, "name": camera.name, "detector": "hog", "address": ""}
    return {
        **form,
        "detector_settings": "{}",
        "ignore_masks": "[]",
        "final_count": "live",
        "transport": "tcp",
        "keep_video_h": 72,
        **fields,
    }


def zone_form(camera: Camera, **fields) -> dict[str, object]:
    form = {"camera": camera.pk, "name": "till", "kind": "queue", "colour": 2}
    times = {"min_dwell_s": "0", "grace_s": "2", "min_inside_s": "0.5"}
    return {**form, **times, "vertices": TRIANGLE, **NO_INLINES, **fields}


def line_form(camera: Camera, **fields) -> dict[str, object]:
    form = {"camera": camera.pk, "name": "entrance", "kind": "entrance", "band": "0.012"}
    ends = {"a": "[0.2, 0.6]", "b": "[0.8, 0.6]", "inside_side": "right"}
    return {**form, **ends, **NO_INLINES, **fields}


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


# --- cameras ----------------------------------------------------------------------------------


def test_a_cameras_address_goes_in_and_never_comes_out(client, camera):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    shown = client.get(page).content.decode()
    assert "An address is stored: 10.0.0.7:554, with a password." in shown
    refused = client.post(page, camera_form(camera, name="", address="rtsp://x:other-word@h/1"))
    listed = client.get("/admin/zones/camera/").content.decode()
    history = client.get(f"/admin/zones/camera/{camera.pk}/history/").content.decode()
    for text in (shown, refused.content.decode(), listed, history):
        assert "secret-word" not in text
        assert "other-word" not in text


def test_an_empty_address_keeps_the_stored_one_and_a_tick_forgets_it(client, camera):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    assert client.post(page, camera_form(camera, name="Front")).status_code == 302
    camera.refresh_from_db()
    assert (camera.name, opened(camera).url) == ("Front", ADDRESS)
    assert "ddress" not in str(AuditEntry.objects.get(action="camera.changed").detail)
    client.post(page, camera_form(camera, address="rtsp://10.0.0.8/1"))
    camera.refresh_from_db()
    assert opened(camera).url == "rtsp://10.0.0.8:554/1", "the old password goes nowhere else"
    client.post(page, camera_form(camera, forget_source="on"))
    camera.refresh_from_db()
    assert camera.source == ""
    assert "secret-word" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("address", "file:///etc/passwd", "A camera's address starts with rtsp://"),
        ("detector", "magic", "There is no detector 'magic'; there are: "),
        ("detector_settings", '{"a": 1e999}', "Numbers must be finite"),
        ("ignore_masks", "[NaN]", "Numbers must be finite"),
        ("detector_settings", "{", "Enter a valid JSON."),
        ("detector_settings", '{"gap_ms": "long"}', "gap_ms is between 0 and 10000, got 'long'."),
        ("detector_settings", '{"scale": 1}', "scale is between 1.01 and 2.0, got 1."),
        ("ignore_masks", "[[[0, 0], [1, 1]]]", "Zone 'Ignore mask 1' needs at least 3 vertices"),
    ],
)
def test_a_camera_that_makes_no_sense_is_refused_in_words(client, camera, field, value, words):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    response = client.post(page, camera_form(camera, **{field: value}))
    assert errors(response)[field][0].startswith(words)
    assert b"/etc/passwd" not in response.content


def test_a_detector_is_chosen_from_a_list_that_says_what_each_is(client, camera):
    page = client.get(f"/admin/zones/camera/{camera.pk}/change/").content.decode()
    assert '<option value="auto" selected>Automatic (now HOG)</option>' in page
    assert '<option value="hog">HOG: on any machine, finds fewer people</option>' in page
    assert "(not ready: its model is not here; make model fetches it.)" in page


def test_the_detector_of_tests_is_no_choice_but_a_camera_that_has_it_keeps_it(client, camera):
    address = f"/admin/zones/camera/{camera.pk}/change/"
    assert "cripted" not in client.get(address).content.decode()
    Camera.objects.update(detector="scripted")
    assert '<option value="scripted" selected>' in client.get(address).content.decode()
    scripted = camera_form(camera, detector="scripted", detector_settings="{}")
    assert "detector" not in errors(client.post(address, scripted))


def test_the_list_of_cameras_says_what_each_detector_is_called(client, camera):
    page = client.get("/admin/zones/camera/").content.decode()
    assert '<td class="field-detector_shown">Automatic</td>' in page
    Camera.objects.update(detector="retired")
    page = client.get("/admin/zones/camera/").content.decode()
    assert '<td class="field-detector_shown">retired</td>' in page


def test_what_only_experts_set_is_folded_away_until_it_is_wrong(client, camera):
    address = f"/admin/zones/camera/{camera.pk}/change/"
    folded = "<details><summary>"
    assert folded in client.get(address).content.decode()
    refused = client.post(address, camera_form(camera, detector_settings='{"scale": 1}'))
    assert "scale is between" in refused.content.decode()
    assert folded not in refused.content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"detector": "auto"}, "The next recording is searched this way."),
        ({"detector_settings": '{"gap_ms": 200}'}, "The next recording is searched this way."),
        ({"clothing_colours": "on"}, "The next recording is searched this way."),
        ({"final_count": "recording"}, "The next recording is counted this way."),
    ],
)
def test_it_says_from_when_another_way_of_finding_or_counting_holds(client, camera, changed, words):
    address = f"/admin/zones/camera/{camera.pk}/change/"
    Camera.objects.update(detector="hog")
    same = {"initial-detector_settings": "{}", "initial-ignore_masks": "[]"}
    assert client.post(address, camera_form(camera, name="Front", **same)).status_code == 302
    assert "The next recording" not in client.get("/admin/").content.decode()
    assert client.post(address, camera_form(camera, **same | changed)).status_code == 302
    assert words in client.get("/admin/").content.decode()


def test_the_switch_for_clothing_colours_is_off_and_who_turns_it_is_written_down(client, camera):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    assert not camera.clothing_colours
    assert '<input type="checkbox" name="clothing_colours"' in client.get(page).content.decode()
    assert "No face is looked at" in client.get(page).content.decode()
    told = AuditEntry.objects.filter(action="camera.clothing_colours")
    client.post(page, camera_form(camera, name="Front"))
    assert not told.exists()
    for value, on in (("on", True), ("", False)):
        assert client.post(page, camera_form(camera, clothing_colours=value)).status_code == 302
        camera.refresh_from_db()
        assert camera.clothing_colours is on
    assert [entry.detail["switched"] for entry in told.order_by("pk")] == ["on", "off"]
    assert {entry.actor.username for entry in told} == {"root"}


def test_a_camera_keeps_showing_a_detector_that_is_gone(client, camera):
    Camera.objects.update(detector="retired")
    page = client.get(f"/admin/zones/camera/{camera.pk}/change/").content.decode()
    assert '<option value="retired" selected>retired</option>' in page


def test_masks_are_set_in_the_form_and_it_says_from_when_they_hold(client, camera):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    assert client.post(page, camera_form(camera, ignore_masks=f"[{SQUARE}]")).status_code == 302
    camera.refresh_from_db()
    assert camera.ignore_masks == [SQUARE]
    assert "press “Count again”" in client.get("/admin/").content.decode()
    same = {"ignore_masks": f"[{SQUARE}]", "initial-ignore_masks": f"[{SQUARE}]"}
    assert client.post(page, camera_form(camera, name="Front", **same)).status_code == 302
    assert "press “Count again”" not in client.get("/admin/").content.decode()


def test_fields_left_empty_set_nothing(client, camera):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    empty = camera_form(camera, detector_settings="", ignore_masks="")
    assert client.post(page, empty).status_code == 302
    camera.refresh_from_db()
    assert (camera.detector_settings, camera.ignore_masks) == ({}, [])


# --- zones ------------------------------------------------------------------------------------


def test_a_zone_is_made_with_its_outline_and_redrawing_makes_a_version(client, camera):
    assert client.post("/admin/zones/zone/add/", zone_form(camera)).status_code == 302
    zone = Zone.objects.get()
    assert zone.versions.get().vertices == [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]
    page = f"/admin/zones/zone/{zone.pk}/change/"
    assert client.post(page, zone_form(camera, name="queue")).status_code == 302
    assert zone.versions.count() == 1
    assert "press “Count again”" not in client.get("/admin/").content.decode()
    assert client.post(page, zone_form(camera, vertices=str(SQUARE))).status_code == 302
    assert "press “Count again”" in client.get("/admin/").content.decode()
    old, new = zone.versions.order_by("id")
    assert old.valid_to == new.valid_from is not None
    assert (new.valid_to, new.vertices) == (None, SQUARE)
    shown = client.get(page)
    assert shown.context["adminform"].form.initial["vertices"] == SQUARE
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions)[1:] == ["zone.added", "zone.changed", "zone.changed"]


@pytest.mark.parametrize(
    ("vertices", "words"),
    [
        ("[[0, 0], [1, 1]]", "Zone 'till' needs at least 3 vertices, got 2."),
        ("[]", "Zone 'till' needs at least 3 vertices, got 0."),
        ("{}", "Zone 'till' needs a list of [x, y] vertices, got {}."),
        (
            "[[0, 0], [1, 1], [1, 0], [0, 1]]",
            "Zone 'till' crosses itself: side 1-2 meets side 3-4.",
        ),
        ("[[0, 0], [1e999, 0], [1, 1]]", "Zone 'till': vertex 2 must be finite numbers"),
        ("[[0, 0], [NaN, 0], [1, 1]]", "Zone 'till': vertex 2 must be finite numbers"),
        ("[[0, 0], [2, 0], [1, 1]]", "Zone 'till': vertex 2 lies outside the picture"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "Zone 'till' has no area"),
        ("[[0, 0], [1, 0]", "This is no list such as [[0.1, 0.9]"),
        ("0.1, 0.2", "This is no list such as [[0.1, 0.9]"),
        ("[" * 1000 + "]" * 1000, "It is nested too deeply"),
        ("[" * 31 + "]" * 31, "It is nested too deeply"),
        ("", "This field is required."),
        ("null", "This field is required."),
    ],
)
def test_an_outline_that_is_none_is_refused_in_words(client, camera, vertices, words):
    response = client.post("/admin/zones/zone/add/", zone_form(camera, vertices=vertices))
    assert errors(response)["vertices"][0].startswith(words)
    assert Zone.objects.count() == 0


@pytest.mark.parametrize("value", ["nan", "1e999", "-1", "inf", "soon"])
def test_a_time_that_is_none_is_refused(client, camera, value):
    response = client.post("/admin/zones/zone/add/", zone_form(camera, min_dwell_s=value))
    assert list(errors(response)) == ["min_dwell_s"]


def test_zones_and_lines_can_be_ended_from_the_list(client, camera):
    zone, line = make_zone(camera), make_line(camera)
    rows: list[tuple[str, Any]] = [("zone", zone), ("countingline", line)]
    for page, row in rows:
        chosen = {"action": "archive", "_selected_action": [row.pk]}
        assert client.post(f"/admin/zones/{page}/", chosen).status_code == 302
        row.refresh_from_db()
        assert row.archived_at is not None
    assert zone.versions.get().valid_to == zone.archived_at
    assert line.versions.get().valid_to == line.archived_at
    # Saving an ended zone does not open it again.
    page = f"/admin/zones/zone/{zone.pk}/change/"
    assert client.post(page, zone_form(camera, vertices=TRIANGLE)).status_code == 302
    assert zone.versions.count() == 1


# --- lines ------------------------------------------------------------------------------------


def test_who_saves_a_zone_that_was_ended_meanwhile_does_not_bring_it_back(
    client, camera, monkeypatch
):
    zone = make_zone(camera)
    read = ZoneAdmin.save_form

    def save_form(*told: Any, **more: Any) -> Any:
        found = read(*told, **more)
        zone_archive(zone=Zone.objects.get())
        return found

    monkeypatch.setattr(ZoneAdmin, "save_form", save_form)
    page = f"/admin/zones/zone/{zone.pk}/change/"
    assert client.post(page, zone_form(camera, name="table")).status_code == 302
    zone.refresh_from_db()
    assert zone.name == "table"
    assert zone.archived_at
    assert zone.versions.get().valid_to


def test_a_line_is_made_with_its_place_and_redrawing_makes_a_version(client, camera):
    assert client.post("/admin/zones/countingline/add/", line_form(camera)).status_code == 302
    line = CountingLine.objects.get()
    page = f"/admin/zones/countingline/{line.pk}/change/"
    assert client.post(page, line_form(camera, kind="inner")).status_code == 302
    assert line.versions.count() == 1
    assert client.post(page, line_form(camera, inside_side="left")).status_code == 302
    old, new = line.versions.order_by("id")
    assert (old.inside_side, new.inside_side, new.a) == ("right", "left", [0.2, 0.6])
    assert old.valid_to == new.valid_from


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"b": "[0.2, 0.6]"}, "__all__", "Line 'entrance' needs two different ends"),
        ({"b": "[1e999, 0.6]"}, "__all__", "Line 'entrance': its end must be finite numbers"),
        ({"a": "[7, 0.6]"}, "__all__", "Line 'entrance': its start lies outside the picture"),
        ({"a": "[0.2"}, "a", "This is no list such as"),
        ({"band": "nan"}, "band", "Enter a number."),
        ({"band": "0.9"}, "band", "Ensure this value is less than or equal to 0.2."),
        ({"inside_side": "up"}, "inside_side", "Select a valid choice."),
    ],
)
def test_a_line_that_is_none_is_refused_in_words(client, camera, fields, field, words):
    response = client.post("/admin/zones/countingline/add/", line_form(camera, **fields))
    assert errors(response)[field][0].startswith(words)
    assert CountingLine.objects.count() == 0


# --- pictures ---------------------------------------------------------------------------------


def test_a_zone_and_a_line_stand_on_the_cameras_picture_beside_the_others(client, camera):
    Camera.objects.update(still="abc/still.jpg")
    zone, line = make_zone(camera, vertices=SQUARE, colour=4), make_line(camera, a=[0.25, 0.6])
    make_zone(camera, "shelf", vertices=[[0.2, 0.2], [0.8, 0.2], [0.5, 0.75]])
    still = f'src="/api/v1/cameras/{camera.public_id}/still/"'
    for model, shape, drawn in (
        ("zone", zone, 'class="zp k4" points="0.1000,0.1000 0.9000,0.1000'),
        ("countingline", line, 'class="cline" x1="0.2500" y1="0.6000"'),
    ):
        text = client.get(f"/admin/zones/{model}/{shape.pk}/change/").content.decode()
        assert still in text
        assert drawn in text
        assert "0.5000,0.7500" in text
        assert 'aside" points="0.2000,0.2000' in text
        assert f'/zones/?camera={camera.public_id}"' in text
    text = client.get(f"/admin/zones/camera/{camera.pk}/change/").content.decode()
    assert still in text
    assert "0.5000,0.7500" in text


def test_before_anything_is_saved_or_filmed_the_picture_says_when_it_comes(client, camera):
    assert "once this is saved" in client.get("/admin/zones/zone/add/").content.decode()
    assert "once this is saved" in client.get("/admin/zones/camera/add/").content.decode()
    zone = make_zone(camera)
    text = client.get(f"/admin/zones/zone/{zone.pk}/change/").content.decode()
    assert "comes with the first video" in text
    assert "/still/" not in text


def test_a_name_on_the_picture_is_text_and_never_markup(client, camera):
    zone = make_zone(camera, "<script>alert(1)</script>")
    make_zone(camera, "<script>alert(2)</script>")
    text = client.get(f"/admin/zones/zone/{zone.pk}/change/").content.decode()
    assert "<script>alert" not in text
