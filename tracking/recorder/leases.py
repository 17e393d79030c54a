"""Who follows a camera: one process at a time, by a lease on the camera's row."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from tracking.models import CameraWatch
from tracking.owners import is_dead, machine
from zones.models import Camera


def take(camera: Camera, owner: str) -> bool:
    """Take or renew a camera's lease; False while another process has it.

    The lease of a process of this machine that is gone ends at once.
    """
    CameraWatch.objects.get_or_create(camera=camera)
    rows = CameraWatch.objects.filter(camera=camera)
    held = rows.exclude(lease_owner__in=("", owner)).values_list("lease_owner", flat=True).first()
    if held and held.startswith(f"{machine()}:") and is_dead(held):
        rows.filter(lease_owner=held).update(lease_owner="", lease_until=None)
    free = Q(lease_owner__in=("", owner)) | Q(lease_until=None) | Q(lease_until__lt=Now())
    until = Now() + timedelta(seconds=settings.LEASE_S)
    return bool(rows.filter(free).update(lease_owner=owner, lease_until=until))


def let_go(owner: str) -> None:
    """Let go of every camera."""
    CameraWatch.objects.filter(lease_owner=owner).update(lease_owner="", lease_until=None)
