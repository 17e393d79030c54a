"""App registry entry of `tracking`."""

from typing import Any

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """The `tracking` room."""

    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the map which detectors a camera may name; watch who loses a right."""
        from zones.detectors import register_detectors

        register_detectors(_detector_names, _detector_choices, _detector_problem)
        from zones.watching import register_watch

        register_watch(_watch_told)
        from tracking.rights import watch

        watch()


# Imported when asked: it loads OpenCV, which most processes never need.
def _detector_names() -> list[str]:
    from tracking import detectors

    return detectors.names()


def _detector_choices() -> list[tuple[str, str]]:
    from tracking import detectors

    return detectors.choices()


def _detector_problem(name: str, how: dict[str, Any]) -> str:
    from tracking import detectors

    return detectors.problem(name, how)


def _watch_told(camera: Any) -> dict[str, Any] | None:
    from tracking import cameras

    return cameras.watch_told(camera)
