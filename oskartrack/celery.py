"""The Celery application: it rings the bell, the database row is the queue."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oskartrack.settings")

app = Celery("oskartrack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tracking", "analytics"])
