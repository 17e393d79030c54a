"""Detectors at the doors: chosen for a camera, frozen on a run, told on the pages."""

import html
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from structlog.testing import capture_logs

from oskartrack import health
from tests.cast import make_camera, make_cast
from tests.tracking.doors import client_of
from tests.tracking.files import make_video
from tests.vision.networks import write_model
from tests.vision.test_any_onnx import HEIGHT, WIDTH, yolov8_answer
from tests.vision.test_nanodet import tiny
from tracking import detectors, ingest, runner
from tracking.models import Run, Track
from tracking.problems import Problem
from tracking.recordings import Wish, recording_from_file
from tracking.vision import detections
from tracking.vision.detectors import registry
from tracking.vision.detectors.model_files import NANODET, NANODET_INT8, read_model
from tracking.vision.errors import UnknownDetectorError
from zones.forms import CameraForm
from zones.models import Camera

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(own_folders):
    return make_cast()


@pytest.fixture
def models(settings):
    """The folder of models with NanoDet in it, a tiny one, and a file of somebody's own."""
    for name in (NANODET, NANODET_INT8):
        tiny(settings.MODELS_DIR / name)
    write_model(settings.MODELS_DIR / "own.onnx", {"out": yolov8_answer()}, size=(HEIGHT, WIDTH))
    return settings.MODELS_DIR


def film(tmp_path, camera):
    path = make_video(tmp_path / f"{uuid4()}.mp4", seconds=2)
    return recording_from_file(path=path, wish=Wish(camera, camera.created_at - timedelta(hours=1)))


def refused(store, **fields):
    with pytest.raises(ValidationError) as said:
        make_camera(store, **fields)
    return said.value.message_dict


def test_a_file_of_ones_own_is_tried_when_the_camera_is_saved(cast, models):
    how = {"model": "own.onnx", "family": "yolov8"}
    assert make_camera(cast.store, detector="onnx", detector_settings=how).pk
    told = refused(
        cast.store, name="B", detector="onnx", detector_settings=how | {"family": "detr"}
    )
    assert "does not answer as DETR does" in told["detector_settings"][0]
    (models / "own.onnx").write_bytes(b"no model")
    told = refused(cast.store, name="C", detector="onnx", detector_settings=how)
    assert "'own.onnx' cannot be used as an ONNX model" in told["detector_settings"][0]
    told = refused(cast.store, name="D", detector="onnx")
    assert "family" in told["detector_settings"][0]
    told = refused(cast.store, name="E", detector="hog", detector_settings=[])
    assert "names with values" in told["detector_settings"][0]


def test_an_administrator_reads_in_the_form_what_is_wrong_with_a_file(cast, models):
    cast.alice.is_staff = cast.alice.is_superuser = True
    cast.alice.save()
    client = client_of(cast.alice)
    (models / "own.onnx").write_bytes(b"no model")
    form = {"store": cast.store.pk, "name": "Door", "detector": "onnx", "ignore_masks": "[]"}
    how = {"model": "own.onnx", "family": "yolox"}
    page = client.post("/admin/zones/camera/add/", form | {"detector_settings": json.dumps(how)})
    assert "cannot be used as an ONNX model" in page.content.decode()
    assert not Camera.objects.exists()


def test_a_camera_that_names_no_detector_takes_the_best_that_is_ready_when_a_count_begins(
    cast, models
):
    """Also one that was made before make model, and one made for a file of this machine."""
    setup = {"zones": [], "lines": []}
    cameras = [
        make_camera(cast.store),
        ingest.place_make(ingest.Place(cast.store.slug, "Till", setup)),
    ]
    assert CameraForm().get_initial_for_field(CameraForm().fields["detector"], "detector") == "auto"

    def taken():
        return {detectors.frozen(camera)["name"] for camera in cameras}

    assert taken() == {"nanodet-int8"}
    (models / NANODET_INT8).unlink()
    assert taken() == {"nanodet"}
    (models / NANODET).unlink()
    assert taken() == {"hog"}
    tiny(models / NANODET_INT8)
    assert taken() == {"nanodet-int8"}


def test_without_nanodet_hog_finds_people_and_page_and_log_say_so(cast, models, tmp_path):
    camera = make_camera(cast.store, detector="nanodet-int8", detector_settings={"threshold": 0.2})
    for name in (NANODET, NANODET_INT8):
        (models / name).unlink()
    with capture_logs() as logged:
        recording = film(tmp_path, camera)
    card = Run.objects.get(recording=recording).card["detector"]
    assert (card["name"], card["settings"]["gap_ms"]) == ("hog", 80), "HOG's own settings"
    assert "make model" in card["note"]
    client = client_of(cast.alice)
    page = client.get(f"/stores/{cast.store.slug}/recordings/").content.decode()
    told = client.get(f"/api/v1/recordings/{recording.public_id}/").json()["run"]
    assert told["detector_note"] == card["note"]
    assert html.escape(card["note"]) in page
    assert [each["why"] for each in logged if each["event"] == "nanodet_not_ready"] == [
        card["note"]
    ]
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"


def test_a_damaged_nanodet_is_no_reason_to_count_nothing(cast, models):
    (models / NANODET_INT8).write_bytes(b"half a down")
    card = detectors.frozen(make_camera(cast.store))
    assert card["name"] == "hog"
    assert "cannot be used as an ONNX model" in card["note"]
    (models / "own.onnx").unlink()
    own = make_camera(cast.store, "Own")
    own.detector, own.detector_settings = "onnx", {"model": "own.onnx", "family": "yolov8"}
    with pytest.raises(Problem, match="'own"):
        detectors.frozen(own)


def test_nothing_is_noted_where_nothing_is_missing(cast, models):
    assert "note" not in detectors.frozen(make_camera(cast.store))
    (models / NANODET_INT8).unlink()
    (models / NANODET).unlink()
    assert "note" not in detectors.frozen(make_camera(cast.store, "B", detector="hog"))
    assert "make model" in detectors.frozen(make_camera(cast.store, "C"))["note"]


def test_nanodet_that_is_here_and_cannot_run_is_noted_too(cast, models, monkeypatch):
    """Whole numbers alone, and nothing that runs them as it must: no silence about it."""
    (models / NANODET).unlink()
    monkeypatch.setattr(registry, "has_onnxruntime", lambda: False)
    card = detectors.frozen(make_camera(cast.store))
    assert card["name"] == "hog"
    assert "onnxruntime" in card["note"]


def test_in_production_nobody_names_the_detector_that_reads_any_file(cast, settings, tmp_path):
    how = {"truth_path": str(tmp_path / "secret.json")}
    (tmp_path / "secret.json").write_text('{"fps": 5, "boxes": []}')
    camera = make_camera(cast.store, detector="scripted", detector_settings=how)
    settings.PRODUCTION = True
    assert "scripted" not in detectors.names()
    assert "scripted" not in dict(detectors.choices())
    told = refused(cast.store, name="B", detector="scripted", detector_settings=how)
    assert "no detector 'scripted'" in told["detector"][0]
    with pytest.raises(Problem, match="for tests"):
        detectors.frozen(camera)


def test_settings_without_a_detector_must_suit_whichever_it_will_be(cast, models):
    assert make_camera(cast.store, detector_settings={"gap_ms": 200}).pk
    for how in ({"threshold": 0.2}, {"input_width": 640}):
        told = refused(cast.store, name="B", detector_settings=how)
        assert "name one" in told["detector_settings"][0]
    told = refused(cast.store, name="B", detector_settings={"gap_ms": -1})
    assert "gap_ms" in told["detector_settings"][0]


def test_chunks_are_seen_by_the_models_of_this_installation_in_the_locked_process(
    cast, models, tmp_path
):
    how = {"input_side": 128}
    recording = film(tmp_path, make_camera(cast.store, detector="nanodet", detector_settings=how))
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"
    found = detections.unpack(bytes(recording.chunks.order_by("index").first().detections))
    assert all(len(each.boxes) == 1 for each in found)


def test_model_hash_threshold_size_and_gap_are_frozen_on_the_run_and_told(cast, models, tmp_path):
    camera = make_camera(cast.store, detector="nanodet-int8", detector_settings={"threshold": 0.2})
    recording = film(tmp_path, camera)
    card = Run.objects.get(recording=recording).card["detector"]
    sha256 = read_model(NANODET_INT8, models).sha256
    assert card["settings"] == {
        "model": NANODET_INT8, "sha256": sha256, "input_side": 640, "person_share": 0.0,
        "threshold": 0.2, "nms_iou": 0.6, "gap_ms": 120,
    }  # fmt: skip
    client = client_of(cast.alice)
    told = client.get(f"/api/v1/recordings/{recording.public_id}/").json()["run"]
    assert (told["detector"], told["model"]) == ("nanodet-int8", NANODET_INT8)
    assert (told["model_sha256"], told["threshold"]) == (sha256, 0.2)
    page = client.get(f"/stores/{cast.store.slug}/recordings/").content.decode()
    assert f"{NANODET_INT8} {sha256[:12]}" in page


def test_a_count_goes_on_with_the_model_it_began_with_or_not_at_all(cast, models, tmp_path):
    recording = film(tmp_path, make_camera(cast.store, detector="nanodet"))
    tiny(models / NANODET, score=0.9)
    chunk = recording.chunks.order_by("index").first()
    with pytest.raises(UnknownDetectorError, match="another one than the count began with"):
        runner.detect(chunk.pk)


def test_the_input_suits_the_height_of_the_people_a_camera_saw_before(cast, models, tmp_path):
    camera = make_camera(cast.store, detector="nanodet")
    recording = film(tmp_path, camera)
    run = Run.objects.get(recording=recording)
    longer = max(recording.media["width"], recording.media["height"])
    rows = [
        Track(public_id=uuid4(), run=run, number=n, chain=n, path=b"", height_px=longer * 0.2,
              started_at=recording.started_at, ended_at=recording.started_at)
        for n in range(1, detectors.LEAST_TRACKS)
    ]  # fmt: skip
    Track.objects.bulk_create(rows)
    assert detectors.frozen(camera)["settings"]["input_side"] == 640, "too few to know"
    rows[0].pk, rows[0].number, rows[0].public_id = None, 99, uuid4()
    rows[0].save(force_insert=True)
    told = detectors.frozen(camera)["settings"]
    assert (told["person_share"], told["input_side"]) == (0.2, 512)
    camera.detector_settings = {"input_side": 320}
    assert detectors.frozen(camera)["settings"]["input_side"] == 320, "what a person said holds"


def test_the_self_check_says_plainly_whether_nanodet_is_here(models):
    assert "NanoDet is here" in health.check_detector().what
    for name in (NANODET, NANODET_INT8):
        (models / name).unlink()
    told = health.check_detector()
    assert told.ok, "HOG works"
    assert "not on this machine" in told.what
    assert "make model" in told.todo
