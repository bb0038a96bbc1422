"""``manage.py metrics_docs``: the table of metrics, generated from the code."""

from __future__ import annotations

from chain.management.commands._document import DocumentCommand
from mondoshawan.metrics.document import document


class Command(DocumentCommand):
    """Prints, writes or compares it."""

    page = "docs/operations/metrics.md"

    def text(self) -> str:
        """Every metric."""
        return document()
