"""A camera's switch for clothing colours: off by default, frozen on the run, kept with boxes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.cast import make_camera, make_cast
from tests.tracking.files import make_video
from tests.tracking.test_ignore_masks import SIZE, counted
from tests.vision.test_nanodet import WIDTH, tiny
from tracking import recordings, runner
from tracking.models import Chunk, Recording
from tracking.recordings import Wish, recording_from_file
from tracking.vision import detections
from tracking.vision.detectors.model_files import NANODET
from zones.models import Camera

pytestmark = pytest.mark.django_db


@pytest.fixture
def camera(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MODELS_DIR = tmp_path / "media", tmp_path
    tiny(tmp_path / NANODET, score=0.9)  # it sees one person, always in one place
    store = make_cast().store
    return make_camera(store, detector="nanodet", detector_settings={"input_side": WIDTH})


def kept_of(recording: Recording) -> list[detections.DetectedFrame]:
    """Return what is stored of a recording."""
    chunks = Chunk.objects.filter(recording=recording).order_by("index")
    return [
        frame for chunk in chunks for frame in detections.unpack(bytes(chunk.detections or b""))
    ]


def looked_at(recording: Recording) -> set[bool]:
    return {frame.colours is not None for frame in kept_of(recording) if len(frame.boxes)}


def test_nobody_looks_at_colours_unless_the_camera_is_set_to_it(camera, tmp_path):
    recording = counted(camera, tmp_path)
    assert looked_at(recording) == {False}
    assert "colours" not in recording.runs.get().card


def test_where_it_is_every_box_has_its_colours(camera, tmp_path):
    camera.clothing_colours = True
    camera.save()
    recording = counted(camera, tmp_path)
    assert looked_at(recording) == {True}
    assert any(frame.colours.any() for frame in kept_of(recording))
    assert recording.runs.get().card["colours"] is True


def test_what_a_recording_was_made_with_holds_for_it_whatever_the_camera_is_set_to_then(
    camera, tmp_path
):
    path = make_video(tmp_path / "poster.mp4", seconds=3, size=SIZE)
    wish = Wish(camera, camera.created_at - timedelta(hours=1))
    recording = recording_from_file(path=path, wish=wish)
    Camera.objects.update(clothing_colours=True)
    runner.work(recording.pk)
    assert looked_at(recording) == {False}


def test_begun_anew_it_is_looked_at_as_the_camera_is_set_now(camera, tmp_path):
    path = make_video(tmp_path / "poster.mp4", seconds=3, size=SIZE)
    wish = Wish(camera, camera.created_at - timedelta(hours=1))
    recording = recording_from_file(path=path, wish=wish)
    recordings.recording_cancel(recording=recording)
    Camera.objects.update(clothing_colours=True)
    recording.refresh_from_db()
    recordings.recording_retry(recording=Recording.objects.get(pk=recording.pk))
    runner.work(recording.pk)
    assert looked_at(recording) == {True}
