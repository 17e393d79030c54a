"""People, stores and who belongs where."""

from __future__ import annotations

import uuid
from datetime import time
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone as clock

from accounts.scope import ScopedQuerySet
from accounts.timezones import validate_timezone


class User(AbstractUser):
    """A person who logs in."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Raised when every token and socket of this person must die (password change, log-out everywhere).
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)


class StoreQuerySet(ScopedQuerySet["Store"]):
    """Stores reach their own primary key."""

    store_path = "id"


class Store(models.Model):
    """A shop: the tenant that every other row belongs to."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    opening_hours = models.JSONField(
        default=dict,
        blank=True,
        help_text='Weekday to spans: {"mon": [["09:00", "18:00"]]}. Empty means always open.',
    )
    business_day_start = models.TimeField(default=time(4, 0))
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = StoreQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in a store."""

    class Role(models.TextChoices):
        """What a member may do."""

        VIEWER = "viewer", "Viewer"
        MANAGER = "manager", "Manager"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    objects = ScopedQuerySet["Membership"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "store"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.store} ({self.role})"


class AuditEntry(models.Model):
    """One line of the append-only audit log."""

    at = models.DateTimeField(default=clock.now, db_index=True)
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    objects = ScopedQuerySet["AuditEntry"].as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action} {self.subject}"

    def save(self, *args: object, **kwargs: object) -> None:
        """Write the entry once; a second save is refused."""
        if self.pk is not None:
            raise ValidationError("The audit log is append-only: an entry is never changed.")
        super().save(*args, **kwargs)  # type: ignore[arg-type]
