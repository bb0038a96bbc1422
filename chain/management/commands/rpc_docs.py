"""``manage.py rpc_docs``: docs/rpc.md from the registry of methods."""

from __future__ import annotations

from chain.management.commands._document import DocumentCommand
from chain.rpc import app  # noqa: F401 - registers the methods
from chain.rpc.openrpc import markdown


class Command(DocumentCommand):
    """Prints, writes or compares it."""

    page = "docs/rpc.md"

    def text(self) -> str:
        """Every method."""
        return markdown()
