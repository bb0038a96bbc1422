"""``manage.py api_key``: keys for the operator's methods of the JSON-RPC."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.core.errors import BlockchainError
from chain.services import api_keys, audit


class Command(BaseCommand):
    """Create, list and revoke keys."""

    help = "Keys for the operator's JSON-RPC methods: create NAME --scope mining, list, revoke NAME."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="make a key and print its secret, once")
        create.add_argument("name")
        create.add_argument("--scope", action="append", choices=api_keys.SCOPES, required=True, dest="scopes")
        create.add_argument("--days", type=int, help="until it expires; left out, it does not")
        create.add_argument("--rate", type=int, help="points a second; left out, the node's own limit holds")
        create.add_argument("--burst", type=int, help="points that it may spend at once after a rest")
        commands.add_parser("list", help="names, scopes and times; never secrets")
        revoke = commands.add_parser("revoke", help="end a key at once")
        revoke.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say in one line why not."""
        with audit.acting(audit.Actor(getpass.getuser(), "cli")):
            self._handle(options)

    def _handle(self, options: dict[str, Any]) -> None:
        try:
            if options["action"] == "create":
                limits = {"rate": options["rate"], "burst": options["burst"]}
                scopes = tuple(options["scopes"])
                self.stdout.write(api_keys.create_key(options["name"], scopes, options["days"], **limits))
            elif options["action"] == "revoke":
                api_keys.revoke_key(options["name"])
                self.stdout.write(f"{options['name']} is revoked")
            else:
                for key in api_keys.list_keys():
                    state = (
                        "revoked" if key.revoked_ms else f"until {_day(key.expires_ms)}" if key.expires_ms else "valid"
                    )
                    self.stdout.write(f"{key.name}\t{','.join(key.scopes)}\t{_day(key.created_ms)}\t{state}")
        except BlockchainError as error:
            raise CommandError(str(error)) from None


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
