"""The API against its own document: requests made up from it, answers held against it.

schemathesis makes the requests: the document's examples, every bound of every parameter and field
(inside and outside), and others by lot. Each is made as somebody of store A within a transaction
that is taken back, so that every request meets the same world. Ids that are made up lead nowhere:
most of them are changed for ids of the world.
"""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import hypothesis
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)

from accounts.models import Scope, User
from accounts.tokens import login_start

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
OFTEN, HALF = 0.75, 0.5
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

# What a parameter or a field that is called so leads to, of the names of the world.
LEADS_TO = {
    "recording": "recording_id", "camera": "camera_id", "zone": "zone_id", "client": "client_id",
    "line": "line_id", "upload": "upload_id", "basis": "basis", "from_zone": "zone_id",
    "to_zone": "zone_id",
}  # fmt: skip
MODES = [HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING]
# The tus protocol's own refusals: of another version (412), of a part without a length (411).
TUS = [400, 401, 403, 404, 405, 406, 409, 411, 412, 413, 415, 422]
# Left out, each with its reason; every other check of schemathesis holds for every operation.
CHECKS = {
    # A document of OpenAPI cannot say rules between fields (days that run forward, an outline that
    # does not cross itself, a name that is free), so not all that fits it can be taken.
    "positive_data_acceptance": {"enabled": False},
    "negative_data_rejection": {"expected-statuses": TUS},
    "missing_required_header": {"expected-statuses": TUS},
    # These follow what an answer made over several requests; here each is taken back at once.
    "use_after_free": {"enabled": False},
    "ensure_resource_availability": {"enabled": False},
}


@dataclass
class Findings:
    """What was asked, and what was wrong with the answers."""

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        statuses = ", ".join(
            f"{status}: {self.statuses[status]}" for status in sorted(self.statuses)
        )
        return (
            f"{self.asked.total()} requests to {len(self.asked)} operations ({statuses}), "
            f"{len(self.wrong)} kinds of failure"
        )


def document() -> dict[str, Any]:
    """Return the API's document as the server gives it."""
    generator: Any = SchemaGenerator()
    made: dict[str, Any] = generator.get_schema(request=None, public=True)
    return made


def operations(told: dict[str, Any], config: SchemathesisConfig) -> Iterator[Any]:
    """Yield every operation of a document, asked through the real application."""
    schema = schemathesis.openapi.from_dict(told, config=config)
    schema.app = get_wsgi_application()
    for result in schema.get_all_operations():
        yield result.ok()


def run(
    user: User, names: dict[str, Any], *, seed: int, examples: int, share: float = 1, only: str = ""
) -> Findings:
    """Ask every operation as somebody; return what was wrong.

    Parameters
    ----------
    examples : int
        So many requests by lot for each operation; those of bounds and examples come besides.
    share : float
        Of all these so many are made, drawn by lot.
    only : str
        Of operations whose name holds this alone.
    """
    # For everything, so that the views are reached, and long enough for the longest run.
    token = AccessToken(login_start(user=user, scopes=Scope.values).access)  # type: ignore[arg-type]
    token.set_exp(lifetime=timedelta(hours=12))
    # Uncompressed: what asks here is no browser.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    config = SchemathesisConfig.from_dict(
        {"seed": seed, "checks": CHECKS, "generation": {"max-examples": examples}}
    )
    found = Findings()
    with connection_kept():
        for operation in operations(document(), config):
            if only in operation.label:
                _ask(operation, names, headers, found, config, (seed, examples, share))
    return found


@contextmanager
def connection_kept() -> Iterator[None]:
    """Have requests leave the connection open in whose transaction they are made."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _ask(
    operation: Any, names: dict[str, Any], headers: dict[str, str], found: Findings,
    config: SchemathesisConfig, size: tuple[int, int, float],
) -> None:  # fmt: skip
    seed, examples, share = size
    lot = random.Random(f"{seed} {operation.label}")

    def check(case: Any) -> None:
        if lot.random() >= share:
            return
        lead(case, names, lot)
        with transaction.atomic():
            try:
                answer = case.call(headers=headers)
                found.asked[operation.label] += 1
                found.statuses[answer.status_code] += 1
                case.validate_response(answer, headers=headers)
            except (Failure, FailureGroup) as wrong:
                _note(found, operation.label, wrong)
            transaction.set_rollback(True)

    settings = hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )  # fmt: skip
    how = HypothesisTestConfig(
        project=config.projects.default, modes=MODES, settings=settings, seed=seed
    )
    create_test(operation=operation, test_func=check, config=how)()


def _note(found: Findings, label: str, wrong: Failure | FailureGroup) -> None:
    failures = wrong.exceptions if isinstance(wrong, FailureGroup) else (wrong,)
    for failure in failures:
        found.wrong.setdefault((label, failure.title), f"{failure.message}"[:1500])


def lead(case: Any, names: dict[str, Any], lot: random.Random) -> None:
    """Change made-up ids and days of a request for some of the world; most of them."""
    places: dict[str, Any] = case.path_parameters if isinstance(case.path_parameters, dict) else {}
    for name, value in list(places.items()):
        if name in names and _is_made_up(value):
            places[name] = str(names[name])
        elif name == "track" and isinstance(value, int):
            places[name] = names["track"]
    if isinstance(case.headers, dict) and lot.random() < OFTEN:
        case.headers.pop("If-Match", None)  # a state by lot is never the one that is there
    for part in (case.query, case.body):
        if isinstance(part, dict):
            _lead_part(part, names, lot)


def _lead_part(part: dict[str, Any], names: dict[str, Any], lot: random.Random) -> None:
    for name, value in list(part.items()):
        if name in LEADS_TO and isinstance(value, str) and (name == "basis" or _is_made_up(value)):
            if lot.random() < OFTEN:
                part[name] = str(names[LEADS_TO[name]])
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                if isinstance(one, dict):
                    _lead_part(one, names, lot)
    days = [part.get("from"), part.get("to")]
    if all(map(_is_a_day, days)) and lot.random() < HALF:
        part.update({"from": "2026-06-02", "to": "2026-07-01"})


def _is_a_day(value: Any) -> bool:
    """Tell whether it is a real one; what is wrong on purpose must stay so, to be refused."""
    try:
        return isinstance(value, str) and bool(DAY.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def _is_made_up(value: Any) -> bool:
    return isinstance(value, uuid.UUID) or (isinstance(value, str) and bool(UUID.fullmatch(value)))
