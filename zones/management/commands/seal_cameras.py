"""``manage.py seal_cameras``: seal every camera's password with the newest key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from zones.sources import cameras_seal_anew


class Command(BaseCommand):
    """After a new key was put before the old one in OSKARTRACK_CAMERA_KEY."""

    help = (
        "Seal the addresses and passwords of all cameras with the first key of "
        "OSKARTRACK_CAMERA_KEY. Afterwards the keys behind it may go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = cameras_seal_anew()
        self.stdout.write(f"{done} sealed with the first key, {len(lost)} that no key opens")
        if lost:
            names = ", ".join(str(camera) for camera in lost)
            raise CommandError(
                f"None of the keys opens what is kept of: {names}. Put the key that sealed them "
                "into OSKARTRACK_CAMERA_KEY too, or type their addresses again."
            )
