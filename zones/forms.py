"""Admin forms of the map: shapes as JSON, checked in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils import timezone as clock
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_variables

from accounts.json_parser import TOO_DEEP, is_too_deep
from zones.detectors import detector_choices
from zones.geometry import line_problems, polygon_problems
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.palette import PALETTE
from zones.services import source_asked
from zones.sources import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    LONGEST_TYPED,
    Kept,
    source_keep,
    source_told,
)

if TYPE_CHECKING:
    _CameraForm: TypeAlias = forms.ModelForm[Camera]
    _ZoneForm: TypeAlias = forms.ModelForm[Zone]
    _CountingLineForm: TypeAlias = forms.ModelForm[CountingLine]
else:
    _CameraForm = _ZoneForm = _CountingLineForm = forms.ModelForm


DETECTOR_HELP = (
    "What finds the people in the pictures. Automatic takes NanoDet where it is installed "
    "(make model does that), HOG where it is not."
)
SETTINGS_HELP = (
    "{} for what suits most. A model of your own is named here, by its file in the folder of "
    'models and by how it answers: {"model": "shop.onnx", "family": "yolov8"}; families are '
    "yolox, yolov8, detr and rtdetr. The file is tried when you save."
)
MASKS_HELP = (
    "Where nobody is ever seen to stand: posters, mirrors, screens. A list of outlines, each as "
    "corners in fractions of the picture, x to the right, y down: "
    "[[[0.1, 0.9], [0.5, 0.1], [0.9, 0.9]]]. Whose feet are inside one is left out."
)


SOURCE_HELP = (
    "rtsp://, rtsps://, http:// or https://, or device:0 for a USB camera of this machine. It goes "
    "in and is never shown again. Empty for a camera of added files."
)
TYPED = ("address", "user_name", "password")


class ShallowJSONField(forms.JSONField):
    """JSON that is not nested too deeply to be checked, drawn and stored."""

    def to_python(self, value: Any) -> Any:
        """Read it; Django's own field passes on what Python says of endless brackets."""
        try:
            told = super().to_python(value)
        except RecursionError as error:
            raise ValidationError(TOO_DEEP) from error
        if is_too_deep(told):
            raise ValidationError(TOO_DEEP)
        return told

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what the form shows again, which is what was typed where it cannot be read."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class PointsField(ShallowJSONField):
    """Points as JSON; what is no JSON is refused in words, the rest is geometry's to judge."""

    default_error_messages = {
        "invalid": "This is no list such as [[0.1, 0.9], [0.5, 0.1], [0.9, 0.9]]. "
        "Check the brackets and commas."
    }
    # An empty list is an answer, and a wrong one; geometry says so.
    empty_values = [None, ""]


class CameraForm(_CameraForm):
    """A camera whose address goes in and never comes out again."""

    address = forms.CharField(
        required=False,
        max_length=LONGEST_TYPED,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )
    user_name = forms.CharField(
        label="User name",
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
        help_text="Where it does not stand in the address. A new address never takes the old name "
        "and password along.",
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    forget_source = forms.BooleanField(label="Forget the address", required=False)

    class Meta:
        model = Camera
        fields = (
            "store",
            "name",
            "transport",
            "recording",
            "keep_video_h",
            "detector",
            "final_count",
            "clothing_colours",
            "detector_settings",
            "ignore_masks",
        )
        field_classes = dict.fromkeys(("detector_settings", "ignore_masks"), ShallowJSONField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["detector"].widget = forms.Select(choices=self._detectors())
        self.fields["detector"].help_text = DETECTOR_HELP
        self.fields["detector_settings"].help_text = SETTINGS_HELP
        self.fields["ignore_masks"].help_text = MASKS_HELP
        # How the source is kept from now on; None for as it is.
        self.kept: Kept | None = None
        self.fields["address"].help_text = _source_words(self.instance)

    def _detectors(self) -> list[tuple[str, str]]:
        """Return what there is to choose from, with what the camera says already."""
        there = detector_choices()
        said = self.instance.detector
        return there if said in dict(there) else [*there, (said, said)]

    def clean(self) -> dict[str, Any]:
        """Keep the stored address where none was typed; nothing typed is nothing set."""
        cleaned = super().clean() or self.cleaned_data
        for field, nothing in (("detector_settings", {}), ("ignore_masks", [])):
            if field in cleaned and cleaned[field] is None:
                cleaned[field] = nothing
        if not set(TYPED) & set(self.errors):
            self._read_source(cleaned)
        return cleaned

    @sensitive_variables()
    def _read_source(self, cleaned: dict[str, Any]) -> None:
        """Judge what was typed; nothing typed keeps what is stored, and a tick forgets it."""
        address, name, word = (cleaned.get(each, "") for each in TYPED)
        if cleaned.get("forget_source") and not (address or name or word):
            self.kept = Kept()
        elif address or name or word:
            try:
                self.kept = source_asked(address, user_name=name, password=word, field="address")
            except ValidationError as refused:
                self.add_error(None, refused)
        if self.kept is not None:
            source_keep(self.instance, self.kept)


def _source_words(camera: Camera) -> str:
    """Return what is said beside the address: what is stored, without anything secret."""
    if camera.source_kind == Camera.SourceKind.FILES:
        return SOURCE_HELP
    told = source_told(camera)
    password = "with a password" if told.has_password else "without a password"
    stored = f"An address is stored: {told.host}, {password}. Leave this empty to keep it."
    return f"{stored} {told.problem}".strip()


def swatch(place: int) -> str:
    """Return a colour of the palette as a square and its place, as HTML."""
    return format_html('<span class="sw z{}"></span> {}', place, place)


class ZoneForm(_ZoneForm):
    """A zone with the outline that holds now."""

    colour = forms.TypedChoiceField(
        coerce=int,
        choices=[(place, swatch(place)) for place in range(1, len(PALETTE) + 1)],
        widget=forms.RadioSelect(attrs={"class": "radiolist inline"}),
        initial=1,
        help_text="How it is drawn, on pages and on the picture.",
    )
    vertices = PointsField(
        label="Vertices",
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="Corners as fractions of the picture, x to the right, y down: "
        "[[0.1, 0.9], [0.5, 0.1], [0.9, 0.9]]. A change makes a new version from now on.",
    )

    class Meta:
        model = Zone
        fields = ("camera", "name", "kind", "colour", "min_dwell_s", "grace_s", "min_inside_s")
        labels = {
            "min_dwell_s": "Shortest stay",
            "grace_s": "Grace",
            "min_inside_s": "Entered after",
        }
        help_texts = {
            "min_dwell_s": "Seconds. Shorter stays are people walking through.",
            "grace_s": "Seconds outside that do not yet end a stay.",
            "min_inside_s": "Seconds inside before someone counts as having entered.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current = _open_version(self.instance)
        if isinstance(self.current, ZoneVersion):
            self.initial["vertices"] = self.current.vertices

    def clean(self) -> dict[str, Any]:
        """Check the outline."""
        cleaned = super().clean() or self.cleaned_data
        if "vertices" in cleaned:
            name = str(cleaned.get("name", ""))
            for problem in polygon_problems(cleaned["vertices"], name):
                self.add_error("vertices", problem)
        _check_redrawable(self, {"vertices"})
        return cleaned


class LineForm(_CountingLineForm):
    """A counting line with the place that holds now."""

    a = PointsField(label="From", help_text="One end as fractions of the picture: [0.2, 0.6].")
    b = PointsField(label="To", help_text="The other end: [0.8, 0.6].")
    inside_side = forms.ChoiceField(
        label="Inside is on the",
        choices=CountingLineVersion.Side.choices,
        help_text="For someone walking from the first end to the second.",
    )
    band = forms.FloatField(
        min_value=0,
        max_value=0.2,
        initial=0.012,
        help_text="Half width of the strip in which jitter counts nothing, "
        "as a fraction of the picture's height.",
    )
    place = ("a", "b", "inside_side", "band")

    class Meta:
        model = CountingLine
        fields = ("camera", "name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current = _open_version(self.instance)
        if self.current is not None:
            self.initial.update({field: getattr(self.current, field) for field in self.place})

    def clean(self) -> dict[str, Any]:
        """Check the ends."""
        cleaned = super().clean() or self.cleaned_data
        if "a" in cleaned and "b" in cleaned:
            name = str(cleaned.get("name", ""))
            for problem in line_problems(cleaned["a"], cleaned["b"], name):
                self.add_error(None, problem)
        _check_redrawable(self, set(self.place))
        return cleaned


def _open_version(shape: Zone | CountingLine) -> ZoneVersion | CountingLineVersion | None:
    return shape.versions.filter(valid_to=None).first() if shape.pk else None


def _check_redrawable(form: ZoneForm | LineForm, fields: set[str]) -> None:
    """Refuse to redraw a shape whose present version only starts in the future."""
    starts = form.current.valid_from if form.current else None
    if starts and starts > clock.now() and fields & set(form.changed_data):
        form.add_error(
            None,
            ValidationError(
                f"The shape drawn for {starts:%Y-%m-%d %H:%M} UTC is still to come. "
                "Wait until then, or redraw it with a later time."
            ),
        )
