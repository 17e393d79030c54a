"""Log lines: readable in a terminal, one JSON object each in production.

Every line carries what is bound at the moment: a request's id in the web process; in a worker the
task, the chunk or recording it works, and the id of the request that rang for it.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog

# Beat rings every five seconds: two lines for each would bury what matters. Daphne starts with
# what it lacks for HTTP/2, which a proxy in front of it speaks.
TOO_TALKATIVE = ("celery.worker.strategy", "celery.app.trace", "daphne.server")


def configure(*, as_json: bool) -> None:
    """Set up our own log lines and those of Django, Celery and the rest."""
    told: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False),
    ]
    structlog.configure(
        processors=[*told, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    if as_json:
        formatter = structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*told, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
        for handler in logging.getLogger().handlers:
            handler.setFormatter(formatter)
    for name in TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
