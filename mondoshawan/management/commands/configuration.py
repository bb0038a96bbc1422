"""``manage.py configuration``: the table of variables, generated from the code."""

from __future__ import annotations

from chain.management.commands._document import DocumentCommand
from mondoshawan import env as environment


class Command(DocumentCommand):
    """Prints, writes or compares it."""

    page = "docs/operations/configuration.md"

    def text(self) -> str:
        """Every variable."""
        return environment.document()
