"""``manage.py restore FILE``: put a backup in the place of a stopped node's data folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.appliance import backup
from mondoshawan.appliance.folder import DataFolder


class Command(BaseCommand):
    """Nothing is changed unless the whole backup is good."""

    help = "Restore a backup into an empty data folder; --force moves a folder that is not empty aside."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which file, and what to do with what is there."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="move what is there aside")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore."""
        env = environment.current()
        folder = DataFolder.of(env)
        head = backup.restore(env, folder, options["file"].absolute(), self.stdout.write, force=options["force"])
        at = "" if head.number is None else f" at #{head.number}"
        self.stdout.write(f"{folder.root} is {head.network}{at}, as of {head.created}; `manage.py up` starts it")
