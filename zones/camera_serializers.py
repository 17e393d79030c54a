"""Cameras as JSON: what is drawn on them now, and what a manager may set."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_parts import StrictSerializer
from zones.detectors import detector_choices
from zones.models import Camera, CountingLine, Zone
from zones.serializers import MASKS_SCHEMA, PointField
from zones.sources import LONGEST_NAME, LONGEST_PASSWORD, LONGEST_TYPED, Told
from zones.watching import watch_of


class CameraZoneSerializer(serializers.ModelSerializer[Zone]):
    """A zone with the outline that holds now, as fractions of the frame."""

    id = serializers.UUIDField(source="public_id")
    vertices = serializers.SerializerMethodField()

    class Meta:
        model = Zone
        fields = ("id", "name", "kind", "colour", "vertices", "min_dwell_s", "grace_s")

    @extend_schema_field(serializers.ListField(child=PointField()))
    def get_vertices(self, zone: Any) -> list[list[float]]:
        """Return the corners."""
        corners: list[list[float]] = zone.open_versions[0].vertices
        return corners


class CameraLineSerializer(serializers.ModelSerializer[CountingLine]):
    """A counting line with the place that holds now; walked from a to b."""

    id = serializers.UUIDField(source="public_id")
    a = serializers.SerializerMethodField()
    b = serializers.SerializerMethodField()
    inside_side = serializers.SerializerMethodField()

    class Meta:
        model = CountingLine
        fields = ("id", "name", "kind", "a", "b", "inside_side")

    @extend_schema_field(PointField())
    def get_a(self, line: Any) -> list[float]:
        """Return the first end."""
        end: list[float] = line.open_versions[0].a
        return end

    @extend_schema_field(PointField())
    def get_b(self, line: Any) -> list[float]:
        """Return the second end."""
        end: list[float] = line.open_versions[0].b
        return end

    def get_inside_side(self, line: Any) -> str:
        """Return the hand on which the inside lies: right or left."""
        return str(line.open_versions[0].inside_side)


class CameraWatchSerializer(serializers.Serializer[Any]):
    """How the following of a live camera goes; pictures are those of the last five minutes."""

    state = serializers.CharField(
        help_text="`starting`, `up` while pictures come, `down` 15 s after the last, or `off`."
    )
    since = serializers.DateTimeField()
    problem = serializers.CharField(help_text="One word; empty while all is well.")
    words = serializers.CharField(help_text="The same in plain words, with what to do.")
    last_picture_at = serializers.DateTimeField(allow_null=True)
    lag_ms = serializers.IntegerField(help_text="How far counting is behind.")
    processed = serializers.IntegerField(help_text="Pictures that were searched for people.")
    dropped = serializers.IntegerField(help_text="Pictures that came and were not.")
    searched_every_ms = serializers.IntegerField(
        allow_null=True, help_text="Set while the machine is behind; null as usual."
    )


class CameraSerializer(serializers.ModelSerializer[Camera]):
    """A camera; its address is not among the fields and never will be."""

    id = serializers.UUIDField(source="public_id")
    has_source = serializers.SerializerMethodField()
    ignore_masks = serializers.SerializerMethodField()
    zones = serializers.SerializerMethodField()
    lines = serializers.SerializerMethodField()
    watch = serializers.SerializerMethodField()

    class Meta:
        model = Camera
        fields = (
            "id", "name", "detector", "clothing_colours", "final_count", "has_source",
            "source_kind", "recording", "keep_video_h", "ignore_masks", "zones", "lines",
            "watch",
        )  # fmt: skip

    def get_has_source(self, camera: Camera) -> bool:
        """Return whether an address is stored, which is all anyone may know."""
        return bool(camera.source)

    @extend_schema_field(MASKS_SCHEMA)
    def get_ignore_masks(self, camera: Camera) -> list[Any]:
        """Return the outlines in which nobody is looked for."""
        masks: list[Any] = camera.ignore_masks
        return masks

    @extend_schema_field(CameraZoneSerializer(many=True))
    def get_zones(self, camera: Any) -> list[dict[str, Any]]:
        """Return the zones that have an outline now."""
        drawn = [zone for zone in camera.zones.all() if zone.open_versions]
        return list(CameraZoneSerializer(drawn, many=True).data)

    @extend_schema_field(CameraLineSerializer(many=True))
    def get_lines(self, camera: Any) -> list[dict[str, Any]]:
        """Return the lines that have a place now."""
        drawn = [line for line in camera.lines.all() if line.open_versions]
        return list(CameraLineSerializer(drawn, many=True).data)

    @extend_schema_field(CameraWatchSerializer(allow_null=True))
    def get_watch(self, camera: Camera) -> dict[str, Any] | None:
        """Return how following it goes."""
        return watch_of(camera)


class SourceSerializer(serializers.Serializer[Told]):
    """Where a camera's pictures come from, without what is secret of it."""

    kind = serializers.ChoiceField(choices=Camera.SourceKind.choices)
    host = serializers.CharField(
        help_text="Host and port; `device:0` or `loop:name.mp4` where there is no network. Never "
        "a user name, a password or a path."
    )
    transport = serializers.ChoiceField(choices=Camera.Transport.choices)
    has_password = serializers.BooleanField()
    problem = serializers.CharField(
        help_text="Why what is kept cannot be used any more, and what to do; empty for nothing."
    )


class SourceWishSerializer(StrictSerializer):
    """A camera's address, as a whole: what was kept before goes with its password."""

    address = serializers.CharField(
        max_length=LONGEST_TYPED, write_only=True,
        help_text="rtsp://, rtsps://, http:// or https://, or device:0 for a USB camera; never "
        "told again.",
    )  # fmt: skip
    user_name = serializers.CharField(
        max_length=LONGEST_NAME, allow_blank=True, default="", write_only=True,
        help_text="Where it does not stand in the address.",
    )  # fmt: skip
    password = serializers.CharField(
        max_length=LONGEST_PASSWORD, allow_blank=True, default="", write_only=True,
        trim_whitespace=False, help_text="Never told again.",
    )  # fmt: skip
    transport = serializers.ChoiceField(
        choices=Camera.Transport.choices, required=False, help_text="Of RTSP; tcp unless said."
    )


@extend_schema_field(MASKS_SCHEMA)
class MasksField(serializers.JSONField):
    """Outlines that are sent; geometry says in words what is wrong with one."""


class CameraWishSerializer(StrictSerializer):
    """What a manager may set of a camera; the detector's own settings are for administrators."""

    name = serializers.CharField(max_length=80)
    # A field of this name is no trouble: fields leave the class before it is made.
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=LONGEST_TYPED, allow_blank=True, required=False, write_only=True,
        help_text="rtsp://, rtsps://, http:// or https://, or device:0 for a USB camera; never "
        "told again. Blank forgets it.",
    )  # fmt: skip
    recording = serializers.BooleanField(
        required=False, help_text="Whether the camera is followed: its pictures recorded."
    )
    keep_video_h = serializers.IntegerField(
        min_value=1, max_value=24 * 366, required=False,
        help_text="Hours that the camera's video is kept; the numbers stay.",
    )  # fmt: skip
    detector = serializers.CharField(
        max_length=40, required=False, help_text="One of those that this installation has."
    )
    final_count = serializers.ChoiceField(choices=Camera.FinalCount.choices, required=False)
    ignore_masks = MasksField(required=False)

    def validate_detector(self, name: str) -> str:
        """Refuse a detector that nobody may choose."""
        known = dict(detector_choices())
        if name not in known:
            told = ", ".join(sorted(known))
            raise serializers.ValidationError(f"There is no detector '{name}'; there are: {told}.")
        return name
