"""``manage.py reindex``: the explorer's read models anew from the chain."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand

from chain.management.progress import Progress
from chain.services import audit
from explorer.indexers import internal
from explorer.indexers.rebuild import ALL_NAMES, check_names, rebuild
from explorer.indexers.sync import open_connection
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """The node may run; one that does follows the chain's other projections meanwhile."""

    help = "Empty the explorer's projections and build them again from the chain."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, and from where."""
        known = f"one of {', '.join(ALL_NAMES)}; all if none"
        parser.add_argument("--projection", action="append", default=[], metavar="NAME", help=known)
        parser.add_argument("--resume", action="store_true", help="go on where a rebuild was broken off")
        parser.add_argument("--force", action="store_true", help="also where the chain's history is pruned")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild and say how far."""
        names = check_names(options["projection"])
        started = time.monotonic()
        with (
            lent_servers(environment.current()),
            audit.by_command("index.rebuild", ", ".join(names)),
            closing(open_connection()) as connection,
            Progress(sys.stderr, "reindex", "blocks") as progress,
        ):
            number = rebuild(
                connection, names, resume=options["resume"], force=options["force"], progress=progress.update
            )
        rebuilt = ", ".join([name for name in names if name != internal.NAME])
        if rebuilt:
            self.stdout.write(f"{rebuilt} at #{number} after {time.monotonic() - started:.1f} s")
        if internal.NAME in names and not options["resume"]:
            self.stdout.write("internal calls are forgotten: the running node traces them again, behind the others")
