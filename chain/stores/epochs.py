"""Writing executed epochs: the chain's rows, receipts, logs, and the versions of the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chain.core import lthash
from chain.core.consensus.model import ExecutedEpoch
from chain.core.errors import StoreError
from chain.core.shards import shard_of
from chain.core.types import StateDiff
from chain.stores.connection import Cursor, copy_rows
from chain.stores.rows import (
    EPOCH_COLUMNS,
    SKIP_REASONS,
    StoredEpoch,
    account_values,
    columns,
    epoch_values,
    slot_value,
)

ACCEPTANCE_COLUMNS = (
    ("number", "int8"),
    ("index", "int4"),
    ("tx", "bytea"),
    ("block", "bytea"),
    ("position", "int4"),
    ("phase", "int2"),
    ("lane", "int2"),
    ("status", "int2"),
    ("gas_used", "int8"),
    ("cumulative_gas_used", "int8"),
    ("effective_gas_price", "numeric"),
    ("contract_address", "bytea"),
    ("first_log", "int4"),
    ("log_count", "int4"),
)
LOG_COLUMNS = (
    ("number", "int8"),
    ("index", "int4"),
    ("tx_index", "int4"),
    ("address", "bytea"),
    ("topic0", "bytea"),
    ("topic1", "bytea"),
    ("topic2", "bytea"),
    ("topic3", "bytea"),
    ("data", "bytea"),
)
SKIPPED_COLUMNS = (("number", "int8"), ("ordinal", "int4"), ("tx", "bytea"), ("block", "bytea"), ("reason", "int2"))
ACCOUNT_COLUMNS = (
    ("shard", "int2"),
    ("address", "bytea"),
    ("nonce", "int8"),
    ("balance", "numeric"),
    ("code_hash", "bytea"),
)
SLOT_COLUMNS = (("shard", "int2"), ("address", "bytea"), ("slot", "bytea"), ("value", "bytea"))
ACCOUNT_VERSION_COLUMNS = (*ACCOUNT_COLUMNS[:2], ("number", "int8"), *ACCOUNT_COLUMNS[2:])
SLOT_VERSION_COLUMNS = (*SLOT_COLUMNS[:3], ("number", "int8"), *SLOT_COLUMNS[3:])
_REASON_NUMBER = {reason: place for place, reason in enumerate(SKIP_REASONS)}
# up to here arrays are cheaper than a staging table
_FEW_ROWS = 100
_NO_TOPICS = (None, None, None, None)

# the mergeset of each new chain block in consensus order, the block itself last
_CONSENSUS_ORDER = """
INSERT INTO chain_consensus_order (hash, number, position, is_blue)
SELECT m.hash, x.number,
       row_number() OVER (PARTITION BY x.number ORDER BY m.own, b.weight, b.line, b.blue_score, b.lot, b.hash) - 1,
       m.blue
FROM chain_block x
CROSS JOIN LATERAL (
    SELECT hash, true AS blue, false AS own FROM unnest(x.blues[2:]) hash
    UNION ALL SELECT hash, false, false FROM unnest(x.reds) hash
    UNION ALL SELECT x.hash, true, true
) m
JOIN chain_block b ON b.hash = m.hash
WHERE x.hash = ANY(%s)
"""


def stored_epoch(epoch: ExecutedEpoch, supply_before: int) -> StoredEpoch:
    """The row of an executed epoch."""
    result = epoch.result
    lanes, phases, logs = [0] * len(result.lattices), [0, 0, 0], 0
    for receipt in result.receipts:
        lanes[receipt.lane] += 1
        phases[receipt.phase - 1] += 1
        logs += len(receipt.logs)
    change = result.supply
    return StoredEpoch(
        hash=epoch.hash,
        number=epoch.number,
        parent=epoch.parent_hash,
        timestamp_ms=epoch.timestamp_ms,
        base_fee=epoch.base_fee,
        summary=epoch.summary,
        reserved_gas=result.reserved_gas,
        supply=supply_before + change.rewards - change.base_fees_burned - change.tips_burned - change.destroyed,
        change=change,
        tx_count=len(result.receipts),
        skipped_count=len(result.skipped),
        log_count=logs,
        lane_txs=tuple(lanes),
        phase_txs=tuple(phases),
        logs_bloom=result.logs_bloom,
        lattice_digests=tuple([lthash.digest(lattice) for lattice in result.lattices]),
        rewards=result.rewards,
    )


def add_epochs(cur: Cursor, added: Sequence[ExecutedEpoch]) -> int:
    """Extend the selected chain; the blocks themselves are stored already.

    Returns
    -------
    int
        How many transactions the epochs accepted.
    """
    if not added:
        return 0
    row = cur.execute("SELECT supply FROM chain_epoch WHERE hash = %s", (added[0].parent_hash,), binary=True).fetchone()
    if row is None:
        raise StoreError("chain_mismatch", "the parent's epoch is not stored", got=added[0].parent_hash)
    supply, stored = int(row[0]), []
    for epoch in added:
        stored.append(stored_epoch(epoch, supply))
        supply = stored[-1].supply
    copy_rows(cur, "chain_epoch", EPOCH_COLUMNS, [epoch_values(epoch) for epoch in stored])
    copy_rows(
        cur,
        "chain_selected_chain",
        (("number", "int8"), ("hash", "bytea")),
        [(epoch.number, epoch.hash) for epoch in added],
    )
    cur.execute(_CONSENSUS_ORDER, ([epoch.hash for epoch in added],))
    copy_rows(cur, "chain_acceptance", ACCEPTANCE_COLUMNS, acceptance_rows(added))
    if any(epoch.log_count for epoch in stored):
        copy_rows(cur, "chain_log", LOG_COLUMNS, log_rows(added))
    if any(epoch.skipped_count for epoch in stored):
        copy_rows(cur, "chain_skipped", SKIPPED_COLUMNS, skipped_rows(added))
    _insert_codes(cur, added)
    insert_versions(cur, [(epoch.number, epoch.result.diff) for epoch in added], len(added[0].result.lattices))
    return sum([epoch.tx_count for epoch in stored])


def insert_versions(cur: Cursor, diffs: Sequence[tuple[int, StateDiff]], shard_count: int) -> None:
    """Add the values after each epoch number, in the one order of keys that every writer keeps."""
    accounts = account_version_rows(diffs, shard_count)
    copy_rows(cur, "chain_account_version", ACCOUNT_VERSION_COLUMNS, accounts)
    slots = slot_version_rows(diffs, shard_count)
    if slots:
        copy_rows(cur, "chain_slot_version", SLOT_VERSION_COLUMNS, slots)


def account_version_rows(diffs: Sequence[tuple[int, StateDiff]], shard_count: int) -> list[tuple[Any, ...]]:
    """Accounts after each (number, diff), in the order of ``ACCOUNT_VERSION_COLUMNS``, ascending."""
    rows = [
        (shard_of(address, shard_count), address, number, *account_values(account))
        for number, diff in diffs
        for address, account in diff.accounts.items()
    ]
    rows.sort(key=_three)
    return rows


def slot_version_rows(diffs: Sequence[tuple[int, StateDiff]], shard_count: int) -> list[tuple[Any, ...]]:
    """Slots after each (number, diff), in the order of ``SLOT_VERSION_COLUMNS``, ascending."""
    rows = [
        (shard_of(address, shard_count), address, slot.to_bytes(32, "big"), number, slot_value(value))
        for number, diff in diffs
        for (address, slot), value in diff.slots.items()
    ]
    rows.sort(key=_four)
    return rows


def set_current_state(cur: Cursor, state: StateDiff, shard_count: int) -> None:
    """Bring the current rows of every key in ``state`` to its value."""
    accounts, gone = [], []
    for address, account in state.accounts.items():
        key = (shard_of(address, shard_count), address)
        if account is None:
            gone.append(key)
        else:
            accounts.append((*key, *account_values(account)))
    if accounts:
        accounts.sort(key=_two)
        _upsert(cur, "chain_account_current", ACCOUNT_COLUMNS, 2, accounts)
    if gone:
        cur.executemany("DELETE FROM chain_account_current WHERE shard = %s AND address = %s", sorted(gone))
    slots, zeroed = [], []
    for (address, slot), value in state.slots.items():
        place = (shard_of(address, shard_count), address, slot.to_bytes(32, "big"))
        if value:
            slots.append((*place, value.to_bytes(32, "big")))
        else:
            zeroed.append(place)
    if slots:
        slots.sort(key=_three)
        _upsert(cur, "chain_slot_current", SLOT_COLUMNS, 3, slots)
    if zeroed:
        cur.executemany(
            "DELETE FROM chain_slot_current WHERE shard = %s AND address = %s AND slot = %s", sorted(zeroed)
        )


def set_lattices(cur: Cursor, lattices: Sequence[bytes], number: int) -> None:
    """Replace the lattices that changed."""
    cur.execute(
        "UPDATE chain_shard_lattice l SET lattice = n.lattice, number = %s"
        " FROM unnest(%s::smallint[], %s::bytea[]) n(shard, lattice)"
        " WHERE l.shard = n.shard AND (l.number <> %s OR l.lattice <> n.lattice)",
        (number, list(range(len(lattices))), list(lattices), number),
    )


def _upsert(
    cur: Cursor, table: str, pairs: Sequence[tuple[str, str]], key_size: int, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert or update rows in key order: few as arrays, many by COPY through a staging table of the session."""
    changed = ", ".join([f"{name} = excluded.{name}" for name, _ in pairs[key_size:]])
    conflict = f"ON CONFLICT ({columns(pairs[:key_size])}) DO UPDATE SET {changed}"
    insert = f"INSERT INTO {table} ({columns(pairs)}) SELECT {columns(pairs)} FROM"
    if len(rows) <= _FEW_ROWS:
        arrays = ", ".join([f"%s::{kind}[]" for _, kind in pairs])
        values = [list(column) for column in zip(*rows, strict=True)]
        cur.execute(f"{insert} unnest({arrays}) n({columns(pairs)}) {conflict}", values)
        return
    stage = f"pg_temp.stage_{table}"
    cur.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS stage_{table}"
        f" ({', '.join([f'{name} {kind}' for name, kind in pairs])}) ON COMMIT DELETE ROWS"
    )
    cur.execute(f"DELETE FROM {stage}")  # noqa: S608 - our own names
    copy_rows(cur, stage, pairs, rows)
    cur.execute(f"{insert} {stage} {conflict}")


def _insert_codes(cur: Cursor, added: Sequence[ExecutedEpoch]) -> None:
    codes: dict[bytes, bytes] = {}
    for epoch in added:
        codes.update(epoch.result.diff.codes)
    if codes:
        hashes = sorted(codes)
        cur.execute(
            "INSERT INTO chain_code (hash, code) SELECT * FROM unnest(%s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING",
            (hashes, [codes[code_hash] for code_hash in hashes]),
        )


def acceptance_rows(added: Sequence[ExecutedEpoch]) -> Iterator[tuple[Any, ...]]:
    """Receipts in the order of ``ACCEPTANCE_COLUMNS``, ascending."""
    for epoch in added:
        number, first_log = epoch.number, 0
        for index, receipt in enumerate(epoch.result.receipts):
            log_count = len(receipt.logs)
            yield (
                number,
                index,
                receipt.tx_hash,
                receipt.block_hash,
                receipt.position,
                receipt.phase,
                receipt.lane,
                receipt.status,
                receipt.gas_used,
                receipt.cumulative_gas_used,
                receipt.effective_gas_price,
                receipt.contract_address,
                first_log,
                log_count,
            )
            first_log += log_count


def log_rows(added: Sequence[ExecutedEpoch]) -> Iterator[tuple[Any, ...]]:
    """Logs in the order of ``LOG_COLUMNS``, ascending."""
    for epoch in added:
        place = 0
        for index, receipt in enumerate(epoch.result.receipts):
            for log in receipt.logs:
                topics = (*log.topics, *_NO_TOPICS[len(log.topics) :])
                yield (epoch.number, place, index, log.address, *topics, log.data)
                place += 1


def skipped_rows(added: Sequence[ExecutedEpoch]) -> Iterator[tuple[Any, ...]]:
    """Transactions left out, in the order of ``SKIPPED_COLUMNS``, ascending."""
    for epoch in added:
        for ordinal, skipped in enumerate(epoch.result.skipped):
            yield epoch.number, ordinal, skipped.tx_hash, skipped.block_hash, _REASON_NUMBER[skipped.reason]


def _two(row: Sequence[Any]) -> Any:
    return row[:2]


def _three(row: Sequence[Any]) -> Any:
    return row[:3]


def _four(row: Sequence[Any]) -> Any:
    return row[:4]
