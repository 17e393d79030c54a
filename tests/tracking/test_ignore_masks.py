"""A camera's ignore masks: who stands in one was never there, and counting again applies them."""

from datetime import timedelta

import pytest

from tests.cast import make_camera, make_cast
from tests.tracking.files import make_video
from tests.vision.test_nanodet import PERSON, WIDTH, tiny
from tracking import recounts, runner
from tracking.models import Track
from tracking.problems import Problem
from tracking.recordings import Wish, recording_from_file
from tracking.recounts import recording_recount
from tracking.vision.detectors.model_files import NANODET

pytestmark = pytest.mark.django_db

SIZE = (320, 240)


@pytest.fixture
def camera(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MODELS_DIR = tmp_path / "media", tmp_path
    tiny(tmp_path / NANODET, score=0.9)  # it sees one person, always in one place: a poster
    store = make_cast().store
    return make_camera(store, detector="nanodet", detector_settings={"input_side": WIDTH})


def around(x, y, reach=0.08):
    """Return a mask around a place, all as fractions of the picture."""
    left, right = max(0, x - reach), min(1, x + reach)
    above, below = max(0, y - reach), min(1, y + reach)
    return [[left, above], [right, above], [right, below], [left, below]]


def feet():
    """Return where the poster's feet are, as fractions of the picture."""
    x1, _, x2, y2 = PERSON
    width, height = WIDTH, WIDTH * SIZE[1] / SIZE[0]
    return (x1 + x2) / 2 / width, y2 / height


def counted(camera, tmp_path):
    path = make_video(tmp_path / "poster.mp4", seconds=3, size=SIZE)
    recording = recording_from_file(
        path=path, wish=Wish(camera, camera.created_at - timedelta(hours=1))
    )
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"
    return recording


def tracks(recording):
    return Track.objects.filter(run__recording=recording, run__active=True).count()


def test_a_poster_inside_a_mask_makes_no_track(camera, tmp_path):
    camera.ignore_masks = [around(*feet())]
    camera.save()
    assert tracks(counted(camera, tmp_path)) == 0


@pytest.mark.parametrize("stored", [{"deep": [1]}, [3], [[[0, 0], [1, 1]]]])
def test_masks_stored_before_they_were_checked_are_refused_in_words(camera, tmp_path, stored):
    camera.ignore_masks = stored
    camera.save()
    with pytest.raises(Problem) as refused:
        counted(camera, tmp_path)
    assert refused.value.code == "bad_camera_map"


def test_a_poster_beside_a_mask_is_seen_and_goes_when_counted_again_with_one_over_it(
    camera, tmp_path
):
    x, y = feet()
    camera.ignore_masks = [around(1 - x, 1 - y)]
    camera.save()
    recording = counted(camera, tmp_path)
    assert tracks(recording) == 1
    camera.ignore_masks = [around(1 - x, 1 - y), around(x, y)]
    camera.save()
    made = recording_recount(recording=recording)
    assert made.changes == ["zone 'Ignore mask 2' was added"]
    while recounts.advance(made.pk):
        pass
    assert tracks(recording) == 0
