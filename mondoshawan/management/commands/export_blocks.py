"""``manage.py export_blocks FILE``: the chain as a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from chain.management.progress import Progress
from chain.services.export_blocks import export_blocks
from chain.services.writer import dedicated_connection
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """The node may run or not."""

    help = "Write blocks to a file that import_blocks of any node of the same network takes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, and which blocks."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--from-number", type=int, help="only blocks that the chain merged from this number on")
        parser.add_argument("--to-number", type=int, help="only blocks that the chain merged up to this number")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export and say how much it was."""
        with (
            lent_servers(environment.current()),
            closing(dedicated_connection()) as connection,
            Progress(sys.stderr, "export", "blocks") as progress,
        ):
            made = export_blocks(
                connection,
                options["file"],
                from_number=options["from_number"],
                to_number=options["to_number"],
                progress=progress.update,
            )
        self.stdout.write(f"{made.count} blocks, {made.path.stat().st_size} bytes in {made.path}")
