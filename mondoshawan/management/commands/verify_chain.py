"""``manage.py verify_chain``: does everything stored follow from the blocks and from genesis?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand

from chain.management.progress import Progress
from chain.services.network import current_genesis, current_spec
from chain.services.verify import verify_chain
from chain.services.writer import dedicated_connection
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """Exit code 1 when something differs; the node may run meanwhile."""

    help = "Execute the whole chain again from genesis and compare every block, epoch, receipt and account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to leave out and when to stop."""
        parser.add_argument("--skip-seals", action="store_true", help="leave the proofs of work of A and B unchecked")
        parser.add_argument("--limit", type=int, default=10, help="stop after so many differences (default 10)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and report."""
        with (
            lent_servers(environment.current()),
            closing(dedicated_connection()) as connection,
            Progress(sys.stderr, "verify", "blocks") as progress,
        ):
            found = verify_chain(
                connection,
                current_spec(),
                current_genesis(),
                seals=not options["skip_seals"],
                limit=options["limit"],
                progress=progress.update,
            )
        for difference in found.differences:
            self.stdout.write(str(difference))
        counts = f"{found.blocks} blocks, {found.epochs} epochs, {found.transactions} transactions"
        if found.differences:
            more = "" if found.complete else "; stopped there, more may differ"
            plural = "" if len(found.differences) == 1 else "s"
            self.stdout.write(f"{len(found.differences)} difference{plural}{more} ({counts})")
            sys.exit(1)
        if found.horizon is not None:
            self.stdout.write(
                f"history up to #{found.horizon} was pruned: headers checked from genesis, states and bodies from there"
            )
        self.stdout.write(f"good: {counts}, sink #{found.number} 0x{found.sink.hex()}")
