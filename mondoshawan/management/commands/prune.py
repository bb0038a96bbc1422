"""``manage.py prune``: let old bodies, receipts and states go, while the node runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand

from chain.core.errors import ConfigError
from chain.management.progress import Progress
from chain.services import audit
from chain.services.network import current_spec
from chain.services.prune import LEAST_KEPT, oldest_needed, prune
from chain.services.writer import dedicated_connection
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """May be killed at any moment; the next run goes on where it was."""

    help = "Delete bodies, receipts and old states below finality; headers and the newest states stay."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much to keep."""
        parser.add_argument(
            "--keep", type=int, help=f"blocks below finality that stay (at least {LEAST_KEPT}; default: MDS_PRUNE_KEEP)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune and report."""
        env = environment.current()
        keep = env.prune_keep if options["keep"] is None else options["keep"]
        if keep < LEAST_KEPT:
            raise ConfigError(
                "prune_keep",
                "this node is an archive" if options["keep"] is None else f"{keep} blocks are too few to keep",
                hint=f"name how many blocks below finality stay: --keep {10 * LEAST_KEPT}, at least {LEAST_KEPT}",
            )
        with (
            lent_servers(env),
            audit.by_command("chain.prune", f"keep {keep}"),
            closing(dedicated_connection()) as connection,
            Progress(sys.stderr, "prune", "epochs") as progress,
        ):
            done = prune(connection, current_spec(), keep, floor=oldest_needed(), progress=progress.update)
        if done.epochs:
            self.stdout.write(f"history up to #{done.horizon} is gone ({done.epochs} epochs, {done.rows} rows)")
        else:
            kept = "nothing was ever pruned" if done.horizon < 0 else f"history begins at #{done.horizon + 1}"
            self.stdout.write(f"nothing to prune: {kept}")
