"""App registry entry of `tracking`."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """The `tracking` room."""

    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the map which detectors a camera may name."""
        from zones.detectors import register_detectors

        register_detectors(_detector_names)


def _detector_names() -> list[str]:
    # Imported when asked: it loads OpenCV, which most processes never need.
    from tracking.vision.detectors.registry import available

    return [detector.name for detector in available()]
