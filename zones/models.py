"""The map of a store: cameras, zones and counting lines, each shape with its versions."""

from __future__ import annotations

import math
import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone as clock

from accounts.models import Store
from accounts.scope import ScopedQuerySet, scoped
from zones.detectors import AUTOMATIC, detector_problem, settings_problem
from zones.geometry import json_is_finite, line_problems, mask_problems, polygon_problems
from zones.palette import PALETTE


class Camera(models.Model):
    """One fixed view of a store: the canvas on which zones and lines are drawn."""

    class FinalCount(models.TextChoices):
        """Which count of a recording makes its numbers in the end."""

        LIVE = "live", "As the pictures came"
        RECORDING = "recording", "Once more, when all of it is known"

    class SourceKind(models.TextChoices):
        """Where a camera's pictures come from."""

        FILES = "files", "Files that are added by hand"
        RTSP = "rtsp", "Network camera, RTSP"
        HTTP = "http", "Network camera, HTTP (MJPEG or HLS)"
        DEVICE = "device", "USB camera of this machine"
        LOOP = "loop", "A file played in a loop, as a demo"

    class Transport(models.TextChoices):
        """How an RTSP camera sends its pictures."""

        TCP = "tcp", "TCP: nothing is lost on the way"
        UDP = "udp", "UDP: for cameras that know no other"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="cameras")
    name = models.CharField(max_length=80)
    source_kind = models.CharField(
        max_length=10, choices=SourceKind.choices, default=SourceKind.FILES, editable=False
    )
    # Where to connect to and no more: scheme://host:port, device:0 or loop:name.mp4. What may hold
    # a password, which in many cameras' addresses the path does too, is sealed below.
    source = models.CharField(max_length=300, blank=True, editable=False)
    # User name, password and path, encrypted; zones/sources.py alone reads and writes it.
    source_sealed = models.TextField(blank=True, editable=False)
    transport = models.CharField(max_length=3, choices=Transport.choices, default=Transport.TCP)
    recording = models.BooleanField(
        "follow the camera",
        default=True,
        help_text="Off: nothing is recorded and the address is not connected to. Cameras of "
        "added files are not followed either way.",
    )
    # How long what came of it is kept, by class: the sums of days stay for ever.
    keep_video_h = models.PositiveIntegerField(
        "hours of video kept",
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 366)],
        help_text="Hours. Older pictures of the camera are removed; the numbers stay.",
    )
    keep_tracks_d = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(3660)], editable=False
    )
    keep_events_d = models.PositiveIntegerField(
        default=396, validators=[MinValueValidator(1), MaxValueValidator(3660)], editable=False
    )
    detector = models.CharField(max_length=40, default=AUTOMATIC)
    detector_settings = models.JSONField(default=dict, blank=True)
    ignore_masks = models.JSONField(default=list, blank=True)
    # The default is what measured best on rendered scenes: docs/decisions/0017.
    final_count = models.CharField(
        max_length=10,
        choices=FinalCount.choices,
        default=FinalCount.LIVE,
        help_text="Which count makes a recording's numbers in the end. Once more takes a little "
        "longer and comes after the first one: people who were hidden for a while are found again, "
        "and zone visits come out better; crossings of lines do not.",
    )
    clothing_colours = models.BooleanField(
        "look at the colours of clothes",
        default=False,
        help_text="Off unless you switch it on. With every box of a person it stores a few numbers "
        "of the colours of the upper and the lower clothes, so that whoever was hidden for a while "
        "is found again as the same person. No face is looked at, and nothing is compared with "
        "another recording. The numbers go with the recording.",
    )
    # Relative path below MEDIA_ROOT of the person-free still; blank until one was learnt.
    still = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ScopedQuerySet["Camera"].as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "name"], name="camera_name_once_per_store"),
            # Whatever writes it: no user name and no password stands in the plain part.
            models.CheckConstraint(
                condition=~Q(source__contains="@"), name="camera_source_without_password"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def followed(self) -> bool:
        """Whether its pictures are recorded as they come: silence is then a fault."""
        return self.recording and self.source_kind != self.SourceKind.FILES

    def clean(self) -> None:
        """Refuse JSON no database holds, and detectors that cannot be."""
        problems: dict[str, list[str]] = {}
        if problem := detector_problem(self.detector):
            problems["detector"] = [problem]
        for field in ("detector_settings", "ignore_masks"):
            if not json_is_finite(getattr(self, field)):
                problems[field] = ["Numbers must be finite: no NaN, no Infinity, no 1e999."]
        if "ignore_masks" not in problems and (said := mask_problems(self.ignore_masks)):
            problems["ignore_masks"] = said
        if not problems and (problem := settings_problem(self.detector, self.detector_settings)):
            problems["detector_settings"] = [problem]
        if problems:
            raise ValidationError(problems)


class Zone(models.Model):
    """A named area of one camera's picture; its outline lives in its versions."""

    class Kind(models.TextChoices):
        """What the area is for: it decides which numbers use it."""

        DISPLAY = "display", "Display"
        QUEUE = "queue", "Queue"
        CHECKOUT = "checkout", "Checkout"
        ENTRANCE_AREA = "entrance_area", "Entrance area"
        STAFF_ONLY = "staff_only", "Staff only"
        IGNORE = "ignore", "Ignore"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="zones")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.DISPLAY)
    name = models.CharField(max_length=80)
    # Index into the palette of eight: a zone keeps its number for life.
    colour = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(len(PALETTE))]
    )
    min_dwell_s = models.FloatField(default=0.0, validators=[MinValueValidator(0)])
    grace_s = models.FloatField(default=2.0, validators=[MinValueValidator(0)])
    min_inside_s = models.FloatField(default=0.5, validators=[MinValueValidator(0)])
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = scoped("camera__store_id").as_manager()

    class Meta:
        ordering: ClassVar = ["camera", "colour", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["camera", "name"], name="zone_name_once_per_camera"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse times that are no numbers: a range check lets NaN through."""
        seconds = ("min_dwell_s", "grace_s", "min_inside_s")
        wrong = [field for field in seconds if not math.isfinite(getattr(self, field) or 0)]
        if wrong:
            raise ValidationError(
                dict.fromkeys(wrong, "This is a number of seconds; it must be finite.")
            )


class SignedVersion(models.Model):
    """Who drew a version and who ended it; empty where a program did, or they are gone."""

    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="+",
    )  # fmt: skip
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="+",
    )  # fmt: skip

    class Meta:
        abstract = True


class ZoneVersion(SignedVersion):
    """A zone's outline over a span of time; `valid_from` empty means since ever."""

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="versions")
    vertices = models.JSONField(help_text="[[x, y], ...] as fractions of the frame.")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = scoped("zone__camera__store_id").as_manager()

    class Meta:
        ordering: ClassVar = ["zone", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["zone"], condition=Q(valid_to=None), name="one_open_zone_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zone} from {self.valid_from or 'the start'}"

    def clean(self) -> None:
        """Refuse outlines that are no area and spans that end before they start."""
        problems = polygon_problems(self.vertices, self.zone.name)
        if problems:
            raise ValidationError({"vertices": problems})
        _check_span(self.valid_from, self.valid_to)


class CountingLine(models.Model):
    """A directed line that people cross; its place lives in its versions."""

    class Kind(models.TextChoices):
        """Entrance lines alone make entries, exits and occupancy."""

        ENTRANCE = "entrance", "Entrance"
        PASSER_BY = "passer_by", "Passers-by"
        INNER = "inner", "Inner"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.ENTRANCE)
    name = models.CharField(max_length=80)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = scoped("camera__store_id").as_manager()

    class Meta:
        ordering: ClassVar = ["camera", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["camera", "name"], name="line_name_once_per_camera"),
        ]

    def __str__(self) -> str:
        return self.name


class CountingLineVersion(SignedVersion):
    """A line's place over a span of time; the inside is to the right or left walking a to b."""

    class Side(models.TextChoices):
        """Which hand the inside is on when walking from a to b."""

        RIGHT = "right", "Right"
        LEFT = "left", "Left"

    line = models.ForeignKey(CountingLine, on_delete=models.CASCADE, related_name="versions")
    a = models.JSONField(help_text="[x, y] as fractions of the frame.")
    b = models.JSONField(help_text="[x, y] as fractions of the frame.")
    inside_side = models.CharField(max_length=5, choices=Side.choices, default=Side.RIGHT)
    # Hysteresis half width as a fraction of the frame's height.
    band = models.FloatField(
        default=0.012, validators=[MinValueValidator(0), MaxValueValidator(0.2)]
    )
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = scoped("line__camera__store_id").as_manager()

    class Meta:
        ordering: ClassVar = ["line", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"], condition=Q(valid_to=None), name="one_open_line_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} from {self.valid_from or 'the start'}"

    def clean(self) -> None:
        """Refuse ends that make no line and spans that end before they start."""
        problems = line_problems(self.a, self.b, self.line.name)
        if problems:
            raise ValidationError(problems)
        if not math.isfinite(self.band or 0):
            raise ValidationError({"band": "This is a fraction of the height; it must be finite."})
        _check_span(self.valid_from, self.valid_to)


def _check_span(valid_from: datetime | None, valid_to: datetime | None) -> None:
    if valid_from and valid_to and valid_to <= valid_from:
        raise ValidationError(
            {"valid_to": f"This must be after {valid_from:%Y-%m-%d %H:%M:%S}, where it starts."}
        )
