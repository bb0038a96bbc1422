"""Blocks of the consensus order by coinbase, with the reward and the tips that each one brought."""

from __future__ import annotations

from chain.core.types import Stream
from chain.stores.connection import Cursor
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns, add, insert

MINED: Columns = (
    ("number", "int8"),
    ("position", "int4"),
    ("hash", "bytea"),
    ("coinbase", "bytea"),
    ("stream", "int2"),
    ("is_blue", "bool"),
    ("reward", "numeric"),
    ("tips", "numeric"),
)
_SUMS: Columns = (
    ("blocks_a", "int8"),
    ("blocks_b", "int8"),
    ("blocks_c", "int8"),
    ("reds", "int8"),
    ("rewards", "numeric"),
    ("tips", "numeric"),
    ("income", "numeric"),
)
_NAMES = [name for name, _ in _SUMS]
_BY_COINBASE = (
    "SELECT coinbase, count(*) FILTER (WHERE stream = 1) AS blocks_a, count(*) FILTER (WHERE stream = 2) AS blocks_b,"
    " count(*) FILTER (WHERE stream = 3) AS blocks_c, count(*) FILTER (WHERE NOT is_blue) AS reds,"
    " sum(reward) AS rewards, sum(tips) AS tips, sum(reward + tips) AS income"
    " FROM explorer_mined_block WHERE number > %s GROUP BY coinbase"
)


def tips_by_block(batch: Batch) -> dict[bytes, int]:
    """Wei of tips of the accepted transactions that each block carried first."""
    base_fees = {epoch.number: epoch.base_fee for epoch in batch.epochs}
    tips: dict[bytes, int] = {}
    for tx in batch.accepted:
        facts = tx.facts
        tip = facts.gas_used * (facts.price - base_fees[facts.number])
        tips[facts.block] = tips.get(facts.block, 0) + tip
    return tips


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the blocks of a stretch; an epoch's rewards are those of its blocks that earn, in order, zeros left out."""
    tips = tips_by_block(batch)
    rewards = {epoch.number: list(epoch.rewards) for epoch in batch.epochs}
    rows, totals = [], {}
    for block in batch.merged:
        if block.stream == Stream.GENESIS:
            continue
        reward, left = 0, rewards[block.number]
        if block.earns and block.stream != Stream.C and left and left[0][0] == block.coinbase:
            reward = left.pop(0)[1]
        tip = tips.get(block.hash, 0) if block.earns else 0
        rows.append(
            (block.number, block.position, block.hash, block.coinbase, block.stream, block.is_blue, reward, tip)
        )
        total = totals.setdefault(block.coinbase, [0] * len(_SUMS))
        total[block.stream - 1] += 1
        for place, value in enumerate((0 if block.is_blue else 1, reward, tip, reward + tip), start=3):
            total[place] += value
    insert(cur, "explorer_mined_block", MINED, rows)
    sums = [(coinbase, *total) for coinbase, total in sorted(totals.items())]
    add(cur, "explorer_miner_total", (("coinbase", "bytea"),), _SUMS, sums)


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    less = ", ".join([f"{name} = t.{name} - g.{name}" for name in _NAMES])
    cur.execute(
        f"UPDATE explorer_miner_total t SET {less} FROM ({_BY_COINBASE}) g WHERE t.coinbase = g.coinbase",  # noqa: S608
        (number,),
    )
    cur.execute(
        "DELETE FROM explorer_miner_total t USING explorer_mined_block b WHERE b.number > %s"
        " AND t.coinbase = b.coinbase AND t.blocks_a + t.blocks_b + t.blocks_c = 0",
        (number,),
    )
    cur.execute("DELETE FROM explorer_mined_block WHERE number > %s", (number,))


MINERS = Projection("miners", ("explorer_mined_block", "explorer_miner_total"), apply, undo)
