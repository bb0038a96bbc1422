"""The writer's state in memory: current values over a store that lies at the last commit."""

from __future__ import annotations

from collections.abc import Iterable

from chain.core.ports import StateReader
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff

MAX_CACHED_ACCOUNTS = 400_000
MAX_CACHED_SLOTS = 400_000


class HotState:
    """A ``StateReader`` at a movable position of the selected chain.

    Values that changed since the last commit are never evicted: the store below still has the old
    ones.  ``has_storage`` is exact for accounts with neither nonce nor code, and EIP-7610 asks of no
    others: where such a one has changed slots, a contract was undone there and all its slots with it.
    """

    def __init__(self, base: StateReader) -> None:
        self._base = base
        self._accounts: dict[bytes, Account | None] = {}
        self._slots: dict[tuple[bytes, int], int] = {}
        self._codes: dict[bytes, bytes] = {EMPTY_CODE_HASH: b""}
        self._dirty_accounts: dict[bytes, None] = {}
        self._dirty_slots: dict[tuple[bytes, int], None] = {}
        self._dirty_slots_of: dict[bytes, dict[int, None]] = {}
        self._new_codes: dict[bytes, bytes] = {}

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        try:
            return self._accounts[address]
        except KeyError:
            account = self._accounts[address] = self._base.get_account(address)
            return account

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        key = (address, slot)
        try:
            return self._slots[key]
        except KeyError:
            value = self._slots[key] = self._base.get_slot(address, slot)
            return value

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        try:
            return self._codes[code_hash]
        except KeyError:
            code = self._codes[code_hash] = self._base.get_code(code_hash)
            return code

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        changed = self._dirty_slots_of.get(address)
        if changed is not None:
            # the store may still have what was undone here: it is not asked
            return any(self._slots[address, slot] for slot in changed)
        return self._base.has_storage(address)

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """See ``StateReader``; only what is not in memory reaches the store."""
        missing = [address for address in addresses if address not in self._accounts]
        absent = [key for key in slots if key not in self._slots]
        if not missing and not absent:
            return
        self._base.prefetch(missing, absent)
        for address in missing:
            self._accounts[address] = self._base.get_account(address)
        for address, slot in absent:
            self._slots[address, slot] = self._base.get_slot(address, slot)

    def apply(self, diff: StateDiff) -> None:
        """Move to the values of an epoch's ``diff``, or back by its ``undo``."""
        self._accounts.update(diff.accounts)
        self._slots.update(diff.slots)
        self._dirty_accounts.update(dict.fromkeys(diff.accounts))
        self._dirty_slots.update(dict.fromkeys(diff.slots))
        for address, slot in diff.slots:
            self._dirty_slots_of.setdefault(address, {})[slot] = None
        for code_hash, code in diff.codes.items():
            self._codes[code_hash] = code
            self._new_codes[code_hash] = code

    @property
    def uncommitted(self) -> int:
        """How many accounts and slots ``net_changes`` would name."""
        return len(self._dirty_accounts) + len(self._dirty_slots)

    def net_changes(self) -> StateDiff:
        """The current value of every key touched since the last commit."""
        return StateDiff(
            accounts={address: self._accounts[address] for address in self._dirty_accounts},
            slots={key: self._slots[key] for key in self._dirty_slots},
            codes=dict(self._new_codes),
        )

    def committed(self) -> None:
        """The store below has caught up; now memory may be given back."""
        self._dirty_accounts.clear()
        self._dirty_slots.clear()
        self._dirty_slots_of.clear()
        self._new_codes.clear()
        if len(self._accounts) > MAX_CACHED_ACCOUNTS:
            self._accounts.clear()
        if len(self._slots) > MAX_CACHED_SLOTS:
            self._slots.clear()
        if len(self._codes) > 4096:
            self._codes = {EMPTY_CODE_HASH: b""}
