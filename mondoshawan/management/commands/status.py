"""``manage.py status``: what runs, since when, with how much memory."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.appliance import identity, status
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import table


class Command(BaseCommand):
    """Exit code 0 only when every process runs."""

    help = "Show each process of the node: state, pid, uptime and memory."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the table."""
        env = environment.current()
        folder = DataFolder.of(env)
        found = status.rows(folder)
        if found is None:
            self.stdout.write(f"the node of {folder.root} does not run")
            sys.exit(1)
        for line in status.render(found, table(env, folder, identity.resolve(env.run_as))):
            self.stdout.write(line)
        if not status.all_run(found):
            sys.exit(1)
