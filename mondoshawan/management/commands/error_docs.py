"""``manage.py error_docs``: docs/errors.md from the error tree and its catalogue."""

from __future__ import annotations

from chain.management.commands._document import DocumentCommand
from mondoshawan import error_page


class Command(DocumentCommand):
    """Prints, writes or compares it."""

    page = "docs/errors.md"

    def text(self) -> str:
        """Every error."""
        return error_page.document()
