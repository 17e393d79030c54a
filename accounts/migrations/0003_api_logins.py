"""Log-ins of API clients, in place of lists of tokens."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

WHY = [("client", "by its client"), ("person", "by you"), ("reused", "a token was used twice")]


class Migration(migrations.Migration):
    """A table for them; those of tokens, which held each in full, are dropped."""

    dependencies: ClassVar = [("accounts", "0002_special_days")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ApiLogin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("client_name", models.CharField(blank=True, max_length=60)),
                ("scope", models.CharField(max_length=60)),
                ("refresh_id", models.CharField(max_length=64)),
                ("mark", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("used_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_why", models.CharField(blank=True, choices=WHY, max_length=10)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_logins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-used_at", "-id"]},
        ),
        # Nobody could be deleted to whom one of their rows points.
        migrations.RunSQL(
            "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken", migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            "DROP TABLE IF EXISTS token_blacklist_outstandingtoken", migrations.RunSQL.noop
        ),
    ]
