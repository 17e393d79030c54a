"""Makes the account that a newcomer logs in with."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User

PASSWORD_VARIABLE = "OSKARTRACK_DEMO_PASSWORD"  # noqa: S105 - a variable's name


class Command(BaseCommand):
    help = f"Make the demo administrator where it is missing; the password is {PASSWORD_VARIABLE}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="demo", help="log-in name, default demo")

    def handle(self, *, name: str, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo account is an administrator that everybody knows by name: not in "
                "production. Set OSKARTRACK_DEMO=false and make your own with "
                "'manage.py createsuperuser'."
            )
        if User.objects.filter(username=name).exists():
            return  # its password may have been changed since, and stays so
        password = os.environ.get(PASSWORD_VARIABLE)
        if not password:
            raise CommandError(f"Set {PASSWORD_VARIABLE} to the password the account shall have.")
        User.objects.create_superuser(username=name, password=password)
        self.stdout.write(f"Account {name} made.")
