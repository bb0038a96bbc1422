"""Current values over a state at rest: flat, no trie (protocol §8, EVM).

``CachedReader`` keeps every value read, so it also is the record of the values before an epoch.
``StateOverlay`` holds what is current; the difference of the two is the epoch's diff.
"""

from __future__ import annotations

from collections.abc import Iterable

from chain.core.ports import StateReader
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff

DELEGATION_PREFIX = b"\xef\x01\x00"


def delegate_of(code: bytes) -> bytes | None:
    """The address that an EIP-7702 delegation names, or None for any other code."""
    return code[3:] if len(code) == 23 and code[:3] == DELEGATION_PREFIX else None


def live_account(nonce: int, balance: int, code_hash: bytes) -> Account | None:
    """An account, or None where EIP-161 calls it empty."""
    if nonce or balance or code_hash != EMPTY_CODE_HASH:
        return Account(nonce, balance, code_hash)
    return None


class CachedReader:
    """A StateReader that asks another one at most once for each value."""

    __slots__ = ("accounts", "codes", "reader", "slots", "storages")

    def __init__(self, reader: StateReader) -> None:
        self.reader = reader
        self.accounts: dict[bytes, Account | None] = {}
        self.slots: dict[tuple[bytes, int], int] = {}
        self.codes: dict[bytes, bytes] = {EMPTY_CODE_HASH: b""}
        self.storages: dict[bytes, bool] = {}

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``; an account stored although empty reads as None."""
        try:
            return self.accounts[address]
        except KeyError:
            account = self.reader.get_account(address)
            if account is not None and account.is_empty:
                account = None
            self.accounts[address] = account
            return account

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        key = (address, slot)
        try:
            return self.slots[key]
        except KeyError:
            value = self.slots[key] = self.reader.get_slot(address, slot)
            return value

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        try:
            return self.codes[code_hash]
        except KeyError:
            code = self.codes[code_hash] = self.reader.get_code(code_hash)
            return code

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        try:
            return self.storages[address]
        except KeyError:
            found = self.storages[address] = self.reader.has_storage(address)
            return found

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """See ``StateReader``."""
        self.reader.prefetch(addresses, slots)


class StateOverlay:
    """Current accounts, slots and codes over a ``CachedReader``.

    ``accounts`` and ``slots`` hold what was read as well as what was written; they are open to the hot
    paths, which read and write them directly once a key is known to be there.
    """

    __slots__ = ("accounts", "codes", "reader", "slots")

    def __init__(self, reader: CachedReader) -> None:
        self.reader = reader
        self.accounts: dict[bytes, Account | None] = {}
        self.slots: dict[tuple[bytes, int], int] = {}
        self.codes: dict[bytes, bytes] = {}

    def account(self, address: bytes) -> Account | None:
        """The current account, None where absent."""
        try:
            return self.accounts[address]
        except KeyError:
            account = self.accounts[address] = self.reader.get_account(address)
            return account

    def slot(self, address: bytes, slot: int) -> int:
        """The current value of a storage slot."""
        key = (address, slot)
        try:
            return self.slots[key]
        except KeyError:
            value = self.slots[key] = self.reader.get_slot(address, slot)
            return value

    def code(self, code_hash: bytes) -> bytes:
        """The code of a hash."""
        try:
            return self.codes[code_hash]
        except KeyError:
            return self.reader.get_code(code_hash)

    def code_of(self, address: bytes) -> bytes:
        """The code at an address, b"" where there is none."""
        account = self.account(address)
        if account is None or account.code_hash == EMPTY_CODE_HASH:
            return b""
        return self.code(account.code_hash)

    def add_code(self, code: bytes) -> bytes:
        """Remember a code and return its hash."""
        if not code:
            return EMPTY_CODE_HASH
        code_hash = keccak(code)
        self.codes[code_hash] = code
        return code_hash

    def credit(self, address: bytes, amount: int) -> None:
        """Add wei to an account; nothing happens for 0 (EIP-161)."""
        if amount:
            account = self.account(address)
            if account is None:
                self.accounts[address] = Account(0, amount, EMPTY_CODE_HASH)
            else:
                self.accounts[address] = Account(account.nonce, account.balance + amount, account.code_hash)

    def written(self) -> StateDiff:
        """Accounts and slots that are no longer the objects read; unsorted, and a value may have come back."""
        before, old_slots = self.reader.accounts, self.reader.slots
        accounts = {key: account for key, account in self.accounts.items() if account is not before[key]}
        slots = {key: value for key, value in self.slots.items() if value != old_slots[key]}
        return StateDiff(accounts, slots, dict(self.codes))

    def take(self, diff: StateDiff) -> None:
        """Take over what another overlay of the same state wrote."""
        self.accounts.update(diff.accounts)
        self.slots.update(diff.slots)
        self.codes.update(diff.codes)

    def changes(self) -> tuple[StateDiff, StateDiff]:
        """What differs from the state at rest, sorted by key: (diff, undo) of the same keys."""
        reader = self.reader
        accounts: dict[bytes, Account | None] = {}
        old_accounts: dict[bytes, Account | None] = {}
        codes: dict[bytes, bytes] = {}
        before = reader.accounts
        get_account = reader.get_account
        for address in sorted(self.accounts):
            account = self.accounts[address]
            old = before[address] if address in before else get_account(address)
            if account is not old and account != old:
                accounts[address] = account
                old_accounts[address] = old
                # ``codes`` also holds those of undone transactions: an account that got its code names it
                if account is not None and account.code_hash != (old.code_hash if old else EMPTY_CODE_HASH):
                    codes[account.code_hash] = self.code(account.code_hash)
        slots: dict[tuple[bytes, int], int] = {}
        old_slots: dict[tuple[bytes, int], int] = {}
        for key in sorted(self.slots):
            value, was = self.slots[key], reader.get_slot(*key)
            if value != was:
                slots[key] = value
                old_slots[key] = was
        return StateDiff(accounts, slots, codes), StateDiff(old_accounts, old_slots, {})
