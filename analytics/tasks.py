"""Work of `analytics` that nobody waits for."""

from __future__ import annotations

from datetime import date

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone as clock
from kombu.exceptions import OperationalError

from accounts.models import Store
from analytics.heatmap import draw_behind
from analytics.insight_facts import facts_of
from analytics.insights import insights
from analytics.kpi_numbers import Period
from analytics.path_sums import paths_refresh
from analytics.proof import nights_plan, verifications_work
from analytics.summaries import fold_dirty
from analytics.wording import fetch_words
from zones.models import Camera

log = structlog.get_logger(__name__)

# Beat rings every minute: the worker is free for films two thirds of it.
VERIFY_FOR_S = 20


@shared_task(name="analytics.tasks.summaries_fold")
def summaries_fold() -> None:
    """Fold the business days that are behind their buckets; make path sums that are behind."""
    days = fold_dirty()
    stores = paths_refresh()
    if stores:
        log.info("paths_made", stores=stores)
    if days:
        log.info("summaries_folded", days=days)


@shared_task(name="analytics.tasks.verifications_advance")
def verifications_advance() -> None:
    """Ask for the days of stores whose night has come, and verify some of what is asked for."""
    nights_plan(clock.now())
    days = verifications_work(VERIFY_FOR_S)
    if days:
        log.info("days_verified", days=days)


def ring() -> None:
    """Have what is asked for worked soon; without a broker beat does so within a minute."""

    def send() -> None:
        try:
            verifications_advance.apply_async(retry=False)
        except OperationalError as error:
            log.warning("not_rung", task=verifications_advance.name, why=str(error))

    transaction.on_commit(send, robust=True)


@shared_task(name="analytics.tasks.insights_word")
def insights_word(store_id: int, first: str, last: str) -> None:
    """Fetch other words for the insights of some business days, where a service is set up."""
    store = Store.objects.filter(pk=store_id).first()
    if store is None:
        return
    period = Period(
        store, date.fromisoformat(first), date.fromisoformat(last), zone=None, now=clock.now()
    )
    fetch_words(insights(facts_of(period)).sentences)


@shared_task(name="analytics.tasks.heat_draw")
def heat_draw(camera_id: int, first: str, last: str) -> None:
    """Draw the days of a camera's heatmap that are behind."""
    camera = Camera.objects.select_related("store").filter(pk=camera_id).first()
    if camera is not None:
        days = draw_behind(camera, date.fromisoformat(first), date.fromisoformat(last))
        log.info("heat_drawn", camera=camera_id, days=days)
