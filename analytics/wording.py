"""Insights in other words, by a chat service, where one is set up. Off by default.

The service gets the sentences of the rules, with placeholders for names, and so nothing but sums:
no event, no id, nobody's words. A worker asks it, never a request; until its answer is there, and
wherever that says anything but our numbers in our order, the rules' own sentences are shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from analytics.chat import NoAnswer, Service, chat
from analytics.insights import Insight
from analytics.kpi_numbers import Period
from analytics.wording_check import objection

log = structlog.get_logger(__name__)

TIMEOUT_S = 20.0
KEEP_S = 7 * 24 * 3600
# A day that goes on has new numbers all the time, and a failure may pass: ask once in so long.
ASK_AGAIN_S = 300
TASK = "analytics.tasks.insights_word"

SYSTEM = (
    "You put sentences about a shop's visitor numbers into friendly plain English for its owner. "
    "You get JSON: a list of sentences, each with its rule and its text. Reword each text on its "
    "own. Keep its meaning, keep every number as it is written, in the same order, and add none, "
    "neither in digits nor in words. Keep placeholders such as [zone A] as they are. Give no "
    "advice, links or markup. Answer with JSON alone: "
    '{"sentences": [{"rule": "...", "text": "..."}]}'
)


def service() -> Service | None:
    """Return the service that is set up, or None."""
    if not settings.INSIGHTS_URL:
        return None
    return Service(settings.INSIGHTS_URL, settings.INSIGHTS_MODEL, settings.INSIGHTS_KEY)


def worded(period: Period, sentences: list[Insight]) -> tuple[list[Insight], str | None]:
    """Return the sentences in the service's words and who it is; else as they are, and None.

    It never waits: where no words are kept yet a worker is asked to fetch them.
    """
    asked = service()
    if asked is None or not sentences:
        return sentences, None
    try:
        kept = cache.get(_kept_under(asked, sentences))
        if kept is None:
            _ask_for(period)
    except (RedisError, OSError):
        kept = None
    if not kept:
        return sentences, None
    return [replace(each, template=kept[each.rule]) for each in sentences], asked.name


def _ask_for(period: Period) -> None:
    """Have a worker fetch the words, unless that was asked for lately."""
    which = (period.store.pk, period.first.isoformat(), period.last.isoformat())
    if not cache.add("insights-asked:" + ":".join(map(str, which)), 1, ASK_AGAIN_S):
        return
    transaction.on_commit(lambda: _send(which), robust=True)


def _send(which: tuple[int, str, str]) -> None:
    from analytics.tasks import insights_word

    try:
        insights_word.apply_async(which, retry=False)
    except OperationalError as error:
        log.warning("not_rung", task=TASK, id=which[0], why=type(error).__name__)


def fetch_words(sentences: list[Insight]) -> bool:
    """Ask the service and keep its words if they say what ours say; return whether they do."""
    asked = service()
    if asked is None or not sentences:
        return False
    try:
        said = chat(asked, _question(sentences), TIMEOUT_S)
        templates = _templates(said)
    except NoAnswer as failure:
        log.warning("insights_not_worded", why=str(failure))
        return False
    if why := _objection(sentences, templates):
        log.warning("insights_not_worded", why=why)
        return False
    cache.set(_kept_under(asked, sentences), templates, KEEP_S)
    return True


def _question(sentences: Sequence[Insight]) -> list[dict[str, str]]:
    told = [{"rule": each.rule, "text": each.template} for each in sentences]
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": json.dumps({"sentences": told}, ensure_ascii=False)},
    ]


def _templates(said: str) -> dict[str, str]:
    """Return the service's text for each rule."""
    try:
        bare = said.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
        told = json.loads(bare)["sentences"]
        templates = {each["rule"]: each["text"].strip() for each in told}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NoAnswer("no sentences") from None
    return templates


def _objection(sentences: Sequence[Insight], templates: dict[str, Any]) -> str:
    if templates.keys() != {each.rule for each in sentences}:
        return "other rules than were asked for"
    for each in sentences:
        if why := objection(each, templates[each.rule]):
            return f"{each.rule}: {why}"
    return ""


def _kept_under(asked: Service, sentences: Sequence[Insight]) -> str:
    """Return the cache's key: the words fit these very templates, whoever's shop it is."""
    told = [asked.name, *(part for each in sentences for part in (each.rule, each.template))]
    return "insights:" + hashlib.sha256(json.dumps(told).encode()).hexdigest()
