"""``manage.py prepare``: what ``up`` does to the database before the processes start.

Prints progress on standard error and one JSON object on standard output for ``up``.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.appliance import hooks, keys, postgres
from mondoshawan.appliance.folder import DataFolder

OPERATOR = "operator"


class Command(BaseCommand):
    """Safe to repeat: each step does only what is missing."""

    help = "Create the database, migrate it, initialise the chain, create the operator."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps in order."""
        env = environment.current()
        folder = DataFolder.of(env)
        if not env.database_url:
            postgres.ensure_database(folder, keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or "")
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        if "init_chain" in get_commands():
            call_command("init_chain", stdout=self.stderr)
        genesis = hooks.genesis_hash()
        if genesis is not None:
            folder.record_genesis(genesis)
        report = {"operator_password": self._operator(env.operator_password), "notes": hooks.notes()}
        self.stdout.write(json.dumps(report))

    def _operator(self, password: str) -> str | None:
        """Create the operator where there is no superuser; the password if it was made here, else None."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return None
        made = None if password else secrets.token_urlsafe(12)
        users.create_superuser(OPERATOR, password=password or made)
        return made
