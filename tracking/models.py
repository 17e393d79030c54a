"""What was seen: recordings and their chunks, runs, tracks, events, visits, customers."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone as clock

from accounts.models import ApiLogin, Store
from accounts.scope import ScopedQuerySet, scoped
from zones.models import Camera, CountingLine, Zone


class JobState(models.TextChoices):
    """Where a row stands in the work; transitions live in `tracking.jobs` alone."""

    WAITING = "waiting", "Waiting"
    WORKING = "working", "Working"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    QUARANTINED = "quarantined", "Set aside"
    CANCELLED = "cancelled", "Cancelled"


# A chunk or re-count in these states is still to be worked.
OPEN_JOBS = (JobState.WAITING, JobState.WORKING)


class JobRow(models.Model):
    """Columns that make a row its own queue entry: claim, fence, lease, attempts."""

    fence = models.BigIntegerField(default=0, editable=False)
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When a worker last took it, or a person last asked for it.
    touched_at = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class Upload(models.Model):
    """A file on its way in by tus; becomes a recording when someone says what it is."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="uploads"
    )
    # As the sender named it; for display only, never part of a path.
    filename = models.CharField(max_length=300)
    size_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    # Random folder below MEDIA_ROOT that holds this one file.
    folder = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Upload"].as_manager()

    def __str__(self) -> str:
        return self.filename


class Recording(JobRow):
    """A stretch of media from one camera, counted chunk by chunk."""

    class Source(models.TextChoices):
        """Where the media came from."""

        VIDEO = "video", "Video file"
        IMAGE = "image", "Still image"
        CAMERA = "camera", "Live camera"
        SIMULATED = "simulated", "Simulated"

    class State(models.TextChoices):
        """The life of a recording."""

        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Being counted"
        DONE = "done", "Done"
        PARTIAL = "partial", "Counted in part"
        FAILED = "failed", "Failed"
        QUARANTINED = "quarantined", "Set aside"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="recordings")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="recordings")
    name = models.CharField(max_length=300)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.VIDEO)
    # Random folder below MEDIA_ROOT with the one file `source` in it; blank once purged.
    folder = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    size_bytes = models.BigIntegerField(default=0)
    # tracking.vision.frames.MediaInfo as JSON.
    media = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(help_text="Wall-clock instant of the first frame.")
    ended_at = models.DateTimeField(help_text="started_at + the declared duration.")
    declared_ms = models.BigIntegerField(default=0)
    decoded_ms = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    priority = models.SmallIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    # Of a live camera: chunks still come. Its media times count from `started_at`, and each chunk
    # has a file of its own.
    growing = models.BooleanField(default=False)
    # Of a live camera: how long nobody looked before this recording began.
    unseen_ms = models.BigIntegerField(default=0)
    is_demo = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="recordings",
    )  # fmt: skip
    created_at = models.DateTimeField(default=clock.now)
    first_worked_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Recording"].as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["state", "priority", "id"]),
            models.Index(fields=["camera", "started_at"]),
            models.Index(fields=["store", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.name


# A recording in these states is still to be counted.
OPEN_RECORDINGS = (Recording.State.QUEUED, Recording.State.RUNNING)


class Chunk(JobRow):
    """About ten seconds of a recording, four of a live camera: the unit of detection."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="chunks")
    index = models.PositiveIntegerField()
    # Media time: the chunk covers [first_ms, last_ms); decoding starts at keyframe_ms.
    first_ms = models.BigIntegerField()
    last_ms = models.BigIntegerField()
    keyframe_ms = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.WAITING)
    detections = models.BinaryField(null=True, editable=False)
    frames = models.PositiveIntegerField(default=0)
    decoded_to_ms = models.BigIntegerField(default=0)
    broken = models.BooleanField(default=False)
    # [[time_ms, offset, length], ...] into the chunk's file of preview JPEGs.
    preview_index = models.JSONField(default=list, blank=True)
    # Tracked boxes per frame of the active run, for drawing over the previews.
    overlay = models.BinaryField(null=True, editable=False)
    detect_ms = models.PositiveIntegerField(default=0)
    # Of a live camera: when the chunk was written, the hash and the size of its own file (0 once
    # that was removed), how many pictures came, and the least gap between two that are searched,
    # chosen by how busy the machine was; null leaves it to the detector's settings.
    made_at = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    pictures = models.PositiveIntegerField(default=0)
    gap_ms = models.PositiveIntegerField(null=True, blank=True)
    # How many of its pictures were searched for people.
    searched = models.PositiveIntegerField(default=0)

    objects = scoped("recording__store_id").as_manager()

    class Meta:
        ordering: ClassVar = ["recording", "index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["recording", "index"], name="chunk_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "recording", "index"])]

    def __str__(self) -> str:
        return f"{self.recording} part {self.index + 1}"


class Run(models.Model):
    """One count of one recording; the active one makes the official numbers."""

    class Mode(models.TextChoices):
        """Live counts as frames come; recording knows all of them."""

        LIVE = "live", "Live"
        RECORDING = "recording", "Recording"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="runs")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="runs")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.LIVE)
    active = models.BooleanField(default=True)
    # Code version, detector with settings and hash, parameters, input hash.
    card = models.JSONField(default=dict, blank=True)
    # tracking.vision.setup.SceneSetup as JSON: zone and line versions, frozen.
    setup = models.JSONField(default=dict, blank=True)
    # Checkpoint: the next chunk to count, the tracker's state after the one before.
    next_chunk = models.PositiveIntegerField(default=0)
    next_ordinal = models.PositiveIntegerField(default=0)
    next_visit = models.PositiveIntegerField(default=0)
    counted_to_ms = models.BigIntegerField(default=0)
    tracker_state = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Run"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording"], condition=Q(active=True), name="one_active_run"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recording} ({self.mode})"


class Track(models.Model):
    """The path of one followed person within a run."""

    public_id = models.UUIDField(unique=True, editable=False)
    # No database constraints on the bulk tables: they cost four times the insert.
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="tracks", db_constraint=False
    )
    number = models.PositiveIntegerField()
    chain = models.PositiveIntegerField(help_text="Number of the first track of this person.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    # Foot points packed by tracking.vision (time_ms, x, y as fractions of the frame).
    path = models.BinaryField()
    height_px = models.FloatField(default=0.0)
    confidence = models.FloatField(default=0.0)
    # Why it goes on the track before it in its chain, see `tracking.vision.events.Joint`.
    joint_apart = models.FloatField(null=True)
    joint_taller = models.FloatField(null=True)
    joint_unlike = models.FloatField(null=True)

    objects = scoped("run__store_id").as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="track_once"),
        ]
        # Who was followed in a span of time: tracks are written in the order they end.
        indexes: ClassVar = [models.Index(fields=["run", "ended_at"])]

    def __str__(self) -> str:
        return f"Track {self.number}"


class Customer(models.Model):
    """An anonymous person: an opaque id, when seen, how often."""

    public_id = models.UUIDField(unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="customers")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    visit_count = models.PositiveIntegerField(default=0)
    notes = models.TextField(blank=True)
    hidden = models.BooleanField(default=False)
    # Empty unless an administrator switches them on for the store with a written reason.
    demographics = models.JSONField(null=True, blank=True)
    face_encoding = models.BinaryField(null=True, blank=True)
    consent = models.JSONField(null=True, blank=True)

    objects = ScopedQuerySet["Customer"].as_manager()

    class Meta:
        ordering: ClassVar = ["-last_seen", "-id"]
        indexes: ClassVar = [models.Index(fields=["store", "-last_seen"])]

    def __str__(self) -> str:
        return f"Customer {str(self.public_id)[:8]}"


class Visit(models.Model):
    """From coming in to going out of one chain of tracks."""

    public_id = models.UUIDField(unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="visits")
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="visits", db_constraint=False
    )
    ordinal = models.PositiveIntegerField()
    chain = models.PositiveIntegerField()
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.SET_NULL, related_name="visits", db_constraint=False
    )
    entered_at = models.DateTimeField()
    exited_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    # [{"zone": public id, "entered_at": ISO, "left_at": ISO, "dwell_ms": int, "censored": bool}]
    path = models.JSONField(default=list, blank=True)
    inferred = models.BooleanField(default=False)
    staff = models.BooleanField(default=False)
    # Since when nothing is left of who it was, only what numbers are made of: `tracking.erasing`.
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Visit"].as_manager()

    class Meta:
        ordering: ClassVar = ["-entered_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "ordinal"], name="visit_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["store", "-entered_at"])]

    def __str__(self) -> str:
        return f"Visit {str(self.public_id)[:8]}"


class TrackingEvent(models.Model):
    """One fact: a crossing, a zone entered or left, a correction, a gap, a re-count."""

    class Kind(models.TextChoices):
        """What happened."""

        CROSSED = "crossed", "Crossed a line"
        ENTERED = "entered", "Came in"
        EXITED = "exited", "Went out"
        ZONE_ENTERED = "zone_entered", "Entered a zone"
        ZONE_LEFT = "zone_left", "Left a zone"
        CORRECTED = "corrected", "Corrected"
        OCCUPANCY_RESET = "occupancy_reset", "Occupancy reset"
        GAP = "gap", "Not seen"
        RECOUNTED = "recounted", "Counted again"

    public_id = models.UUIDField(unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="events")
    # Place in the store's feed; empty for events of a run that was not active when written.
    seq = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField()
    camera = models.ForeignKey(
        Camera, null=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    # What was counted is never deleted with the shape that counted it: shapes are ended instead.
    zone = models.ForeignKey(
        Zone, null=True, on_delete=models.RESTRICT, related_name="+", db_constraint=False
    )
    line = models.ForeignKey(
        CountingLine, null=True, on_delete=models.RESTRICT, related_name="+", db_constraint=False
    )
    direction = models.CharField(max_length=3, blank=True)
    run = models.ForeignKey(
        Run, null=True, on_delete=models.CASCADE, related_name="events", db_constraint=False
    )
    ordinal = models.PositiveIntegerField(null=True)
    track_number = models.PositiveIntegerField(null=True)
    visit = models.ForeignKey(
        Visit, null=True, on_delete=models.SET_NULL, related_name="events", db_constraint=False
    )
    # zone_left: when the stay began, how long it was, whether its start or end was not seen.
    since = models.DateTimeField(null=True, blank=True)
    dwell_ms = models.BigIntegerField(null=True, blank=True)
    censored = models.BooleanField(default=False)
    value = models.IntegerField(null=True, blank=True, help_text="Of a correction or a reset.")
    source = models.CharField(max_length=40, default="video")
    # Null where there is none, so that the unique rule meets only those that have one.
    client_key = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001
    is_demo = models.BooleanField(default=False)
    received_at = models.DateTimeField(default=clock.now)

    objects = ScopedQuerySet["TrackingEvent"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "ordinal"], name="event_once_per_run"),
            models.UniqueConstraint(
                fields=["store", "source", "client_key"], name="event_once_per_client_key"
            ),
            models.UniqueConstraint(fields=["store", "seq"], name="event_seq_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["store", "at"]),
            models.Index(fields=["camera", "at"]),
            # Stays of a run that no visit has, by chain. Without a value in the condition: SQLite
            # takes an index for a query only where no parameter has to be known for it.
            models.Index(
                fields=["run", "track_number"],
                condition=Q(visit=None, since__isnull=False),
                name="event_loose_stay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M:%S}"


class StoreSequence(models.Model):
    """A store's event counter, bumped inside the ledger's transaction (never a sequence)."""

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, related_name="sequence", primary_key=True
    )
    value = models.BigIntegerField(default=0)

    objects = ScopedQuerySet["StoreSequence"].as_manager()

    def __str__(self) -> str:
        return f"{self.store} at {self.value}"


class Coverage(models.Model):
    """A span that a camera really observed."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="coverage")
    run = models.ForeignKey(Run, null=True, on_delete=models.CASCADE, related_name="coverage")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = scoped("camera__store_id").as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["camera", "starts_at"]),
            # What counters outside told, which every span of a run is laid beside.
            models.Index(
                fields=["camera", "starts_at"], condition=Q(run=None), name="coverage_told"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "starts_at"], name="coverage_once_per_run"),
        ]

    def __str__(self) -> str:
        return f"{self.camera} {self.starts_at:%Y-%m-%d %H:%M:%S}"


class CameraWatch(models.Model):
    """How the following of one live camera goes; who follows it, and since when."""

    class State(models.TextChoices):
        """Whether pictures come."""

        STARTING = "starting", "Connecting"
        UP = "up", "Pictures come"
        DOWN = "down", "No pictures"
        OFF = "off", "Not followed"

    camera = models.OneToOneField(
        Camera, on_delete=models.CASCADE, related_name="watch", primary_key=True
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTING)
    since = models.DateTimeField(default=clock.now)
    # What is the matter in one word, and in plain words with what to do; never with the address.
    problem = models.CharField(max_length=40, blank=True)
    words = models.CharField(max_length=500, blank=True)
    last_picture_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    # Of the last minutes: pictures that came, were searched for people, and were left out; how
    # far counting is behind the present, and the share of a core that searching takes.
    came = models.PositiveIntegerField(default=0)
    processed = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)
    lag_ms = models.BigIntegerField(default=0)
    load = models.FloatField(default=0.0)
    # What the next chunk is made with, see `Chunk.gap_ms`, and when that was last changed.
    gap_ms = models.PositiveIntegerField(null=True, blank=True)
    gap_set_at = models.DateTimeField(null=True, blank=True)
    # How far the camera's clock had gone from ours when it was last put right, and when that was.
    clock_off_ms = models.BigIntegerField(default=0)
    clock_set_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = scoped("camera__store_id").as_manager()

    def __str__(self) -> str:
        return f"{self.camera}: {self.state}"


class KafkaLink(models.Model):
    """One topic that is read, or one store's feed that is written to one, and how that goes."""

    # in/TOPIC, or out/TOPIC/STORE.
    name = models.CharField(max_length=360, unique=True)
    topic = models.CharField(max_length=249)
    # Of a feed that is written; a topic that is read may tell of several stores.
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    # Out: the last event of the feed that the broker has confirmed.
    seq = models.BigIntegerField(default=0)
    messages = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0, help_text="Messages put aside with their reason.")
    # What is the matter, in plain words; empty while it works.
    problem = models.CharField(max_length=300, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["KafkaLink"].as_manager()

    def __str__(self) -> str:
        return self.name


class Recount(JobRow):
    """One re-count of a recording: its own place in the queue, afterwards why a number changed."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="recounts")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="recounts")
    old_run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    new_run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="recount")
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.WAITING)
    # What differs between the two maps, as parts of a sentence.
    changes = models.JSONField(default=list, blank=True)
    # {"old": {"entries", "exits", "visits", "stays"}, "new": {...}} once it is done.
    numbers = models.JSONField(default=dict, blank=True)
    # What the feed tells of it.
    event = models.OneToOneField(
        TrackingEvent, null=True, blank=True, on_delete=models.SET_NULL, related_name="recount"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="recounts",
    )  # fmt: skip
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Recount"].as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording"],
                condition=Q(state__in=("waiting", "working")),
                name="one_open_recount",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "id"])]

    def __str__(self) -> str:
        return f"Re-count of {self.recording}"


class RecountPart(models.Model):
    """The overlay of one chunk under a re-count, until the switch puts it in its place."""

    recount = models.ForeignKey(Recount, on_delete=models.CASCADE, related_name="parts")
    index = models.PositiveIntegerField()
    overlay = models.BinaryField(null=True, editable=False)

    objects = scoped("recount__store_id").as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["recount", "index"], name="recount_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.recount} part {self.index + 1}"


class SocketTicket(models.Model):
    """Lets one socket of one store in, once and soon; of its word only the hash is kept."""

    digest = models.CharField(max_length=64, primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    # The client's log-in, of whoever asked with a token: the socket ends with it.
    login = models.ForeignKey(ApiLogin, null=True, on_delete=models.CASCADE, related_name="+")
    # The hash of the person's log-ins as it was: with another password it is another.
    mark = models.CharField(max_length=64, editable=False)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = ScopedQuerySet["SocketTicket"].as_manager()

    def __str__(self) -> str:
        return f"Ticket of {self.user} until {self.expires_at:%H:%M:%S}"
