"""``manage.py operator_password``: a way in for whoever has lost it and may run commands on this machine."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from admin_ui.services import first_run
from chain.core.errors import BlockchainError
from chain.services import audit
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """The password is printed once, and must be changed at the next login."""

    help = "Give a user of the web a new password, or restore the user `operator` as an admin."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("user", nargs="?", default=first_run.OPERATOR, help="name of the user (default: operator)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print it; the node may run or not."""
        name = options["user"]
        with lent_servers(environment.current()), audit.acting(audit.Actor(getpass.getuser(), "cli")):
            try:
                password = (
                    first_run.restore_operator() if name == first_run.OPERATOR else first_run.reset_password(name)
                )
            except BlockchainError as error:
                raise CommandError(str(error)) from None
        self.stdout.write(f"user {name}, password {password}")
