"""Fixtures of the tests of `tracking`."""

from tests.tracking.web import web

__all__ = ["web"]
