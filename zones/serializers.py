"""A camera's map as JSON: what is drawn, what was drawn, and what a person wants drawn."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_parts import StrictSerializer
from zones.geometry import MAX_MASKS, MAX_VERTICES, MIN_VERTICES
from zones.maps import CameraMap, Moment
from zones.models import CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.palette import PALETTE

# More than anyone can tell apart on one picture, and a bound for what one save may cost.
ZONES_AT_MOST, LINES_AT_MOST = 60, 30
LONGEST_S = 86_400
NO_NAME = "Null: nobody, a program did, or they are gone."


class PointField(serializers.ListField):
    """A point [x, y] as fractions of the frame."""

    child = serializers.FloatField()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_length": 2, "max_length": 2, **options})


POINT_SCHEMA = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "maximum": 1},
    "minItems": 2,
    "maxItems": 2,
}
OUTLINE_SCHEMA = {
    "type": "array",
    "items": POINT_SCHEMA,
    "minItems": MIN_VERTICES,
    "maxItems": MAX_VERTICES,
}
MASKS_SCHEMA = {"type": "array", "items": OUTLINE_SCHEMA, "maxItems": MAX_MASKS}


@extend_schema_field(POINT_SCHEMA)
class PlaceField(serializers.JSONField):
    """A point that is sent; geometry says in words what is wrong with one."""


@extend_schema_field(OUTLINE_SCHEMA)
class OutlineField(serializers.JSONField):
    """An outline that is sent; geometry says in words what is wrong with one."""


class DrawnZoneSerializer(serializers.Serializer[Any]):
    """A zone with an outline of it, as fractions of the frame."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Zone.Kind.choices)
    colour = serializers.IntegerField()
    vertices = serializers.ListField(child=PointField())
    min_dwell_s = serializers.FloatField()
    grace_s = serializers.FloatField()


class DrawnLineSerializer(serializers.Serializer[Any]):
    """A counting line with a place of it; walked from a to b."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CountingLine.Kind.choices)
    a = PointField()
    b = PointField()
    inside_side = serializers.ChoiceField(choices=CountingLineVersion.Side.choices)
    band = serializers.FloatField()


class EndedZoneSerializer(DrawnZoneSerializer):
    """A zone that ended, with its last outline."""

    ended_at = serializers.DateTimeField()


class EndedLineSerializer(DrawnLineSerializer):
    """A line that ended, with its last place."""

    ended_at = serializers.DateTimeField()


class MomentSerializer(serializers.Serializer[Any]):
    """A change of the map, and all that was drawn from then on."""

    at = serializers.DateTimeField()
    changes = serializers.ListField(child=serializers.CharField())
    by = serializers.ListField(
        child=serializers.CharField(), help_text="Who did it; nobody where a program did."
    )
    zones = DrawnZoneSerializer(many=True)
    lines = DrawnLineSerializer(many=True)


class MapCameraSerializer(serializers.Serializer[Any]):
    """The camera, and where its picture without people is."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    still = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_still(self, camera: Any) -> str | None:
        """Return the address of the picture, None where there is none yet."""
        return reverse("camera-still", args=[camera.public_id]) if camera.still else None


class MapSerializer(serializers.Serializer[Any]):
    """A camera's map; `basis` names its state and is sent back with a change."""

    camera = MapCameraSerializer()
    basis = serializers.CharField()
    zones = DrawnZoneSerializer(many=True)
    lines = DrawnLineSerializer(many=True)
    ended_zones = EndedZoneSerializer(many=True)
    ended_lines = EndedLineSerializer(many=True)
    history = MomentSerializer(many=True)


class ZoneWishSerializer(StrictSerializer):
    """A zone as it is to be; without an id a new one."""

    id = serializers.UUIDField(required=False, allow_null=True)
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=Zone.Kind.choices)
    colour = serializers.IntegerField(min_value=1, max_value=len(PALETTE), required=False)
    vertices = OutlineField()
    min_dwell_s = serializers.FloatField(min_value=0, max_value=LONGEST_S, required=False)
    grace_s = serializers.FloatField(min_value=0, max_value=LONGEST_S, required=False)


class LineWishSerializer(StrictSerializer):
    """A counting line as it is to be; without an id a new one."""

    id = serializers.UUIDField(required=False, allow_null=True)
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=CountingLine.Kind.choices)
    a = PlaceField()
    b = PlaceField()
    inside_side = serializers.ChoiceField(choices=CountingLineVersion.Side.choices)
    band = serializers.FloatField(min_value=0, max_value=0.2, required=False)


class MapWishSerializer(StrictSerializer):
    """Every shape that is to hold from now on; what is left out ends."""

    basis = serializers.CharField(max_length=40)
    zones = serializers.ListField(child=ZoneWishSerializer(), max_length=ZONES_AT_MOST)
    lines = serializers.ListField(child=LineWishSerializer(), max_length=LINES_AT_MOST)


class ShapeSerializer(serializers.Serializer[Any]):
    """What a zone and a line by themselves tell besides what is drawn."""

    camera = serializers.UUIDField(source="camera.public_id")
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was ended; null while it counts."
    )


class ZoneSerializer(ShapeSerializer, DrawnZoneSerializer):
    """A zone by itself, with its outline of now, or its last."""


class LineSerializer(ShapeSerializer, DrawnLineSerializer):
    """A counting line by itself, with its place of now, or its last."""


class SignedSerializer(serializers.Serializer[Any]):
    """Who drew a version and who ended it."""

    drawn_by = serializers.CharField(
        source="drawn_by.shown_name", allow_null=True, read_only=True, help_text=NO_NAME
    )
    ended_by = serializers.CharField(
        source="ended_by.shown_name", allow_null=True, read_only=True, help_text=NO_NAME
    )


class ZoneVersionSerializer(SignedSerializer):
    """An outline of a zone, and when it held."""

    vertices = serializers.ListField(child=PointField())
    valid_from = serializers.DateTimeField(allow_null=True, help_text="Null: since ever.")
    valid_to = serializers.DateTimeField(allow_null=True, help_text="Null: it holds now.")
    created_at = serializers.DateTimeField()


class LineVersionSerializer(SignedSerializer):
    """A place of a line, and when it held."""

    a = PointField()
    b = PointField()
    inside_side = serializers.ChoiceField(choices=CountingLineVersion.Side.choices)
    band = serializers.FloatField()
    valid_from = serializers.DateTimeField(allow_null=True, help_text="Null: since ever.")
    valid_to = serializers.DateTimeField(allow_null=True, help_text="Null: it holds now.")
    created_at = serializers.DateTimeField()


class NewZoneSerializer(ZoneWishSerializer):
    """A zone to be drawn."""

    id = None  # type: ignore[assignment]  # it gets its own


class NewLineSerializer(LineWishSerializer):
    """A counting line to be drawn."""

    id = None  # type: ignore[assignment]  # it gets its own


def map_json(found: CameraMap) -> dict[str, Any]:
    """Return a camera's map as its serializer wants it, as JSON."""
    told = {
        "camera": found.camera,
        "basis": found.basis,
        "zones": [drawn_zone(*pair) for pair in found.zones],
        "lines": [drawn_line(*pair) for pair in found.lines],
        "ended_zones": [drawn_zone(*pair) for pair in found.ended_zones],
        "ended_lines": [drawn_line(*pair) for pair in found.ended_lines],
        "history": [_moment(moment) for moment in found.history],
    }
    return dict(MapSerializer(told).data)


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "at": moment.at,
        "changes": moment.changes,
        "by": moment.by,
        "zones": [drawn_zone(*pair) for pair in moment.zones],
        "lines": [drawn_line(*pair) for pair in moment.lines],
    }


def drawn_zone(zone: Zone, version: ZoneVersion) -> dict[str, Any]:
    """Return a zone with an outline of it, as its serializer wants it."""
    return {
        "id": zone.public_id,
        "name": zone.name,
        "kind": zone.kind,
        "colour": zone.colour,
        "vertices": version.vertices,
        "min_dwell_s": zone.min_dwell_s,
        "grace_s": zone.grace_s,
        "ended_at": version.valid_to,
    }


def drawn_line(line: CountingLine, version: CountingLineVersion) -> dict[str, Any]:
    """Return a line with a place of it, as its serializer wants it."""
    return {
        "id": line.public_id,
        "name": line.name,
        "kind": line.kind,
        "a": version.a,
        "b": version.b,
        "inside_side": version.inside_side,
        "band": version.band,
        "ended_at": version.valid_to,
    }
