"""Events, visits and overlays as JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone as clock
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tracking.models import TrackingEvent, Visit
from tracking.recording_selectors import recount_text
from tracking.recording_serializers import CameraNameSerializer

_MILLISECOND = timedelta(milliseconds=1)


class LineNameSerializer(CameraNameSerializer):
    """A counting line by name."""


class ZoneNameSerializer(CameraNameSerializer):
    """A zone by name, with what draws it."""

    colour = serializers.IntegerField()
    kind = serializers.CharField()


class SwitchSerializer(serializers.Serializer[Any]):
    """One run in another's place, and why in plain words."""

    old = serializers.UUIDField()
    new = serializers.UUIDField()
    text = serializers.CharField()


class EventSerializer(serializers.Serializer[TrackingEvent]):
    """One event of a store's feed."""

    id = serializers.UUIDField(source="public_id")
    seq = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TrackingEvent.Kind.choices)
    at = serializers.DateTimeField()
    camera = CameraNameSerializer(allow_null=True)
    zone = ZoneNameSerializer(allow_null=True)
    line = LineNameSerializer(allow_null=True)
    direction = serializers.SerializerMethodField()
    dwell_s = serializers.SerializerMethodField()
    stay_s = serializers.SerializerMethodField()
    censored = serializers.BooleanField()
    value = serializers.IntegerField(allow_null=True)
    run = serializers.UUIDField(source="run.public_id", allow_null=True, default=None)
    recording = serializers.UUIDField(
        source="run.recording.public_id", allow_null=True, default=None
    )
    track = serializers.IntegerField(source="track_number", allow_null=True)
    media_ms = serializers.SerializerMethodField()
    superseded = serializers.SerializerMethodField()
    recount = serializers.SerializerMethodField()
    # Its name is taken by an attribute of every field; the declared ones go their own way.
    source = serializers.CharField()  # type: ignore[assignment]

    def get_direction(self, event: TrackingEvent) -> str | None:
        """Return "in", "out" or nothing."""
        return event.direction or None

    def get_dwell_s(self, event: TrackingEvent) -> float | None:
        """Return the length of a finished stay."""
        return seconds(event.dwell_ms)

    def get_stay_s(self, event: TrackingEvent) -> float | None:
        """Return the length of the visit that this exit closed."""
        if event.kind != TrackingEvent.Kind.EXITED or event.visit is None:
            return None
        return seconds(event.visit.duration_ms)

    def get_media_ms(self, event: TrackingEvent) -> int | None:
        """Return the event's place in its recording."""
        if event.run is None:
            return None
        return (event.at - event.run.recording.started_at) // _MILLISECOND

    def get_superseded(self, event: TrackingEvent) -> bool:
        """Tell whether another count of the recording, or none, has taken the event's place.

        That a recording was counted again stays true whatever follows.
        """
        if event.kind == TrackingEvent.Kind.RECOUNTED:
            return False
        return event.run is not None and not event.run.active

    @extend_schema_field(SwitchSerializer(allow_null=True))
    def get_recount(self, event: TrackingEvent) -> dict[str, Any] | None:
        """Return which run took which one's place, and why, for `recounted` of a re-count."""
        recount = getattr(event, "recount", None)
        if event.kind != TrackingEvent.Kind.RECOUNTED or recount is None:
            return None
        return {
            "old": str(recount.old_run.public_id),
            "new": str(recount.new_run.public_id),
            "text": recount_text(recount, recount.store.timezone, clock.now()),
        }


class EventsAnswerSerializer(serializers.Serializer[Any]):
    """A stretch of the feed."""

    as_of_seq = serializers.IntegerField()
    results = EventSerializer(many=True)
    more = serializers.BooleanField()


class StaySerializer(serializers.Serializer[Any]):
    """One stay in a zone during a visit."""

    zone = serializers.UUIDField()
    entered_at = serializers.DateTimeField()
    left_at = serializers.DateTimeField()
    dwell_s = serializers.FloatField()
    censored = serializers.BooleanField()


class VisitSerializer(serializers.Serializer[Visit]):
    """One visit: from coming in to going out."""

    id = serializers.UUIDField(source="public_id")
    entered_at = serializers.DateTimeField()
    exited_at = serializers.DateTimeField(allow_null=True)
    duration_s = serializers.SerializerMethodField()
    inferred = serializers.BooleanField()
    customer = serializers.UUIDField(source="customer.public_id", allow_null=True, default=None)
    recording = serializers.UUIDField(source="run.recording.public_id")
    run = serializers.UUIDField(source="run.public_id")
    stays = serializers.SerializerMethodField()

    def get_duration_s(self, visit: Visit) -> float | None:
        """Return how long the visit took; an inferred end says nothing about that."""
        return None if visit.inferred else seconds(visit.duration_ms)

    def get_stays(self, visit: Visit) -> list[dict[str, Any]]:
        """Return the zone stays of the visit in the order they ended."""
        return [
            {
                "zone": stay["zone"],
                "entered_at": stay["entered_at"].replace("+00:00", "Z"),
                "left_at": stay["left_at"].replace("+00:00", "Z"),
                "dwell_s": seconds(stay["dwell_ms"]),
                "censored": stay["censored"],
            }
            for stay in visit.path
        ]


class PersonSerializer(serializers.Serializer[Any]):
    """One followed person in a frame; the box as fractions of the frame."""

    track = serializers.IntegerField()
    box = serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4)


class OverlayFrameSerializer(serializers.Serializer[Any]):
    """The people in one frame."""

    time_ms = serializers.IntegerField()
    people = PersonSerializer(many=True)


class PictureSerializer(serializers.Serializer[Any]):
    """Where a pixelated picture is."""

    time_ms = serializers.IntegerField()
    url = serializers.CharField()


class OverlaySerializer(serializers.Serializer[Any]):
    """What to draw over a span of a recording."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()
    frames = OverlayFrameSerializer(many=True)
    pictures = PictureSerializer(many=True)
    trails = serializers.DictField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    )


def seconds(duration_ms: int | None) -> float | None:
    """Return milliseconds as seconds."""
    return None if duration_ms is None else duration_ms / 1000


class TrackEndsSerializer(serializers.Serializer[Any]):
    """Where the newest tracks began and ended: one start and one end a track."""

    starts = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    ends = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)


class SocketTicketSerializer(serializers.Serializer[Any]):
    """What opens a live socket once, and where."""

    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()
    path = serializers.CharField(help_text="Of the socket, on this host, with the ticket in it.")
