"""People, stores and who belongs where."""

from __future__ import annotations

import uuid
from datetime import time
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone as clock
from django.utils.crypto import salted_hmac

from accounts.opening_hours import (
    STEP_MINUTES,
    opening_hours_problems,
    special_days_problems,
)
from accounts.scope import ScopedQuerySet
from accounts.signals import calendar_changed
from accounts.timezones import validate_timezone

# What says which local day and hour an instant belongs to, and whether the shop is open then.
CALENDAR = ("timezone", "business_day_start", "opening_hours", "special_days")
LOG_INS = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
APPEND_ONLY = "The audit log is append-only: an entry is never changed or removed."


class User(AbstractUser):
    """A person who logs in."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Raised when every token and socket of this person must die, as after a password change.
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    @property
    def shown_name(self) -> str:
        """What colleagues read: the full name, else the one to log in with."""
        return self.get_full_name() or self.get_username()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what every log-in of this person carries: dies with the password, and by will.

        Django's own hash, with the moment of the last log-out everywhere in it.
        """
        told = self.password + (self.revoked_at.isoformat() if self.revoked_at else "")
        return str(salted_hmac(LOG_INS, told, secret=secret, algorithm="sha256").hexdigest())

    def clean(self) -> None:
        """Refuse an e-mail that someone else has or logs in with: it would open no one's door."""
        super().clean()
        others = User.objects.exclude(pk=self.pk)
        if self.email and others.filter(Q(email__iexact=self.email) | Q(username=self.email)):
            raise ValidationError({"email": f"Someone else already uses '{self.email}'."})
        if "@" in self.username and others.filter(email__iexact=self.username):
            raise ValidationError({"username": f"'{self.username}' is someone else's e-mail."})


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
    special_days = models.JSONField(
        default=dict,
        blank=True,
        help_text="Date to spans and a name; these replace the hours of the weekday.",
    )
    business_day_start = models.TimeField(default=time(4, 0))
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = StoreQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, actor: User | None = None, **kwargs: Any) -> None:
        """Write the store; in the same transaction tell whoever counts by its calendar.

        Parameters
        ----------
        actor : User, optional
            Who changes it, for the audit log.
        """
        with transaction.atomic():
            before = self._calendar_stored()
            super().save(*args, **kwargs)
            fields: Any = self._meta
            after = {name: fields.get_field(name).to_python(getattr(self, name)) for name in before}
            changed = {name: (before[name], after[name]) for name in after}
            changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
            if changed:
                calendar_changed.send(Store, store=self, changed=changed, actor=actor)

    def clean(self) -> None:
        """Refuse opening hours that no clock could follow, with the way out."""
        if problems := opening_hours_problems(self.opening_hours):
            raise ValidationError({"opening_hours": problems})
        if problems := special_days_problems(self.special_days, self.opening_hours):
            raise ValidationError({"special_days": problems})
        start: object = self.business_day_start
        if isinstance(start, time) and (start.minute % STEP_MINUTES or start.second):
            words = f"A business day starts in steps of {STEP_MINUTES} minutes, got {start}."
            raise ValidationError({"business_day_start": words})

    def _calendar_stored(self) -> dict[str, Any]:
        """Return the calendar that holds until now, kept from others until the transaction ends."""
        held = Store.objects.select_for_update(no_key=True).filter(pk=self.pk)
        return held.values(*CALENDAR).first() or {}


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


class Scope(models.TextChoices):
    """What a token of the API may be used for; its owner's role decides beyond that."""

    READ = "read", "look"
    INGEST = "ingest", "send in counts, sales and recordings"
    MANAGE = "manage", "change things"


class ApiLogin(models.Model):
    """One log-in of a client of the API: every token that came of it lives and dies with it."""

    class Ended(models.TextChoices):
        """Why none of its tokens is good any more."""

        CLIENT = "client", "by its client"
        PERSON = "person", "by you"
        REUSED = "reused", "a token was used twice"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_logins")
    client_name = models.CharField(max_length=60, blank=True)
    # As in the tokens: words with blanks between.
    scope = models.CharField(max_length=60)
    # The one refresh token that is good: whoever changes this first is the one that used it.
    refresh_id = models.CharField(max_length=64)
    # The owner's hash of log-ins when it was made.
    mark = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=10, choices=Ended.choices, blank=True)

    class Meta:
        ordering: ClassVar = ["-used_at", "-id"]

    def __str__(self) -> str:
        return self.client_name or "a client without a name"

    @property
    def scopes(self) -> list[str]:
        """What its tokens may be used for."""
        return self.scope.split()

    @property
    def words(self) -> str:
        """The same in words."""
        told = [Scope(word).label for word in self.scopes]
        return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))


class AuditQuerySet(ScopedQuerySet["AuditEntry"]):
    """Entries that can be read and added to, never changed or removed."""

    def update(self, **_values: object) -> int:
        """Refuse."""
        raise ValidationError(APPEND_ONLY)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise ValidationError(APPEND_ONLY)


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

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the entry once; a second save is refused."""
        if not self._state.adding:
            raise ValidationError(APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise ValidationError(APPEND_ONLY)


class KeptAnswer(models.Model):
    """What a write with an `Idempotency-Key` was answered, for 24 hours."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    # A hash of method, address and body: the same key with another of these is refused.
    told = models.CharField(max_length=64)
    path = models.CharField(max_length=300)
    # Whose managers may be told the answer again; empty where it was of no store.
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    objects = ScopedQuerySet["KeptAnswer"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="answer_kept_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.key}"
