"""Taking epochs off the selected chain."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.errors import StoreError
from chain.core.types import StateDiff
from chain.stores.connection import Cursor

_BY_NUMBER = ("chain_acceptance", "chain_log", "chain_skipped", "chain_consensus_order", "chain_selected_chain")


def remove_epochs(cur: Cursor, fork_number: int, removed: Sequence[bytes], state: StateDiff) -> int:
    """Delete everything that epochs above ``fork_number`` wrote.

    Current rows are not touched: ``state`` has the values to come of every key that these epochs
    changed, and this is checked.

    Returns
    -------
    int
        How many transactions they had accepted.

    Raises
    ------
    StoreError
        ``undo_incomplete`` when an undone version's key has no value in ``state``.
    """
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
