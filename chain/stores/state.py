"""The state in PostgreSQL as a ``StateReader``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from chain.core.errors import StoreError
from chain.core.shards import shard_of
from chain.core.types import EMPTY_CODE_HASH, Account
from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.rows import account_of, slot_of

MAX_CODE_BYTES_CACHED = 32 * 1024 * 1024

_ACCOUNT = "SELECT nonce, balance, code_hash FROM chain_account_current WHERE shard = %s AND address = %s"
_ACCOUNTS = (
    "SELECT address, nonce, balance, code_hash FROM chain_account_current WHERE shard = %s AND address = ANY(%s)"
)
_SLOT = "SELECT value FROM chain_slot_current WHERE shard = %s AND address = %s AND slot = %s"
_SLOTS = (
    "SELECT k.address, k.slot, v.value FROM unnest(%s::bytea[], %s::bytea[]) k(address, slot)"
    " CROSS JOIN LATERAL (SELECT value FROM chain_slot_current c"
    "  WHERE c.shard = %s AND c.address = k.address AND c.slot = k.slot OFFSET 0) v"
)
_HAS_STORAGE = "SELECT EXISTS (SELECT 1 FROM chain_slot_current WHERE shard = %s AND address = %s)"

_ACCOUNT_AT = (
    "SELECT nonce, balance, code_hash FROM chain_account_version"
    " WHERE shard = %s AND address = %s AND number <= %s ORDER BY number DESC LIMIT 1"
)
_ACCOUNTS_AT = (
    "SELECT k.address, v.nonce, v.balance, v.code_hash FROM unnest(%s::bytea[]) k(address)"
    " CROSS JOIN LATERAL (SELECT nonce, balance, code_hash FROM chain_account_version c"
    "  WHERE c.shard = %s AND c.address = k.address AND c.number <= %s ORDER BY c.number DESC LIMIT 1) v"
)
_SLOT_AT = (
    "SELECT value FROM chain_slot_version"
    " WHERE shard = %s AND address = %s AND slot = %s AND number <= %s ORDER BY number DESC LIMIT 1"
)
_SLOTS_AT = (
    "SELECT k.address, k.slot, v.value FROM unnest(%s::bytea[], %s::bytea[]) k(address, slot)"
    " CROSS JOIN LATERAL (SELECT value FROM chain_slot_version c"
    "  WHERE c.shard = %s AND c.address = k.address AND c.slot = k.slot AND c.number <= %s"
    "  ORDER BY c.number DESC LIMIT 1) v"
)
_HAS_STORAGE_AT = (
    "SELECT EXISTS (SELECT 1 FROM (SELECT DISTINCT slot FROM chain_slot_version"
    "  WHERE shard = %s AND address = %s AND number <= %s) k"
    " CROSS JOIN LATERAL (SELECT value FROM chain_slot_version c"
    "  WHERE c.shard = %s AND c.address = %s AND c.slot = k.slot AND c.number <= %s"
    "  ORDER BY c.number DESC LIMIT 1) v WHERE v.value IS NOT NULL)"
)


class CodeCache:
    """Codes by hash, the least recently used ones dropped beyond a size in bytes; may be shared by readers."""

    def __init__(self, max_bytes: int = MAX_CODE_BYTES_CACHED) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._codes: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, code_hash: bytes) -> bytes | None:
        """The code, if it is here."""
        code = self._codes.get(code_hash)
        if code is not None:
            self._codes.move_to_end(code_hash)
        return code

    def put(self, code_hash: bytes, code: bytes) -> None:
        """Keep a code."""
        if code_hash not in self._codes:
            self._codes[code_hash] = code
            self._bytes += len(code)
            while self._bytes > self._max_bytes and len(self._codes) > 1:
                self._bytes -= len(self._codes.popitem(last=False)[1])


def read_shard_count(conn: Connection) -> int:
    """Shards of the network that the database belongs to.

    Raises
    ------
    StoreError
        ``not_initialised`` before ``init_chain``.
    """
    with database_errors():
        row = cursor(conn).execute("SELECT shard_count FROM chain_identity").fetchone()
    if row is None:
        raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
    return int(row[0])


class PostgresState:
    """A ``StateReader`` at the sink of the last commit, or after the epoch of a number.

    Parameters
    ----------
    conn : psycopg.Connection
        Read from at once; errors leave as ``StoreError``.
    number : int, optional
        The state after this epoch of the selected chain.  Left out: whatever is current at each read.
        Then a prefetched value answers one read and is forgotten, since the next commit may change it.
    shard_count : int, optional
        Shards of the network; left out, the database is asked.
    codes : CodeCache, optional
        Shared between readers of one process.
    """

    def __init__(
        self,
        conn: Connection,
        number: int | None = None,
        *,
        shard_count: int | None = None,
        codes: CodeCache | None = None,
    ) -> None:
        self._cursor = cursor(conn)
        self._shard_count = read_shard_count(conn) if shard_count is None else shard_count
        self._number = number
        self._codes = codes or CodeCache()
        self._accounts: dict[bytes, Account | None] = {}
        self._slots: dict[tuple[bytes, int], int] = {}

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        if address in self._accounts:
            return self._accounts.pop(address) if self._number is None else self._accounts[address]
        key = (shard_of(address, self._shard_count), address)
        with database_errors():
            if self._number is None:
                row = self._cursor.execute(_ACCOUNT, key, binary=True).fetchone()
            else:
                row = self._cursor.execute(_ACCOUNT_AT, (*key, self._number), binary=True).fetchone()
        account = None if row is None else account_of(*row)
        if self._number is not None:
            self._accounts[address] = account
        return account

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        place = (address, slot)
        if place in self._slots:
            return self._slots.pop(place) if self._number is None else self._slots[place]
        key = (shard_of(address, self._shard_count), address, slot.to_bytes(32, "big"))
        with database_errors():
            if self._number is None:
                row = self._cursor.execute(_SLOT, key, binary=True).fetchone()
            else:
                row = self._cursor.execute(_SLOT_AT, (*key, self._number), binary=True).fetchone()
        value = 0 if row is None else slot_of(row[0])
        if self._number is not None:
            self._slots[place] = value
        return value

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``.

        Raises
        ------
        StoreError
            ``missing_code`` for a hash that is not stored.
        """
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._codes.get(code_hash)
        if code is None:
            with database_errors():
                row = self._cursor.execute(
                    "SELECT code FROM chain_code WHERE hash = %s", (code_hash,), binary=True
                ).fetchone()
            if row is None:
                raise StoreError("missing_code", code_hash=code_hash)
            code = bytes(row[0])
            self._codes.put(code_hash, code)
        return code

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        key = (shard_of(address, self._shard_count), address)
        with database_errors():
            if self._number is None:
                row = self._cursor.execute(_HAS_STORAGE, key).fetchone()
            else:
                at = (*key, self._number)
                row = self._cursor.execute(_HAS_STORAGE_AT, at + at).fetchone()
        return bool(row and row[0])

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """See ``StateReader``; one query a shard."""
        if self._number is None:
            self.forget()
        by_shard: dict[int, list[bytes]] = {}
        for address in addresses:
            if address not in self._accounts:
                self._accounts[address] = None
                by_shard.setdefault(shard_of(address, self._shard_count), []).append(address)
        slots_by_shard: dict[int, list[tuple[bytes, int]]] = {}
        for place in slots:
            if place not in self._slots:
                self._slots[place] = 0
                slots_by_shard.setdefault(shard_of(place[0], self._shard_count), []).append(place)
        try:
            with database_errors():
                self._fetch(by_shard, slots_by_shard)
        except BaseException:
            # half-filled answers would be lies
            self.forget()
            raise

    def forget(self) -> None:
        """Drop what was prefetched."""
        self._accounts.clear()
        self._slots.clear()

    def _fetch(self, by_shard: dict[int, list[bytes]], slots_by_shard: dict[int, list[tuple[bytes, int]]]) -> None:
        number = self._number
        for shard, wanted in sorted(by_shard.items()):
            wanted.sort()
            if number is None:
                rows = self._cursor.execute(_ACCOUNTS, (shard, wanted), binary=True)
            else:
                rows = self._cursor.execute(_ACCOUNTS_AT, (wanted, shard, number), binary=True)
            for row in rows:
                self._accounts[row[0]] = account_of(row[1], row[2], row[3])
        for shard, places in sorted(slots_by_shard.items()):
            places.sort()
            owners = [address for address, _ in places]
            keys = [slot.to_bytes(32, "big") for _, slot in places]
            if number is None:
                rows = self._cursor.execute(_SLOTS, (owners, keys, shard), binary=True)
            else:
                rows = self._cursor.execute(_SLOTS_AT, (owners, keys, shard, number), binary=True)
            for row in rows:
                self._slots[row[0], int.from_bytes(row[1], "big")] = slot_of(row[2])
