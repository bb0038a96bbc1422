"""``manage.py keys``: the development accounts, whose keys everybody knows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from chain.core.errors import ConfigError
from chain.services.dev_accounts import MNEMONIC, dev_accounts
from chain.services.network import current_spec


class Command(BaseCommand):
    """For a devnet only."""

    help = "Print the development accounts of a devnet with their keys. Never send real money to them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each account."""
        network = current_spec().network
        if network != "devnet":
            raise ConfigError(
                "devnet_only",
                f"{network} has no development accounts",
                hint="set MDS_NETWORK=devnet, or bring a wallet",
            )
        for account in dev_accounts():
            self.stdout.write(f"{account.address}  {account.private_key}")
        self.stdout.write(f"mnemonic: {MNEMONIC}")
