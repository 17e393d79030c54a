"""Wiring: settings, addresses, processes."""

from oskartrack.celery import app as celery_app

__all__ = ["celery_app"]
