"""What a report of an error shows, with OSKARTRACK_DEBUG on too: no password, whoever sees it."""

from __future__ import annotations

from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class WithoutSecrets(SafeExceptionReporterFilter):
    """Hides what functions mark as secret, and everything that a write brings along.

    Django's own filter does nothing while DEBUG is on, and hides the variables of marked functions
    alone: those of Django itself, which hold a form on its way there, would be shown.
    """

    def is_active(self, request: HttpRequest | None) -> bool:  # noqa: ARG002  # Django's
        """Return that it always is."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """Return the names of the fields of a form, without what was typed into them."""
        told = super().get_post_parameters(request)
        return dict.fromkeys(told, self.cleansed_substitute)

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> Any:
        """Return the variables of a function, without their values where a write was answered."""
        if request is not None and request.method not in SAFE:
            return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]
        return super().get_traceback_frame_variables(request, tb_frame)
