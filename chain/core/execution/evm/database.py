"""The account database under py-evm: flat, journaled, recording what it touches (protocol §8, EVM).

It stands where py-evm expects its trie-backed ``AccountDB``.  One instance serves one overlay; ``begin``
starts a transaction.  Nothing here imports ``eth``: the contract is the set of method names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from chain.core.execution.overlay import StateOverlay, live_account
from chain.core.types import EMPTY_CODE_HASH, AccessEntry

_ABSENT = object()
_NO_ACCOUNT = (0, 0, EMPTY_CODE_HASH)
DESTROYED = "destroyed"

TouchGuard = Callable[[bytes], bool]


class ForeignTouch(Exception):
    """A phase-1 transaction reached an account outside its lane; it is undone and runs later.

    Deliberately no ``VMError``: contracts must not be able to catch it.
    """

    def __init__(self, address: bytes) -> None:
        super().__init__(address)
        self.address = address


class AccountDatabase:
    """Journaled accounts, storage, transient storage and warm sets of one running transaction.

    Every change appends (table, key, value before) to one journal; a checkpoint is a length of it.
    """

    def __init__(self, overlay: StateOverlay, precompiles: Iterable[bytes]) -> None:
        self.overlay = overlay
        self.precompiles = frozenset(precompiles)
        self._warm_at_start: dict[bytes, bool] = dict.fromkeys(sorted(self.precompiles), True)
        self.begin(None)

    # -- one transaction ---------------------------------------------------------------------------

    def begin(self, guard: TouchGuard | None) -> None:
        """Start a transaction; ``guard`` tells whether an address is foreign."""
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self._warm: dict[bytes, bool] = self._warm_at_start.copy()
        self._warm_slots: dict[tuple[bytes, int], bool] = {}
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._originals: dict[tuple[bytes, int], int] = {}
        self._counters: dict[str, int] = {DESTROYED: 0}
        self._guard = guard
        self.touched: set[bytes] = set()
        self.reached_slots: dict[tuple[bytes, int], bool] = {}

    def touch(self, address: bytes) -> None:
        """Record that the transaction touches an account (protocol §8, *Touched*).

        Raises
        ------
        ForeignTouch
            When the guard says that the account is foreign.
        """
        if address not in self.touched:
            self.touched.add(address)
            if self._guard is not None and self._guard(address):
                raise ForeignTouch(address)

    def add_destroyed(self, amount: int) -> None:
        """Count wei that SELFDESTRUCT destroyed; undone with its frame."""
        self._put(self._counters, DESTROYED, self._counters[DESTROYED] + amount)

    @property
    def destroyed(self) -> int:
        """Wei destroyed by SELFDESTRUCT in this transaction."""
        return self._counters[DESTROYED]

    # -- journal -----------------------------------------------------------------------------------

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def record(self) -> int:
        """A checkpoint."""
        return len(self._journal)

    def discard(self, checkpoint: int) -> None:
        """Undo everything since a checkpoint."""
        journal = self._journal
        while len(journal) > checkpoint:
            table, key, old = journal.pop()
            if old is _ABSENT:
                del table[key]
            else:
                table[key] = old

    # -- accounts ----------------------------------------------------------------------------------

    def get_balance(self, address: bytes) -> int:
        """Balance in wei."""
        account = self.overlay.account(address)
        return 0 if account is None else account.balance

    def set_balance(self, address: bytes, balance: int) -> None:
        """Set a balance in wei."""
        nonce, _, code_hash = self.overlay.account(address) or _NO_ACCOUNT
        self._put(self.overlay.accounts, address, live_account(nonce, balance, code_hash))

    def delta_balance(self, address: bytes, delta: int) -> None:
        """Add to a balance."""
        if delta:
            nonce, balance, code_hash = self.overlay.account(address) or _NO_ACCOUNT
            self._put(self.overlay.accounts, address, live_account(nonce, balance + delta, code_hash))

    def get_nonce(self, address: bytes) -> int:
        """Nonce of an account."""
        account = self.overlay.account(address)
        return 0 if account is None else account.nonce

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set a nonce."""
        _, balance, code_hash = self.overlay.account(address) or _NO_ACCOUNT
        self._put(self.overlay.accounts, address, live_account(nonce, balance, code_hash))

    def increment_nonce(self, address: bytes) -> None:
        """Add one to a nonce."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        """The code of an account; a delegation reads as itself."""
        return self.overlay.code_of(address)

    def get_code_hash(self, address: bytes) -> bytes:
        """The code hash of an account."""
        account = self.overlay.account(address)
        return EMPTY_CODE_HASH if account is None else account.code_hash

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the code of an account."""
        nonce, balance, _ = self.overlay.account(address) or _NO_ACCOUNT
        self._put(self.overlay.accounts, address, live_account(nonce, balance, self.overlay.add_code(code)))

    def delete_code(self, address: bytes) -> None:
        """Take the code of an account away."""
        self.set_code(address, b"")

    def account_exists(self, address: bytes) -> bool:
        """Since EIP-161 an empty account is no account."""
        return self.overlay.account(address) is not None

    def account_is_empty(self, address: bytes) -> bool:
        """EIP-161."""
        return self.overlay.account(address) is None

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        """Whether a contract may not be created here (EIP-684; EIP-7610: nor onto storage).

        Storage is asked of the state at rest: an account without nonce and code cannot gain any.
        """
        account = self.overlay.account(address)
        if account is not None and (account.nonce or account.code_hash != EMPTY_CODE_HASH):
            return True
        return self.overlay.reader.has_storage(address)

    def delete_account(self, address: bytes) -> None:
        """Remove an account created in this transaction (EIP-6780); its balance is destroyed."""
        account = self.overlay.account(address)
        if account is not None and account.balance:
            self.add_destroyed(account.balance)
        self._put(self.overlay.accounts, address, None)
        # such an account had no storage before: all that it has was written now
        for key in self._originals:
            if key[0] == address:
                self._put(self.overlay.slots, key, 0)

    def touch_account(self, address: bytes) -> None:
        """EIP-161 clearing needs no marks where empty accounts do not exist."""

    def delete_storage(self, address: bytes) -> None:
        """CREATE2 asks for clean storage; EIP-7610 already made sure of it."""

    # -- storage -----------------------------------------------------------------------------------

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """A slot's value now, or at the start of the transaction (EIP-2200)."""
        if not from_journal and (address, slot) in self._originals:
            return self._originals[address, slot]
        return self.overlay.slot(address, slot)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set a slot."""
        old = self.overlay.slot(address, slot)
        if old != value:
            key = (address, slot)
            self._originals.setdefault(key, old)
            self._put(self.overlay.slots, key, value)

    def get_transient(self, address: bytes, slot: int) -> bytes:
        """EIP-1153."""
        return self._transient.get((address, slot), b"")

    def set_transient(self, address: bytes, slot: int, value: bytes) -> None:
        """EIP-1153."""
        self._put(self._transient, (address, slot), value)

    # -- warm sets (EIP-2929) ----------------------------------------------------------------------

    def is_address_warm(self, address: bytes) -> bool:
        """Whether the transaction has accessed the account."""
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        """The account is accessed."""
        if address not in self._warm:
            self._put(self._warm, address, True)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Whether the transaction has accessed the slot."""
        return (address, slot) in self._warm_slots

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """The slot is accessed."""
        key = (address, slot)
        if key not in self._warm_slots:
            self.reached_slots[key] = True
            self._put(self._warm_slots, key, True)

    def accessed(self) -> tuple[AccessEntry, ...]:
        """Accounts and slots that the transaction reached, also in frames that failed; ascending."""
        slots: dict[bytes, list[int]] = {address: [] for address in self.touched}
        for address, slot in self.reached_slots:
            slots.setdefault(address, []).append(slot)
        return tuple(AccessEntry(address, tuple(sorted(slots[address]))) for address in sorted(slots))
