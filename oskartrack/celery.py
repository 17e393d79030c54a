"""The Celery application: it rings the bell, the database row is the queue."""

import os
from typing import Any

import structlog
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oskartrack.settings")

app = Celery("oskartrack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tracking", "analytics"])

REQUEST_ID = "oskartrack_request_id"
# What the one argument of a task names.
ARGUMENTS = {
    "tracking.tasks.detect_chunk": "chunk",
    "tracking.tasks.advance_recording": "recording",
    "tracking.tasks.advance_recount": "recount",
}


@signals.beat_init.connect
def ring_anew(**_: Any) -> None:
    """Have work that was rung for before this start rung for again, at once."""
    from tracking import tasks

    tasks.ring_anew()


@signals.before_task_publish.connect
def take_request_id_along(headers: dict[str, Any], **_: Any) -> None:
    """Put the id of the request at hand on the message, for the worker's log lines."""
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers[REQUEST_ID] = request_id


@signals.task_prerun.connect
def bind_ids(task: Any, args: Any = (), **_: Any) -> None:
    """Put the task and what it works on every line that it logs."""
    structlog.contextvars.clear_contextvars()
    bound = {"task": task.name.rsplit(".", 1)[-1]}
    if (name := ARGUMENTS.get(task.name)) and args:
        bound[name] = args[0]
    # A message's own headers become the request's attributes; of a task run in place they do not.
    in_place = getattr(task.request, "headers", None) or {}
    if request_id := getattr(task.request, REQUEST_ID, None) or in_place.get(REQUEST_ID):
        bound["request_id"] = request_id
    structlog.contextvars.bind_contextvars(**bound)


@signals.task_postrun.connect
def forget_ids(**_: Any) -> None:
    """Let no line of what comes next carry them."""
    structlog.contextvars.clear_contextvars()
