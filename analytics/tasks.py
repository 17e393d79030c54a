"""Work of `analytics` that nobody waits for."""

from __future__ import annotations

import structlog
from celery import shared_task

from analytics.summaries import fold_dirty

log = structlog.get_logger(__name__)


@shared_task(name="analytics.tasks.summaries_fold")
def summaries_fold() -> None:
    """Fold the business days that are behind their buckets."""
    days = fold_dirty()
    if days:
        log.info("summaries_folded", days=days)
