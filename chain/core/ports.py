"""What the core asks of the world, as protocols; adapters live outside ``chain.core``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from chain.core.types import Account

# EVM BLOCKHASH of the selected chain: block number → hash, or None when out of range
BlockHashes = Callable[[int], bytes | None]


class StateReader(Protocol):
    """A state at one fixed point of the selected chain."""

    def get_account(self, address: bytes) -> Account | None:
        """The account, or None where it is EIP-161-empty or absent."""

    def get_slot(self, address: bytes, slot: int) -> int:
        """The value of a storage slot, 0 where never written."""

    def get_code(self, code_hash: bytes) -> bytes:
        """The code of a hash that an account names."""

    def has_storage(self, address: bytes) -> bool:
        """Whether any slot of the account is non-zero (EIP-7610)."""

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """Load many rows in one round trip, so that later reads are from memory."""
