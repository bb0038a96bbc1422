"""``manage.py rebuild_state``: repair the current state, or everything that follows from the blocks."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand

from chain.core.errors import ConfigError
from chain.management.progress import Progress
from chain.services import audit
from chain.services.network import current_genesis, current_spec
from chain.services.rebuild import rebuild_by_execution, rebuild_from_versions
from chain.services.writer import dedicated_connection
from mondoshawan import env as environment
from mondoshawan.appliance.offline import lent_servers


class Command(BaseCommand):
    """The node must be stopped; a failure changes nothing."""

    help = "Make current rows and lattices anew from the versions, or with --re-execute everything from the blocks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How thorough."""
        parser.add_argument("--re-execute", action="store_true", help="execute every block again from genesis")
        parser.add_argument(
            "--drop-damaged", action="store_true", help="with --re-execute: leave out damaged blocks and their children"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild and say what was wrong."""
        with lent_servers(environment.current()) as runs:
            if runs:
                raise ConfigError("already_running", "the node runs", hint="stop it first")
            how = "by execution" if options["re_execute"] else "from versions"
            with audit.by_command("state.rebuild", how), closing(dedicated_connection()) as connection:
                if not options["re_execute"]:
                    made = rebuild_from_versions(connection, current_spec())
                    self.stdout.write(
                        f"good at #{made.number}: {made.rows} rows and {made.lattices} lattices were wrong"
                    )
                    return
                with Progress(sys.stderr, "rebuild", "blocks") as progress:
                    made = rebuild_by_execution(
                        connection,
                        current_spec(),
                        current_genesis(),
                        drop_damaged=options["drop_damaged"],
                        progress=progress.update,
                    )
        self.stdout.write(f"good at #{made.number}: {made.blocks} blocks executed, {len(made.dropped)} left out")
        for name, code in made.dropped[:20]:
            self.stdout.write(f"  0x{name.hex()} {code}")
