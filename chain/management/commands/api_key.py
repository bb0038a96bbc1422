"""``manage.py api_key``: keys for the operator's methods of the JSON-RPC."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chain.core.errors import BlockchainError
from chain.services import api_keys, audit


class Command(BaseCommand):
    """Create, change, list and revoke keys."""

    help = "Keys for JSON-RPC's operator methods: create NAME --scope mining, change NAME --rate 5, list, revoke NAME."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="make a key and print its secret, once")
        create.add_argument("name")
        create.add_argument("--scope", action="append", choices=api_keys.SCOPES, required=True, dest="scopes")
        create.add_argument("--days", type=int, help="until it expires; left out, it does not")
        create.add_argument("--rate", type=int, help="points a second; left out, the node's own limit holds")
        create.add_argument("--burst", type=int, help="points that it may spend at once after a rest")
        change = commands.add_parser("change", help="give a key other scopes or limits; what is left out stays")
        change.add_argument("name")
        change.add_argument("--scope", action="append", choices=api_keys.SCOPES, dest="scopes", help="all of them")
        change.add_argument("--rate", type=int, help="points a second; 0 is the node's own limit")
        change.add_argument("--burst", type=int, help="points at once; 0 is the node's own limit")
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
            elif options["action"] == "change":
                self._change(options)
            elif options["action"] == "revoke":
                api_keys.revoke_key(options["name"])
                self.stdout.write(f"{options['name']} is revoked")
            else:
                for key in api_keys.list_keys():
                    state = (
                        "revoked" if key.revoked_ms else f"until {_day(key.expires_ms)}" if key.expires_ms else "valid"
                    )
                    limits = f"{key.rate or '-'}/{key.burst or '-'}"
                    scopes = ",".join(key.scopes)
                    self.stdout.write(f"{key.name}\t{scopes}\t{limits}\t{_day(key.created_ms)}\t{state}")
        except BlockchainError as error:
            raise CommandError(str(error)) from None

    def _change(self, options: dict[str, Any]) -> None:
        name = options["name"]
        known = api_keys.find_key(name)
        # without such a key the service refuses, and the trail has it
        stays = {"scopes": known.scopes, "rate": known.rate, "burst": known.burst} if known else {}
        given = {field: stays.get(field) if options[field] is None else options[field] for field in stays}
        limits = {field: given.get(field) or None for field in ("rate", "burst")}
        api_keys.change_key(name, tuple(given.get("scopes") or ()), **limits)
        self.stdout.write(f"{name} is changed; running processes follow within seconds")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
