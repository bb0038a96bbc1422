"""A state seen through overrides, as ``eth_call`` takes them: nothing below is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chain.core.ports import StateReader
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account


@dataclass(frozen=True)
class AccountOverride:
    """What to see instead; None keeps the account's own.

    ``storage`` replaces the whole storage, ``slots`` single values of it.
    """

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    storage: Mapping[int, int] | None = None
    slots: Mapping[int, int] = field(default_factory=dict)


class OverriddenState:
    """A ``StateReader`` over another one."""

    def __init__(self, state: StateReader, overrides: Mapping[bytes, AccountOverride]) -> None:
        self._state = state
        self._overrides = overrides
        self._codes = {keccak(o.code): o.code for o in overrides.values() if o.code}

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        account = self._state.get_account(address)
        override = self._overrides.get(address)
        if override is None:
            return account
        nonce, balance, code_hash = account or (0, 0, EMPTY_CODE_HASH)
        if override.nonce is not None:
            nonce = override.nonce
        if override.balance is not None:
            balance = override.balance
        if override.code is not None:
            code_hash = keccak(override.code) if override.code else EMPTY_CODE_HASH
        return Account(nonce, balance, code_hash)

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        override = self._overrides.get(address)
        if override is not None:
            if slot in override.slots:
                return override.slots[slot]
            if override.storage is not None:
                return override.storage.get(slot, 0)
        return self._state.get_slot(address, slot)

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        code = self._codes.get(code_hash)
        return self._state.get_code(code_hash) if code is None else code

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        override = self._overrides.get(address)
        if override is None:
            return self._state.has_storage(address)
        if any(override.slots.values()):
            return True
        return any(override.storage.values()) if override.storage is not None else self._state.has_storage(address)

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """See ``StateReader``."""
        self._state.prefetch(addresses, slots)
