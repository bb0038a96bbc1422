"""``manage.py init_chain``: make the database this network's, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chain.core.genesis import NETWORKS, network_genesis, network_spec
from chain.stores.connection import raw_connection
from chain.stores.genesis import initialise


class Command(BaseCommand):
    """Shard partitions, genesis block and state, identity; does nothing where that is done."""

    help = "Create the shard partitions and write genesis. Safe to repeat; refuses a database of another network."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The network may be named; the setting is the default."""
        parser.add_argument("--network", choices=NETWORKS, default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run once or find it done."""
        network: str = options["network"] or settings.MDS_NETWORK
        genesis = network_genesis(network)
        written = initialise(raw_connection(), network_spec(network), genesis)
        done = "genesis written" if written else "already there"
        self.stdout.write(f"{network} {genesis.hash.hex()}: {done}")
