"""``manage.py metrics_docs``: the table of metrics, generated from the code."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mondoshawan import env as environment
from mondoshawan.metrics.document import document

DOCUMENT = environment.PROJECT_ROOT / "docs" / "operations" / "metrics.md"


class Command(BaseCommand):
    """Prints the document, writes it, or says whether the written one is up to date."""

    help = "Print docs/operations/metrics.md; --write writes it, --check compares it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--write`` or ``--check``."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--write", action="store_true")
        group.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the option says."""
        text = document()
        if options["write"]:
            DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
            DOCUMENT.write_text(text)
        elif options["check"]:
            if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
                self.stderr.write(f"{DOCUMENT} is out of date: manage.py metrics_docs --write")
                sys.exit(1)
        else:
            self.stdout.write(text, ending="")
