"""``manage.py error_docs``: docs/errors.md from the error tree and its catalogue."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mondoshawan import env as environment
from mondoshawan import error_page

DOCUMENT = environment.PROJECT_ROOT / "docs" / "errors.md"


class Command(BaseCommand):
    """Prints the document, writes it, or says whether the written one is up to date."""

    help = "Print docs/errors.md; --write writes it, --check compares it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--write`` or ``--check``."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--write", action="store_true")
        group.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the option says."""
        text = error_page.document()
        if options["write"]:
            DOCUMENT.write_text(text)
        elif options["check"]:
            if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
                self.stderr.write(f"{DOCUMENT} is out of date: manage.py error_docs --write")
                sys.exit(1)
        else:
            self.stdout.write(text, ending="")
