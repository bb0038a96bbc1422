"""``manage.py backup``: database, keys and FORMAT in one file, while the node runs or not."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.appliance import backup
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """The file holds secret keys: it is readable by its owner only."""

    help = "Back up the node into a file that `restore` takes; pending transactions are not part of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("--output", type=Path, help="the file (default: a new one in the data folder's backup)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Back up and say where it is."""
        env = environment.current()
        folder = DataFolder.of(env)
        with lent_servers(env):
            path = options["output"] or backup.default_path(folder)
            head = backup.take_dump(env, folder, settings.DATABASES["default"], path.absolute())
        at = "" if head.number is None else f" at #{head.number}"
        self.stdout.write(f"{head.network}{at}: {path} ({path.stat().st_size} bytes)")
