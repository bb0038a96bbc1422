"""Devnet's funded accounts: those of the mnemonic that Ethereum's development nodes share."""

from __future__ import annotations

from typing import NamedTuple

MNEMONIC = "test test test test test test test test test test test junk"
COUNT = 10


class DevAccount(NamedTuple):
    """A key that everybody knows: for a devnet only."""

    address: str  # EIP-55
    private_key: str  # 0x hex


def dev_accounts() -> list[DevAccount]:
    """The first ten accounts of BIP-44 path m/44'/60'/0'/0."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    accounts = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}") for index in range(COUNT)]
    return [DevAccount(str(account.address), "0x" + bytes(account.key).hex()) for account in accounts]
