"""The committed state that a shard worker runs lanes over, and what the process remembers of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chain.core.errors import NotYet, WaitCode
from chain.core.types import Account
from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.state import CodeCache, PostgresState

MAX_KEPT_SLOTS = 400_000
# beyond so many epochs, asking what changed costs more than reading anew
MAX_STEP = 64

_CHAIN = (
    "SELECT s.number, s.hash, i.shard_count FROM chain_selected_chain s CROSS JOIN chain_identity i"
    " WHERE s.number = ANY(%s)"
)
_CHANGED = "SELECT DISTINCT address, slot FROM chain_slot_version WHERE number > %s AND number <= %s"


class CommittedState:
    """A ``StateReader`` after one epoch of the selected chain, moved by ``at``; for one thread.

    Storage slots stay in memory from one epoch to the next but those that changed in between.  Every read
    comes from the snapshot of the database in which the epoch's block was found on the selected chain, so
    what is remembered belongs to that block even if the chain is reorganised meanwhile.
    """

    def __init__(self) -> None:
        self._number = -1
        self._hash = b""
        self._slots: dict[tuple[bytes, int], int] = {}
        self._codes = CodeCache()
        self._reader: PostgresState | None = None

    @contextmanager
    def at(self, conn: Connection, number: int, block_hash: bytes) -> Iterator[None]:
        """Read the state after the epoch ``number`` of block ``block_hash``, inside the context.

        Raises
        ------
        NotYet
            MISSING_BASE: this database does not have that block there.
        StoreError
            Errors of the database.
        """
        try:
            with database_errors(), conn.transaction():
                cursor(conn).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                self._move(conn, number, block_hash)
                yield
        except BaseException:
            self._forget()
            raise
        finally:
            self._reader = None

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        return self._state.get_account(address)

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        key = (address, slot)
        try:
            return self._slots[key]
        except KeyError:
            value = self._slots[key] = self._state.get_slot(address, slot)
            return value

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        return self._state.get_code(code_hash)

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        return self._state.has_storage(address)

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """See ``StateReader``."""
        self._state.prefetch(addresses, slots)

    @property
    def _state(self) -> PostgresState:
        assert self._reader is not None, "read outside of `at`"
        return self._reader

    def _move(self, conn: Connection, number: int, block_hash: bytes) -> None:
        """Check the base, and forget the slots that changed since the last one."""
        rows = cursor(conn).execute(_CHAIN, ([number, self._number],), binary=True).fetchall()
        chain = {at: found for at, found, _ in rows}
        if chain.get(number) != block_hash:
            message = "this database does not hold the epoch that lanes run over"
            raise NotYet(WaitCode.MISSING_BASE, message, missing=(block_hash,))
        onward = chain.get(self._number) == self._hash and 0 <= number - self._number <= MAX_STEP
        if not onward or len(self._slots) > MAX_KEPT_SLOTS:
            self._slots.clear()
        elif number > self._number and self._slots:
            changed = cursor(conn).execute(_CHANGED, (self._number, number), binary=True)
            for address, slot in changed:
                self._slots.pop((address, int.from_bytes(slot, "big")), None)
        self._number, self._hash = number, block_hash
        self._reader = PostgresState(conn, number, shard_count=rows[0][2], codes=self._codes)

    def _forget(self) -> None:
        self._number, self._hash = -1, b""
        self._slots.clear()
