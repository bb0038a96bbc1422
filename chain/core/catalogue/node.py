"""Codes of a node that is set up wrongly, as far as the chain itself sees it."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries
from chain.core.errors import ConfigError

NODE: tuple[Entry, ...] = entries(
    ConfigError,
    ("unknown_evm_fork", "the chain spec names an EVM fork that this version does not know", "update the node"),
    (
        "wrong_network",
        "the database belongs to another network or genesis",
        "set MDS_NETWORK, or another database in MDS_DATABASE_URL",
    ),
    ("layout_newer", "a newer version of the node wrote the database", "run that version, or a newer one"),
    ("mining_no_coinbase", "mining was asked for, and nobody would be paid", "set a coinbase with mds_setCoinbase"),
    ("setting_fixed", "an environment variable fixes this setting", "change the variable and restart the node"),
    (
        "devnet_only",
        "development accounts were asked for on another network",
        "set MDS_NETWORK=devnet, or bring a wallet",
    ),
    (
        "key_missing",
        "a key of the data folder is gone",
        "restore it from a backup: the tickets that its work has earned hang on it; `up` makes a new one",
    ),
    ("key_malformed", "a key of the data folder does not hold 32 bytes as hex", "restore it from a backup"),
    ("method_registered_twice", "two modules define one JSON-RPC method", "a bug of this build: report it"),
)
