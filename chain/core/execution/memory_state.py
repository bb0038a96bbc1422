"""A state at rest in dictionaries, for tests and tools."""

from __future__ import annotations

from collections.abc import Iterable

from chain.core.errors import StoreError
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff


class MemoryState:
    """A ``StateReader`` that can also be changed by diffs."""

    def __init__(self) -> None:
        self.accounts: dict[bytes, Account] = {}
        self.storage: dict[bytes, dict[int, int]] = {}
        self.codes: dict[bytes, bytes] = {EMPTY_CODE_HASH: b""}

    def put(
        self,
        address: bytes,
        balance: int = 0,
        nonce: int = 0,
        code: bytes = b"",
        storage: dict[int, int] | None = None,
    ) -> None:
        """Set an account with its code and storage, as a genesis does."""
        code_hash = keccak(code) if code else EMPTY_CODE_HASH
        self.codes[code_hash] = code
        slots = {(address, slot): value for slot, value in (storage or {}).items()}
        self.apply(StateDiff({address: Account(nonce, balance, code_hash)}, slots, {}))

    def apply(self, diff: StateDiff) -> None:
        """Take over the values of a diff (or of an undo)."""
        self.codes.update(diff.codes)
        for address, account in diff.accounts.items():
            if account is None or account.is_empty:
                self.accounts.pop(address, None)
            else:
                self.accounts[address] = account
        for (address, slot), value in diff.slots.items():
            if value:
                self.storage.setdefault(address, {})[slot] = value
            else:
                slots = self.storage.get(address, {})
                slots.pop(slot, None)
                if not slots:
                    self.storage.pop(address, None)

    def copy(self) -> MemoryState:
        """An independent copy."""
        twin = MemoryState()
        twin.accounts = dict(self.accounts)
        twin.storage = {address: dict(slots) for address, slots in self.storage.items()}
        twin.codes = dict(self.codes)
        return twin

    def total_supply(self) -> int:
        """Σ of all balances in wei."""
        return sum(account.balance for account in self.accounts.values())

    def as_diff(self) -> StateDiff:
        """Everything that is there, as one diff from nothing."""
        accounts: dict[bytes, Account | None] = {address: self.accounts[address] for address in sorted(self.accounts)}
        slots = {
            (address, slot): self.storage[address][slot]
            for address in sorted(self.storage)
            for slot in sorted(self.storage[address])
        }
        return StateDiff(accounts, slots, dict(self.codes))

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        return self.accounts.get(address)

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        return self.storage.get(address, {}).get(slot, 0)

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``.

        Raises
        ------
        StoreError
            ``missing_code`` for a hash that no account brought.
        """
        try:
            return self.codes[code_hash]
        except KeyError:
            raise StoreError("missing_code", code_hash=code_hash) from None

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        return bool(self.storage.get(address))

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """Everything is in memory already."""
