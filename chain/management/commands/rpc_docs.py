"""``manage.py rpc_docs``: docs/rpc.md from the registry of methods."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.rpc import app  # noqa: F401 - registers the methods
from chain.rpc.openrpc import markdown


class Command(BaseCommand):
    """Print, write or check the document."""

    help = "Print docs/rpc.md; --write writes it, --check compares it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do with it."""
        parser.add_argument("--write", action="store_true")
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        document = settings.BASE_DIR / "docs" / "rpc.md"
        if options["check"]:
            if not document.exists() or document.read_text() != markdown():
                raise CommandError("docs/rpc.md is not current: run manage.py rpc_docs --write")
        elif options["write"]:
            document.write_text(markdown())
        else:
            self.stdout.write(markdown())
