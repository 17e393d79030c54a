"""Changes of one store's data by lot, through every table it has and by every way in."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

from django.db import models

from accounts.models import AuditEntry, Membership, Store
from accounts.services import audit_record, membership_set
from analytics.models import Bucket
from analytics.sales import Sale, sales_take
from analytics.summaries import fold_dirty
from tests.access.canaries import MEANT_FOR_CODE, models_of_stores, rows_of
from tests.access.world import Half
from tests.analytics.shop import NINE_UTC, Shop, make_facts
from tests.cast import make_camera, make_line, make_user, make_zone
from tracking.corrections import occupancy_tell
from tracking.models import Recording, Upload

NUMBERS = (models.IntegerField, models.BigIntegerField, models.PositiveIntegerField)
# How much of one table a world changes at most.
ROWS = 40


def shake(half: Half, lot: random.Random) -> None:
    """Change a store's data: new facts, other people, other numbers, rows that are gone."""
    for change in lot.sample(CHANGES, lot.randint(2, len(CHANGES))):
        change(half, lot)
    fold_dirty()


def _facts(half: Half, lot: random.Random) -> None:
    shop = _shop(half, lot)
    begins = NINE_UTC + timedelta(hours=lot.randint(-48, 700))
    facts = make_facts(shop, begins, state=Recording.State.DONE)
    for _ in range(lot.randint(1, 30)):
        second = lot.uniform(0, 3000)
        facts.step(second, lot.choice(["in", "out"]))
        facts.stay(second, lot.uniform(1, 400), censored=lot.random() < 0.2)
        facts.visit(second, lot.uniform(1, 900))
    facts.seen(0, 3600)
    facts.commit()


def _shop(half: Half, lot: random.Random) -> Shop:
    camera = make_camera(half.store, f"Camera {lot.random()}")
    return Shop(half.store, camera, make_line(camera), make_zone(camera, f"Zone {lot.random()}"))


def _told(half: Half, lot: random.Random) -> None:
    at = NINE_UTC + timedelta(minutes=lot.randint(1, 40_000))
    kind = lot.choice(["corrected", "occupancy_reset"])
    how: dict[str, Any] = {"store": half.store, "user": half.manager}
    occupancy_tell(kind=kind, at=at, value=lot.randint(0, 90), now=at, **how)
    sales_take(sales=[Sale(at, lot.randint(1, 99), None, str(lot.random()))], source="till", **how)


def _people(half: Half, lot: random.Random) -> None:
    someone = make_user(f"someone-{lot.randrange(10**9)}")
    membership_set(user=someone, store=half.store, role=lot.choice(Membership.Role.values))
    audit_record(action="numbers.exported", actor=someone, store=half.store, subject="numbers")


def _calendar(half: Half, lot: random.Random) -> None:
    store = Store.objects.get(pk=half.store.pk)
    store.name = f"Shop {lot.random()}"
    store.timezone = lot.choice(["UTC", "Asia/Kolkata", "America/St_Johns"])
    store.opening_hours = {"mon": [["09:00", lot.choice(["12:00", "18:30"])]]}
    store.save(actor=half.manager)


def _files(half: Half, lot: random.Random) -> None:
    for state in lot.sample(Recording.State.values, 3):
        began = NINE_UTC + timedelta(days=lot.randint(40, 900))
        Recording.objects.create(
            store=half.store, camera=half.recording.camera, name=f"{lot.random()}.mp4",
            state=state, size_bytes=lot.randrange(10**9), started_at=began,
            ended_at=began + timedelta(hours=1),
        )  # fmt: skip
    size = lot.randrange(10**9)
    Upload.objects.create(
        store=half.store, filename=f"{size}.mp4", size_bytes=size, folder=uuid.uuid4().hex
    )


def _numbers(half: Half, lot: random.Random) -> None:
    """Change numbers and words of rows as they are stored, whatever they mean."""
    for model in lot.sample(list(models_of_stores()), 8):
        fields = [field for field in model._meta.fields if _may_change(model, field)]
        for row in rows_of(model, half.store).order_by("?")[: lot.randint(1, ROWS)]:
            if fields and model is not AuditEntry:
                field = lot.choice(fields)
                told: Any = lot.randint(0, 10_000) if isinstance(field, NUMBERS) else str(lot)
                told = told if isinstance(told, int) else f"{lot.random()}"[: field.max_length]
                rows_of(model, half.store).filter(pk=row.pk).update(**{field.name: told})


def _may_change(model: type[models.Model], field: Any) -> bool:
    name = f"{model._meta.app_label}.{model.__name__}.{field.name}"
    kept = {
        part.name if hasattr(part, "name") else part
        for rule in model._meta.constraints
        for part in getattr(rule, "fields", ())
    } | {"subject_id", "min_inside_s", "colour", "chunk_count", "next_chunk"}
    plain = isinstance(field, (*NUMBERS, models.CharField)) and not field.is_relation
    free = not field.choices and not field.unique and not field.primary_key
    return plain and free and name not in MEANT_FOR_CODE and field.name not in kept


def _gone(half: Half, lot: random.Random) -> None:
    """Remove what no other row hangs on."""
    loose: list[type[models.Model]] = [Bucket, Membership]
    loose += [model for model in models_of_stores() if model.__name__ in LOOSE]
    for model in loose:
        rows = rows_of(model, half.store)
        some = list(rows.order_by("pk").values_list("pk", flat=True))
        rows.filter(pk__in=lot.sample(some, lot.randint(0, len(some)))).delete()


LOOSE = {"AnalyticsSummary", "Transaction", "Coverage", "PathSum", "HeatDay", "Customer"}
CHANGES = [_facts, _told, _people, _calendar, _files, _numbers, _gone]
