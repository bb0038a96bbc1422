"""Taking epochs off the selected chain."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.errors import StoreError
from chain.core.types import StateDiff
from chain.stores.connection import NOW_MS, Cursor

# how long readers may still ask for the logs of undone epochs: longer than a filter lives without a poll
UNDONE_LIFE_MS = 900_000
_KEEP_LOGS = (
    'INSERT INTO chain_undone_log (block, "index", number, tx_index, tx, address, topic0, topic1, topic2, topic3,'  # noqa: S608
    ' data, undone_ms) SELECT c.hash, l."index", l.number, l.tx_index, a.tx, l.address, l.topic0, l.topic1, l.topic2,'
    f" l.topic3, l.data, {NOW_MS} FROM chain_log l"
    ' JOIN chain_acceptance a ON a.number = l.number AND a."index" = l.tx_index'
    " JOIN chain_selected_chain c ON c.number = l.number WHERE l.number > %s"
    ' ON CONFLICT (block, "index") DO UPDATE SET undone_ms = excluded.undone_ms'
)
_BY_NUMBER = ("chain_acceptance", "chain_log", "chain_skipped", "chain_consensus_order", "chain_selected_chain")


def remove_epochs(cur: Cursor, fork_number: int, removed: Sequence[bytes], state: StateDiff) -> int:
    """Delete everything that epochs above ``fork_number`` wrote.

    Current rows are not touched: ``state`` has the values to come of every key that these epochs
    changed, and this is checked.  Logs move to ``chain_undone_log``, for readers who were told of them.

    Returns
    -------
    int
        How many transactions they had accepted.

    Raises
    ------
    StoreError
        ``undo_incomplete`` when an undone version's key has no value in ``state``.
    """
    cur.execute(f"DELETE FROM chain_undone_log WHERE undone_ms < {NOW_MS} - {UNDONE_LIFE_MS}")  # noqa: S608
    cur.execute(_KEEP_LOGS, (fork_number,))
    for table in _BY_NUMBER:
        cur.execute(f"DELETE FROM {table} WHERE number > %s", (fork_number,))  # noqa: S608 - our own names
    accepted = cur.execute(
        "WITH gone AS (DELETE FROM chain_epoch WHERE hash = ANY(%s) RETURNING tx_count)"
        " SELECT count(*), coalesce(sum(tx_count), 0)::bigint FROM gone",
        (list(removed),),
        binary=True,
    ).fetchone()
    if accepted is None or accepted[0] != len(removed):
        raise StoreError("chain_mismatch", "an epoch to undo is not stored", got=accepted, expected=len(removed))
    accounts = cur.execute(
        "DELETE FROM chain_account_version WHERE number > %s RETURNING address", (fork_number,), binary=True
    )
    lost = [address for (address,) in accounts if address not in state.accounts]
    slots = cur.execute(
        "DELETE FROM chain_slot_version WHERE number > %s RETURNING address, slot", (fork_number,), binary=True
    )
    lost += [address for address, slot in slots if (address, int.from_bytes(slot, "big")) not in state.slots]
    if lost:
        raise StoreError("undo_incomplete", "the update leaves out keys that it undoes", got=lost[0], count=len(lost))
    return int(accepted[1])
