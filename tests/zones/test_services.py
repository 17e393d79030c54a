"""Zones and lines are drawn, redrawn and ended; what was drawn before stays on record."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone as clock

from tests.cast import SQUARE, make_camera, make_line, make_store, make_zone
from zones.models import Camera, CountingLine, Zone
from zones.selectors import cameras_of_store, scene_setup, shapes_now
from zones.services import (
    line_archive,
    line_redraw,
    zone_archive,
    zone_create,
    zone_redraw,
)

pytestmark = pytest.mark.db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


@pytest.fixture
def camera(db) -> Camera:
    return make_camera(make_store())


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_new_zone_holds_since_ever_so_older_recordings_are_counted_with_it(camera):
    zone = make_zone(camera)
    (version,) = zone.versions.all()
    assert (version.valid_from, version.valid_to, version.vertices) == (None, None, SQUARE)


def test_redrawing_closes_the_old_outline_at_the_instant_the_new_one_opens(camera):
    zone = make_zone(camera)
    zone_redraw(zone=zone, vertices=TRIANGLE, at=NOON)
    zone_redraw(zone=zone, vertices=SQUARE, at=NOON + minutes(5))
    spans = [(v.valid_from, v.valid_to, v.vertices) for v in zone.versions.order_by("id")]
    assert spans == [
        (None, NOON, SQUARE),
        (NOON, NOON + minutes(5), TRIANGLE),
        (NOON + minutes(5), None, SQUARE),
    ]


def test_redrawing_takes_the_present_when_no_time_is_given(camera):
    zone = make_zone(camera)
    before = clock.now()
    version = zone_redraw(zone=zone, vertices=TRIANGLE)
    assert version.valid_from is not None
    assert before <= version.valid_from <= clock.now()


def test_redrawing_the_same_outline_changes_nothing(camera):
    zone = make_zone(camera)
    for same in (SQUARE, [tuple(corner) for corner in SQUARE]):
        assert zone_redraw(zone=zone, vertices=same, at=NOON) == zone.versions.get()


def test_redrawing_before_the_present_outline_began_is_refused_in_words(camera):
    zone = make_zone(camera, valid_from=NOON)
    for at in (NOON, NOON - minutes(1)):
        with pytest.raises(ValidationError, match="Choose a later time"):
            zone_redraw(zone=zone, vertices=TRIANGLE, at=at)
    assert zone.versions.get().valid_to is None


@pytest.mark.parametrize(
    ("vertices", "words"),
    [
        ([[0, 0], [1, 1]], "Zone 'till' needs at least 3 vertices, got 2."),
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "Zone 'till' crosses itself"),
        ([[0, 0], [1, 0], [math.inf, 1]], "must be finite"),
        ([[0, 0], [1, 0], [0.5, math.nan]], "must be finite"),
        ([[0, 0], [1.01, 0], [1, 1]], "lies outside the picture"),
    ],
)
def test_a_bad_outline_is_refused_and_leaves_nothing_behind(camera, vertices, words):
    with pytest.raises(ValidationError, match="vertices") as refused:
        zone_create(camera=camera, name="till", vertices=vertices)
    assert words in refused.value.message_dict["vertices"][0]
    assert Zone.objects.count() == 0
    zone = make_zone(camera)
    with pytest.raises(ValidationError):
        zone_redraw(zone=zone, vertices=vertices, at=NOON)
    (version,) = zone.versions.all()
    assert version.valid_to is None


@pytest.mark.parametrize("field", ["min_dwell_s", "grace_s", "min_inside_s"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_times_that_are_no_times_are_refused(camera, field, value):
    with pytest.raises(ValidationError) as refused:
        make_zone(camera, **{field: value})
    assert list(refused.value.message_dict) == [field]


def test_zones_take_the_least_used_colour_and_keep_it(camera):
    colours = [make_zone(camera, f"zone {number}").colour for number in range(10)]
    assert colours == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert make_zone(camera, "chosen", colour=5).colour == 5
    with pytest.raises(ValidationError):
        make_zone(camera, "ninth", colour=9)


def test_one_camera_has_one_zone_of_a_name_and_another_camera_may_have_it_too(camera):
    make_zone(camera)
    with pytest.raises(ValidationError):
        make_zone(camera)
    make_zone(make_camera(camera.store, "Back room"))


def test_an_ended_zone_counts_nothing_from_then_on(camera):
    zone = make_zone(camera)
    zone_archive(zone=zone, at=NOON)
    assert zone.archived_at == zone.versions.get().valid_to == NOON
    assert shapes_now(camera=camera, at=NOON - minutes(1)).zones
    assert not shapes_now(camera=camera, at=NOON).zones


def test_a_line_is_redrawn_whole_or_in_part(camera):
    line = make_line(camera, inside_side="left", band=0.02)
    same = line_redraw(line=line, a=(0.2, 0.6), b=(0.8, 0.6), at=NOON)
    assert same == line.versions.get()
    moved = line_redraw(line=line, a=[0.1, 0.5], b=[0.8, 0.6], at=NOON)
    assert (moved.inside_side, moved.band) == ("left", 0.02)
    turned = line_redraw(
        line=line, a=[0.1, 0.5], b=[0.8, 0.6], inside_side="right", at=NOON + minutes(1)
    )
    assert turned.inside_side == "right"
    ends = [(v.valid_from, v.valid_to) for v in line.versions.order_by("id")]
    assert ends == [(None, NOON), (NOON, NOON + minutes(1)), (NOON + minutes(1), None)]
    line_archive(line=line, at=NOON + minutes(2))
    assert not shapes_now(camera=camera, at=NOON + minutes(2)).lines


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"a": [0.5, 0.5], "b": [0.5, 0.5]}, "two different ends"),
        ({"a": [0.5, math.nan], "b": [0.5, 0.5]}, "must be finite"),
        ({"a": [0.5], "b": [0.5, 0.5]}, "must be two numbers"),
        ({"a": [0.5, -0.1], "b": [0.5, 0.5]}, "lies outside the picture"),
        ({"inside_side": "up"}, "not a valid choice"),
        ({"band": 0.9}, "less than or equal to 0.2"),
        ({"band": math.nan}, "finite"),
    ],
)
def test_a_bad_line_is_refused_and_leaves_nothing_behind(camera, place, words):
    with pytest.raises(ValidationError) as refused:
        make_line(camera, **place)
    assert words in " ".join(refused.value.messages)
    assert CountingLine.objects.count() == 0


# --- what a recording is counted with ---------------------------------------------------------


def test_a_recording_gets_every_version_that_held_while_it_ran_in_media_time(camera):
    zone = make_zone(camera, min_inside_s=0.25, grace_s=1.5, min_dwell_s=3, kind="queue")
    zone_redraw(zone=zone, vertices=TRIANGLE, at=NOON + minutes(1))
    zone_redraw(zone=zone, vertices=SQUARE, at=NOON + minutes(20))
    shapes = scene_setup(camera=camera, media_start=NOON, media_end=NOON + minutes(10))
    spans = [(each.valid_from_ms, each.valid_to_ms) for each in shapes.zones]
    assert spans == [(None, 60_000), (60_000, 1_200_000)]
    first = shapes.zones[0]
    assert (first.key, first.name, first.kind) == (str(zone.public_id), "till", "queue")
    assert (first.min_inside_ms, first.grace_ms, first.min_dwell_ms) == (250, 1500, 3000)
    assert first.vertices == tuple(tuple(corner) for corner in SQUARE)


@pytest.mark.parametrize(
    ("start", "end", "held"),
    [
        (0, 5, True),
        (-5, 0, False),
        (-5, 0.001, True),
        (10, 15, False),
        (9.99, 15, True),
        (-5, None, True),
        (10, None, False),
    ],
)
def test_spans_are_half_open(camera, start, end, held):
    zone = make_zone(camera, valid_from=NOON)
    zone_archive(zone=zone, at=NOON + minutes(10))
    shapes = scene_setup(
        camera=camera,
        media_start=NOON + minutes(start),
        media_end=None if end is None else NOON + minutes(end),
    )
    assert bool(shapes.zones) is held


def test_a_line_comes_with_its_place_and_another_cameras_shapes_stay_out(camera):
    line = make_line(camera, inside_side="left", kind="passer_by", band=0.03)
    other = make_camera(camera.store, "Back room")
    make_zone(other)
    make_line(other)
    shapes = scene_setup(camera=camera, media_start=NOON)
    (shape,) = shapes.lines
    assert shapes.zones == ()
    assert (shape.key, shape.kind, shape.inside_side) == (str(line.public_id), "passer_by", "left")
    assert (shape.a, shape.b, shape.band) == ((0.2, 0.6), (0.8, 0.6), 0.03)
    assert (shape.valid_from_ms, shape.valid_to_ms) == (None, None)


def test_equal_maps_read_equal_whatever_order_they_were_drawn_in(camera):
    """On two cameras of two installations the random keys differ, and nothing else does."""
    other = make_camera(camera.store, "Back room")
    for place, names in ((camera, "ebadc"), (other, "cdbea")):
        for name in names:
            zone_redraw(zone=make_zone(place, name), vertices=TRIANGLE, at=NOON)
            make_line(place, name)
    maps = [scene_setup(camera=place, media_start=NOON - minutes(1)) for place in (camera, other)]
    read = [
        [(each.name, each.valid_from_ms) for each in (*shapes.zones, *shapes.lines)]
        for shapes in maps
    ]
    assert read[0] == read[1]
    assert [name for name, _ in read[0]] == [*"aabbccddee", *"abcde"]
    assert maps[0] == scene_setup(camera=camera, media_start=NOON - minutes(1))


def test_instants_before_the_recording_round_down_and_keep_their_order(camera):
    zone = make_zone(camera)
    zone_redraw(zone=zone, vertices=TRIANGLE, at=NOON - timedelta(microseconds=1500))
    shapes = scene_setup(camera=camera, media_start=NOON)
    assert shapes.zones[0].valid_from_ms == -2


# --- cameras ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "concat:/etc/passwd",
        "rtsp.example/secret-word",
        "javascript:alert(1)",
        "pipe:0",
    ],
)
def test_an_address_no_recorder_may_open_is_refused_without_repeating_it(camera, source):
    with pytest.raises(ValidationError) as refused:
        make_camera(camera.store, "New", source=source)
    (sentence,) = refused.value.message_dict["source"]
    assert sentence.startswith("A camera's address starts with rtsp://")
    assert "secret-word" not in sentence
    assert "passwd" not in sentence


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("", ("files", "")),
        ("rtsp://u:p@10.0.0.7/1", ("rtsp", "rtsp://10.0.0.7:554")),
        ("RTSPS://10.0.0.7/1", ("rtsp", "rtsps://10.0.0.7:322")),
        ("http://[fd12::7]/mjpeg?pwd=p", ("http", "http://[fd12::7]:80")),
        ("device:0", ("device", "device:0")),
    ],
)
def test_of_an_address_only_where_it_leads_is_kept_in_plain_words(camera, address, kept):
    made = make_camera(camera.store, "New", source=address)
    assert (made.source_kind, made.source) == kept


def test_a_detector_that_does_not_exist_is_refused_with_those_that_do(camera):
    with pytest.raises(ValidationError) as refused:
        make_camera(camera.store, "New", detector="magic")
    (sentence,) = refused.value.message_dict["detector"]
    assert sentence.startswith("There is no detector 'magic'; there are: ")
    assert "hog" in sentence


@pytest.mark.parametrize("field", ["detector_settings", "ignore_masks"])
def test_json_that_no_database_holds_is_refused(camera, field):
    with pytest.raises(ValidationError) as refused:
        make_camera(camera.store, "New", **{field: {"deep": [1, [math.inf]]}})
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ({"a": 1}, "Ignore masks are a list of outlines, got {'a': 1}."),
        ([SQUARE, [[0, 0], [1, 1]]], "Zone 'Ignore mask 2' needs at least 3 vertices, got 2."),
        ([[[0, 0], [2, 0], [1, 1]]], "Zone 'Ignore mask 1': vertex 2 lies outside the picture"),
        ([3], "Zone 'Ignore mask 1' needs a list of [x, y] vertices, got 3."),
        ([SQUARE] * 21, "A camera has at most 20 ignore masks, got 21."),
    ],
)
def test_a_mask_that_is_no_outline_is_refused_by_its_number(camera, masks, words):
    with pytest.raises(ValidationError) as refused:
        make_camera(camera.store, "New", ignore_masks=masks)
    (sentence,) = refused.value.message_dict["ignore_masks"]
    assert sentence.startswith(words)


def test_a_recording_gets_its_cameras_masks_at_all_times(camera):
    make_zone(camera, "zebra")
    camera.ignore_masks = [SQUARE, TRIANGLE]
    camera.full_clean()
    camera.save()
    camera.refresh_from_db()
    shapes = scene_setup(camera=camera, media_start=NOON, media_end=NOON + minutes(1))
    masks = [each for each in shapes.zones if each.kind == "ignore"]
    assert [(each.key, each.name) for each in masks] == [
        ("mask-1", "Ignore mask 1"),
        ("mask-2", "Ignore mask 2"),
    ]
    assert json.loads(json.dumps([each.vertices for each in masks])) == [SQUARE, TRIANGLE]
    assert {(each.valid_from_ms, each.valid_to_ms) for each in masks} == {(None, None)}
    assert len(shapes.zones) == 3


def drawn_now(shape: Any) -> Any:
    return shape.open_versions[0]


def test_members_see_a_stores_cameras_with_what_is_drawn_on_them_and_charlie_none(
    cast, django_assert_num_queries
):
    for name in ("Door", "Till", "Yard"):
        camera = make_camera(cast.store, name)
        zone_archive(zone=make_zone(camera, "old"))
        zone_redraw(zone=make_zone(camera), vertices=TRIANGLE)
        make_line(camera)
    with django_assert_num_queries(5):
        cameras = list(cameras_of_store(user=cast.bob, store=cast.store))
        drawn = [
            (camera.name, [drawn_now(zone).vertices for zone in camera.zones.all()])
            for camera in cameras
        ]
        lines = [drawn_now(line).a for camera in cameras for line in camera.lines.all()]
    assert drawn == [("Door", [TRIANGLE]), ("Till", [TRIANGLE]), ("Yard", [TRIANGLE])]
    assert lines == [[0.2, 0.6]] * 3
    assert not cameras_of_store(user=cast.charlie, store=cast.store)
