"""Uploads and recordings as JSON, and what a person says to make one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_parts import StrictSerializer
from tracking.models import JobState, Recording, Upload
from tracking.problems import Problem, known
from tracking.recording_selectors import STAGES, RecordingFacts

ISO_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


def in_seconds(milliseconds: int) -> float:
    """Return milliseconds as the seconds that the API speaks."""
    return milliseconds / 1000


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field[datetime, Any, str, Any]):
    """An instant with its offset from UTC; an hour that a clock shows twice is never guessed."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the instant in UTC, or refuse with the reason."""
        if not isinstance(data, str) or not 10 <= len(data) <= 40:
            raise Problem("started_at_malformed")
        try:
            said = datetime.fromisoformat(data.strip())
            if said.tzinfo is None or not ISO_OFFSET.search(data.strip()):
                raise Problem("offset_required")
            return said.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Problem("started_at_malformed") from error

    def to_representation(self, value: datetime) -> str:
        """Return the instant as ISO 8601 in UTC with Z."""
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class RecordingWishSerializer(StrictSerializer):
    """What a person says of an upload."""

    upload = serializers.UUIDField()
    camera = serializers.UUIDField()
    started_at = InstantField(required=False, help_text="ISO 8601 with an offset; required.")
    on_overlap = serializers.ChoiceField(["refuse", "replace"], default="refuse")
    on_duplicate = serializers.ChoiceField(["refuse", "count_again"], default="refuse")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for the start in our own words: it is never taken to be now."""
        if "started_at" not in attrs:
            raise Problem("started_at_required")
        return attrs


class FaultSerializer(serializers.Serializer[Any]):
    """What went wrong and what to do."""

    code = serializers.CharField()
    what = serializers.CharField()
    next_step = serializers.CharField()
    retry = serializers.BooleanField()


class UploadSerializer(serializers.Serializer[Any]):
    """An upload; what the file says of itself comes once it is complete."""

    id = serializers.UUIDField(source="upload.public_id")
    filename = serializers.CharField(source="upload.filename")
    size_bytes = serializers.IntegerField(source="upload.size_bytes")
    offset_bytes = serializers.IntegerField(source="upload.offset_bytes")
    complete = serializers.SerializerMethodField()
    suggested_started_at = serializers.SerializerMethodField()
    suggestion_reason = serializers.SerializerMethodField()
    duration_s = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField()

    def get_complete(self, told: dict[str, Any]) -> bool:
        """Return whether the last byte is here."""
        upload: Upload = told["upload"]
        return upload.completed_at is not None

    def get_suggested_started_at(self, told: dict[str, Any]) -> datetime | None:
        """Return when the file says it was made."""
        suggestion = told.get("suggestion")
        return suggestion[0].astimezone(UTC) if suggestion else None

    def get_suggestion_reason(self, told: dict[str, Any]) -> str | None:
        """Return where the suggestion comes from."""
        suggestion = told.get("suggestion")
        return suggestion[1] if suggestion else None

    def get_duration_s(self, told: dict[str, Any]) -> float | None:
        """Return how long the video says it is."""
        checked = told.get("checked")
        return in_seconds(checked.declared_ms) if checked and checked.kind == "video" else None

    def get_kind(self, told: dict[str, Any]) -> str | None:
        """Return video or image."""
        return told["checked"].kind if "checked" in told else None

    def get_problem(self, told: dict[str, Any]) -> dict[str, Any] | None:
        """Return why the file cannot be used."""
        refused = told.get("problem")
        if refused is None:
            return None
        reason = known(refused.code)
        return {
            "code": refused.code,
            "what": reason.what.format(**refused.values),
            "next_step": reason.next_step.format(**refused.values),
            "retry": reason.retry,
        }


class RoomSerializer(serializers.Serializer[Any]):
    """What a store uses of what it may use, and why work pauses."""

    used_bytes = serializers.IntegerField()
    limit_bytes = serializers.IntegerField()
    uploads = serializers.IntegerField()
    most_uploads = serializers.IntegerField()
    waiting = serializers.IntegerField()
    most_waiting = serializers.IntegerField()
    paused = serializers.CharField(allow_blank=True, help_text="Why work pauses; blank if not.")


class CameraNameSerializer(serializers.Serializer[Any]):
    """Which camera."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()


class ChunkCountsSerializer(serializers.Serializer[Any]):
    """How many parts stand where."""

    done = serializers.IntegerField()
    working = serializers.IntegerField()
    total = serializers.IntegerField()
    broken = serializers.IntegerField()


class RunSerializer(serializers.Serializer[Any]):
    """The count on show."""

    id = serializers.UUIDField(source="public_id")
    mode = serializers.CharField()
    detector = serializers.CharField()
    detector_title = serializers.CharField()
    detector_note = serializers.CharField()
    model = serializers.CharField()
    model_sha256 = serializers.CharField()
    threshold = serializers.FloatField(allow_null=True)
    next_chunk = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    final_left_out = serializers.CharField(
        help_text="Why it was not counted once more with the whole recording known; blank if it "
        "was, or was not to be."
    )


class CountsSerializer(serializers.Serializer[Any]):
    """What one count of a recording says."""

    entries = serializers.IntegerField()
    exits = serializers.IntegerField()
    visits = serializers.IntegerField()
    stays = serializers.IntegerField()


class RecountSerializer(serializers.Serializer[Any]):
    """The newest re-count in plain words: what is going on, or why a number changed."""

    state = serializers.ChoiceField(JobState.choices)
    text = serializers.CharField()
    progress = serializers.FloatField()
    changes = serializers.ListField(child=serializers.CharField())
    old = CountsSerializer(allow_null=True)
    new = CountsSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RecordingSerializer(serializers.Serializer[RecordingFacts]):
    """A recording as its store's members see it; of where its file lies nothing is said."""

    id = serializers.UUIDField(source="recording.public_id")
    name = serializers.CharField(source="recording.name")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field of that name is meant
        Recording.Source.choices, source="recording.source"
    )
    camera = CameraNameSerializer(source="recording.camera")
    state = serializers.ChoiceField(Recording.State.choices, source="recording.state")
    state_text = serializers.CharField()
    paused = serializers.CharField(allow_blank=True, help_text="Why it does not go on just now.")
    progress = serializers.FloatField()
    stage = serializers.ChoiceField(STAGES)
    chunks = ChunkCountsSerializer()
    started_at = serializers.DateTimeField(source="recording.started_at")
    ended_at = serializers.DateTimeField(source="recording.ended_at")
    declared_s = serializers.SerializerMethodField()
    decoded_s = serializers.SerializerMethodField()
    size_bytes = serializers.IntegerField(source="recording.size_bytes")
    video_kept = serializers.SerializerMethodField()
    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    visits = serializers.IntegerField(allow_null=True)
    people_in_picture = serializers.IntegerField(allow_null=True)
    speed = serializers.FloatField(allow_null=True)
    eta_s = serializers.FloatField(allow_null=True)
    error = FaultSerializer(allow_null=True)
    is_demo = serializers.BooleanField(source="recording.is_demo")
    created_at = serializers.DateTimeField(source="recording.created_at")
    finished_at = serializers.DateTimeField(source="recording.finished_at", allow_null=True)
    run = RunSerializer(allow_null=True)
    recount = RecountSerializer(allow_null=True)

    def get_video_kept(self, facts: RecordingFacts) -> bool:
        """Return whether the file and its pictures are still stored."""
        return bool(facts.recording.folder)

    def get_declared_s(self, facts: RecordingFacts) -> float:
        """Return how long the file says it is."""
        return in_seconds(facts.recording.declared_ms)

    def get_decoded_s(self, facts: RecordingFacts) -> float:
        """Return how much of it was read."""
        return in_seconds(facts.recording.decoded_ms)
