"""The demo store: a rendered shop, counted before the newcomer's eyes, labelled and removable."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone as clock

from accounts.models import Membership, Store, User
from accounts.services import membership_set
from tracking import jobs, media
from tracking.demo_past import pasts
from tracking.ingest import Place, place_make
from tracking.models import Recording
from tracking.recordings import Wish, recording_from_file
from tracking.vision import scene
from tracking.vision.scene.layout import setup_json
from zones.models import Camera

SLUG, USER = "demo", "demo"
SEED, SECONDS, FPS = 14, 75, 10
STILL = "still.jpg"
# Pictures made at set-up, served with the static files: the log-in page shows the empty shop.
GENERATED = Path(settings.BASE_DIR) / "var" / "generated"
JPEG_QUALITY = 88


def demo_make(tell: Callable[[float], None]) -> tuple[Recording, bool]:
    """Return the demo store's recording and whether it was made now.

    Whatever is there already stays: asked again, or after an interruption, only what is missing
    is made.

    Parameters
    ----------
    tell : callable
        Called with the share of the scene that is rendered, in [0, 1].

    Raises
    ------
    ValidationError
        The store's short name belongs to a real store.
    """
    found = Store.objects.filter(slug=SLUG).first()
    if found is not None and not found.is_demo:
        raise ValidationError(f"Store '{SLUG}' is a real one; the demo needs that short name.")
    camera = _place()
    membership_set(user=_user(), store=camera.store, role=Membership.Role.MANAGER)
    _still(camera)
    counted = Recording.objects.filter(camera=camera, is_demo=True, source=Recording.Source.VIDEO)
    usable = counted.exclude(state__in=(Recording.State.FAILED, Recording.State.CANCELLED))
    if (recording := usable.order_by("-pk").first()) is not None:
        return recording, False
    return _record(camera, tell), True


def demo_past(recording: Recording, tell: Callable[[float], None]) -> None:
    """Fill the demo store's days before its recording, where they are missing.

    Not part of `demo_make`: the recording is counted meanwhile.
    """
    for past in pasts:
        past(recording.store, recording.started_at, tell)


def demo_remove() -> int:
    """Remove the demo store and all that belongs to it; return how many recordings went."""
    store = Store.objects.filter(slug=SLUG, is_demo=True).first()
    (GENERATED / STILL).unlink(missing_ok=True)
    if store is None:
        return 0
    folders = list(store.recordings.values_list("folder", flat=True))
    folders += store.uploads.values_list("folder", flat=True)
    folders += [Path(still).parent.name for still in store.cameras.values_list("still", flat=True)]
    recordings = list(store.recordings.all())
    with transaction.atomic():
        for recording in recordings:
            jobs.recording_cancel(recording)  # whoever works on it stops at its next write
        _forget_user(store)
        store.delete()
    for folder in folders:
        media.remove_folder(folder)
    return len(recordings)


def demo_password() -> str:
    """Return the demo account's password: OSKARTRACK_DEMO_PASSWORD, else one made once and kept."""
    if given := os.environ.get("OSKARTRACK_DEMO_PASSWORD"):
        return given
    path = Path(settings.DATA_DIR) / "secret" / "demo"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with media.open_private(path) as file:
            file.write(secrets.token_urlsafe(9).encode())
    return path.read_text(encoding="utf-8").strip()


def demo_plan() -> scene.Plan:
    """Return the scene: the doors open on an empty shop, so nobody leaves who was not counted."""
    return scene.plan(SEED, SECONDS, FPS, start="empty")


def _place() -> Camera:
    setup = setup_json(scene.Camera())
    return place_make(Place(SLUG, setup["camera"]["name"], setup), is_demo=True)


def _user() -> User:
    """Return the demo account, made where it is missing; its password may have been changed."""
    user = User.objects.filter(username=USER).first()
    return user or User.objects.create_user(username=USER, password=demo_password())


def _forget_user(store: Store) -> None:
    """Remove the demo account, unless it became somebody's way into more than the demo."""
    User.objects.filter(
        username=USER, is_staff=False, is_superuser=False, memberships__store=store
    ).exclude(memberships__in=Membership.objects.exclude(store=store)).delete()


def _still(camera: Camera) -> None:
    """Write the empty shop as the camera's still and as the picture of the log-in page."""
    shown = GENERATED / STILL
    if camera.still and shown.exists():
        return
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    picture = cv2.imencode(".jpg", scene.still(scene.Camera()), quality)[1].tobytes()
    if not camera.still:
        folder = media.new_folder()
        media.write_file(folder, STILL, picture)
        camera.still = f"{folder}/{STILL}"
        camera.save(update_fields=["still"])
    shown.parent.mkdir(parents=True, exist_ok=True)
    draft = shown.with_name(f".{STILL}.{os.getpid()}")
    draft.write_bytes(picture)
    draft.replace(shown)


def _record(camera: Camera, tell: Callable[[float], None]) -> Recording:
    """Render the scene and make its recording end now, so that its numbers are today's."""
    plan = demo_plan()
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="scene-") as folder:
        video, truth = Path(folder) / "shop floor.mp4", Path(folder) / "truth.json"
        scene.write_scene(plan, video, truth, lambda frames: tell(frames / plan.frame_count))
        started_at = clock.now() - timedelta(seconds=SECONDS)
        wish = Wish(camera, started_at, "replace", "count_again", is_demo=True)
        return recording_from_file(path=video, wish=wish, name="Rendered shop floor (demo).mp4")


def summary(recording: Recording) -> dict[str, Any]:
    """Return what a script wants to know of the demo."""
    return {
        "store": recording.store.slug,
        "camera": recording.camera.name,
        "recording": str(recording.public_id),
        "state": recording.state,
    }
