"""Two stores that have one of everything, and the people who belong to one, to both or to none."""

from __future__ import annotations

import re
import shutil
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from accounts.models import AuditEntry, Membership, Store, User
from accounts.services import audit_record, membership_set
from analytics.heatmap import draw_behind
from analytics.models import DirtyDay
from analytics.proof import verification_ask, verify_day
from analytics.sales import Sale, sales_take
from analytics.services import bounce_set
from analytics.summaries import fold_dirty
from tests.accounts.tokens import pair_for
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.cast import MANAGER, VIEWER, make_camera, make_line, make_user, make_zone
from tests.tracking import walks
from tests.tracking.doors import announce, client_of, upload
from tests.tracking.test_finals import counted, hide, make_waiting
from tracking import media, whole
from tracking.corrections import occupancy_tell
from tracking.links import links_of
from tracking.models import Customer, Recording, Track, TrackingEvent, Upload, Visit
from zones.maps import camera_map
from zones.models import CountingLine, Zone
from zones.sources import source_put

FIRST, LAST = date(2026, 6, 2), date(2026, 7, 1)
PICTURE = b"\xff\xd8\xff\xe0 not looked at"
SECRET = "hush-9f31c"
MISSING_PK = 987_654_321


@dataclass
class Half:
    """A store with one of everything."""

    store: Store
    manager: User
    viewer: User
    recording: Recording
    waiting: Recording
    failed: Recording
    upload: Upload
    unfinished: Upload
    dropped: Upload
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class World:
    """Two halves and those who run the installation."""

    a: Half
    b: Half
    staff: User
    root: User


def make_world(files: tuple[Path, Path]) -> World:
    """Make both halves; staff looks at A and has every permission of the admin."""
    a, b = make_half("a", files), make_half("b", files)
    staff = make_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    membership_set(user=staff, store=a.store, role=VIEWER)
    return World(a, b, staff, make_user("root", is_staff=True, is_superuser=True))


def make_half(name: str, files: tuple[Path, Path]) -> Half:
    """Make a store with people, a counted recording, numbers of two days, uploads, a past."""
    manager, viewer = make_user(f"manager-{name}"), make_user(f"viewer-{name}")
    recording = _counted(name, files)
    store = recording.store
    membership_set(user=manager, store=store, role=MANAGER)
    membership_set(user=viewer, store=store, role=VIEWER)
    _files(recording, files)
    _tell(store, manager)
    client = client_of(manager)
    whole_one = upload(client, store, files[0], f"floor-{name}.mp4")
    assert client.get(f"/api/v1/uploads/{whole_one}/").status_code == 200
    begun, dropped = (
        announce(client, store, 1000, f"{what}-{name}.mp4")["Location"].split("/")[-2]
        for what in ("begun", "dropped")
    )
    half = Half(
        store, manager, viewer, recording,
        waiting=_other(recording, Recording.State.QUEUED, hours=5),
        failed=_other(recording, Recording.State.FAILED, hours=10, folder=media.copy_in(files[0])),
        upload=Upload.objects.get(public_id=whole_one),
        unfinished=Upload.objects.get(public_id=begun),
        dropped=Upload.objects.get(public_id=dropped),
    )  # fmt: skip
    audit_record(action="store.looked_after", actor=manager, store=store, subject="the store")
    half.names = names_of(half)
    return half


def _counted(name: str, files: tuple[Path, Path]) -> Recording:
    """Return a recording that was counted twice, with somebody who was lost and found again."""
    whole.forget()
    waiting = make_waiting(files, f"shop-{name}")
    camera = waiting.camera
    camera.detector_settings = {"truth_path": str(files[1])}
    camera.save()
    hide(waiting, 13_000, 15_600)
    recording = counted(waiting)
    run = recording.runs.get(active=True)
    run.card["final"]["apart"] = [[1000, 2000]]  # as if somebody had undone a link
    run.save()
    return recording


def _files(recording: Recording, files: tuple[Path, Path]) -> None:
    """Give a recording its pictures, which the first of that film has, and its camera a still."""
    first = Recording.objects.filter(name=recording.name).earliest("pk")
    for file in media.folder_path(first.folder).iterdir():
        if first != recording and file.name != media.SOURCE:
            shutil.copy(file, media.folder_path(recording.folder))
    folder = media.new_folder()
    media.write_file(folder, "still.jpg", PICTURE)
    camera = recording.camera
    camera.still = f"{folder}/still.jpg"
    # The same word in the user name, the password and the path: none of them is told.
    source_put(camera, f"rtsp://eye-{SECRET}:{SECRET}@10.0.0.9/{SECRET}/1")
    camera.save()


def _tell(store: Store, manager: User) -> None:
    """Give a store numbers of another day, by every way there is."""
    shop = make_shop(store, "Till")
    facts = make_facts(shop)
    for second in range(0, 3000, 100):
        facts.step(second)
        facts.stay(second + 5, 40)
        facts.visit(second, 95)
        facts.step(second + 95, "out")
    facts.seen(0, 3600)
    facts.commit()
    somebody = Customer.objects.create(
        store=store, public_id=uuid.uuid4(), first_seen=NINE_UTC, last_seen=NINE_UTC
    )
    Visit.objects.filter(run=facts.run).update(customer=somebody)
    now = NINE_UTC + timedelta(hours=2)
    occupancy_tell(store=store, kind="corrected", at=now, value=3, user=manager, now=now)
    sales_take(store=store, sales=[Sale(now, 2, None, "r-1")], source="till", user=manager)
    bounce_set(store=store, seconds=60, user=manager)
    fold_dirty()
    for day in (FIRST, LAST):
        verification_ask(store=store, days=[day])
        verify_day(store, day)
    for camera in store.cameras.all():
        draw_behind(camera, FIRST, LAST)
    assert not DirtyDay.objects.filter(store=store).exists()


def _other(recording: Recording, state: str, hours: int, folder: str = "") -> Recording:
    """Return another recording of the same camera that is not counted."""
    began = walks.STARTED + timedelta(hours=hours)
    return Recording.objects.create(
        store=recording.store, camera=recording.camera, name=f"{state}.mp4", state=state,
        folder=folder or uuid.uuid4().hex, media=recording.media, started_at=began,
        ended_at=began + timedelta(minutes=1), declared_ms=60_000,
    )  # fmt: skip


# --- What stands in an address, a query or a body -------------------------------------------------


def names_of(half: Half) -> dict[str, Any]:
    """Return how the half's rows are called; `row:app/model` is a row of a page of the admin."""
    store = half.store
    zones, lines = Zone.objects.filter(camera__store=store), CountingLine.objects.all()
    line = lines.filter(camera__store=store).order_by("pk").first()
    zone = zones.order_by("pk").first()
    visit = Visit.objects.filter(store=store).order_by("pk").first()
    camera = half.recording.camera
    counted = Visit.objects.filter(run__recording=half.recording, run__active=True).earliest("pk")
    link = links_of(half.recording)[0]
    spare = make_camera(store, "Spare")
    return {
        "store_id": store.public_id,
        "store_slug": store.slug,
        "recording_id": half.recording.public_id,
        "waiting_id": half.waiting.public_id,
        "failed_id": half.failed.public_id,
        "camera_id": camera.public_id,
        "upload_id": half.upload.public_id,
        "unfinished_id": half.unfinished.public_id,
        "dropped_id": half.dropped.public_id,
        "event_id": TrackingEvent.objects.filter(store=store).earliest("pk").public_id,
        "client_id": Customer.objects.filter(store=store).latest("pk").public_id,
        # Of a count that is through and in force: who may be erased.
        "counted_client_id": counted.customer.public_id,
        "counted_visit_id": counted.public_id,
        "basis": camera_map(camera).basis,
        "zone_id": zone.public_id,
        "line_id": line.public_id,
        "visit_id": visit.public_id,
        "run_id": visit.run.public_id,
        "track_id": Track.objects.filter(run__store=store).earliest("pk").public_id,
        "spare_camera_id": make_camera(store, "Unused").public_id,
        "track": link.track,
        "undone": {
            "ended_at": (half.recording.started_at + timedelta(seconds=1)).isoformat(),
            "began_at": (half.recording.started_at + timedelta(seconds=2)).isoformat(),
        },
        "refresh_token": pair_for(half.viewer, "read").refresh,
        "login": half.viewer.api_logins.earliest("pk").public_id,
        "newcomer": make_user(f"newcomer-{store.slug}").pk,
        "spare row:zones/camera": spare.pk,
        "spare row:zones/zone": make_zone(spare, "Spare").pk,
        "spare row:zones/countingline": make_line(spare, "Spare").pk,
        "id": half.viewer.pk,
        "row:accounts/user": half.viewer.pk,
        "row:accounts/store": store.pk,
        "row:accounts/membership": Membership.objects.get(store=store, user=half.viewer).pk,
        "row:accounts/auditentry": AuditEntry.objects.filter(store=store).latest("pk").pk,
        "row:zones/camera": camera.pk,
        "row:zones/zone": zone.pk,
        "row:zones/countingline": line.pk,
        "content_type_id": ContentType.objects.get_for_model(Store).pk,
        "object_id": store.pk,
        "app_label": "zones",
        "url": "nowhere",
        "what": "days",
        "ending": "csv",
    }


def names_of_nothing(like: dict[str, Any]) -> dict[str, Any]:
    """Return names in the form of these that nothing has."""
    nothing = dict(like)
    for name, value in like.items():
        if isinstance(value, uuid.UUID):
            nothing[name] = uuid.uuid4()
        elif "row:" in name or name in {"id", "object_id", "newcomer"}:
            nothing[name] = MISSING_PK
    return nothing | {"store_slug": "no-such-shop"}


_PLACE = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
_MODEL = re.compile(r"admin/(\w+/\w+)/<path:object_id>")


def places_of(pattern: str) -> list[str]:
    """Return what a pattern wants to be told."""
    return [first or second for first, second in _PLACE.findall(pattern)]


def address(pattern: str, names: dict[str, Any]) -> str:
    """Return a pattern's address with these names in it."""
    model = _MODEL.match(pattern)
    if model and f"row:{model[1]}" in names:
        names = names | {"object_id": names[f"row:{model[1]}"]}
    if unknown := [name for name in places_of(pattern) if name not in names]:
        raise LookupError(
            f"Nobody knows what <{unknown[0]}> of '{pattern}' is: say it in names_of() of "
            "tests/access/world.py, for both halves."
        )
    told = _PLACE.sub(lambda found: str(names[found[1] or found[2]]), pattern)
    return "/" + told.replace("^", "").replace("$", "")


def is_of_a_store(pattern: str) -> bool:
    """Whether an address names something that belongs to a store."""
    rows = {"store_id", "store_slug", "object_id"} | {
        name for name in places_of(pattern) if name.endswith("_id") and name != "content_type_id"
    }
    return bool(rows & set(places_of(pattern)))
