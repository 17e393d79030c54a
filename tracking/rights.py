"""Whoever loses a right loses their sockets: every web process is told to look again.

It is a hint like the others. What is lost on the way, and what is changed past the models (a
bulk update, another program), is found by the look that every web process takes by itself.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from accounts.models import Membership, User
from tracking import live

# Saved with every log-in, and nobody's right.
NO_RIGHT = {"last_login"}


def watch() -> None:
    """Listen to what changes who may hear what; called once, when the applications are ready."""
    for model in (Membership, User):
        post_save.connect(_saved, sender=model, dispatch_uid=f"sockets.{model.__name__}")
        post_delete.connect(_lost, sender=model, dispatch_uid=f"sockets.{model.__name__}")
    user_logged_out.connect(_lost, dispatch_uid="sockets.log-out")


def _lost(**_: Any) -> None:
    transaction.on_commit(live.look_again, robust=True)


def _saved(*, created: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    if not created and (update_fields is None or set(update_fields) - NO_RIGHT):
        _lost()
