"""``manage.py import_blocks FILE``: blocks that ``export_blocks`` wrote, into this node."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from chain.management.progress import Progress
from chain.services import audit
from chain.services.import_blocks import import_blocks
from chain.services.writer import process_writer
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """A running node takes the blocks as they come; for a stopped one this command is the writer."""

    help = "Take the blocks of a file; known ones are passed over. Exit code 1 when some did not enter the DAG."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, and with how many processes."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--workers", type=int, help="processes that validate (default: the number of cores)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and report."""
        # what the writer does is told below
        logging.getLogger("chain").setLevel(logging.ERROR)
        with (
            lent_servers(environment.current()) as runs,
            audit.by_command("blocks.import", str(options["file"])),
            Progress(sys.stderr, "import", "blocks") as progress,
        ):
            drain = None if runs else process_writer().drain
            try:
                found = import_blocks(
                    options["file"], drain=drain, workers=options["workers"], progress=progress.update
                )
            finally:
                if not runs:
                    process_writer().close()
        self.stdout.write(f"{found.taken} of {found.count} blocks taken, {found.known} were known")
        for name, state, code in found.left[:20]:
            self.stdout.write(f"  0x{name.hex()} {state}: {code}")
        if found.left:
            self.stdout.write(f"{len(found.left)} did not enter the DAG")
            sys.exit(1)
