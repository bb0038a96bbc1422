"""Transactions that reorganisations took back, for a pool that has not heard of it."""

from __future__ import annotations

from chain.core.transactions import decode_transaction
from chain.core.types import Transaction
from chain.stores.commit import CHAIN_UPDATE
from chain.stores.connection import Connection, cursor, database_errors

# an event's own number is never below that of its commit, so the key bounds the search; a block's first
# blue is its selected parent, whose transactions belong to another epoch
_SQL = """
WITH gone AS (
    SELECT decode(removed, 'hex') AS hash
    FROM chain_outbox_event e, jsonb_array_elements_text(e.payload -> 'removed') removed
    WHERE e.sequence > %(sequence)s AND e.kind = %(kind)s AND (e.payload ->> 'sequence')::bigint > %(sequence)s
), carriers AS (
    SELECT hash FROM gone
    UNION
    SELECT unnest(b.blues[2:] || b.reds) FROM gone JOIN chain_block b USING (hash)
)
SELECT DISTINCT t.sender, t.nonce, t.hash, t.raw
FROM carriers c
JOIN chain_block_transaction p ON p.block = c.hash
JOIN chain_transaction t ON t.hash = p.tx
WHERE NOT EXISTS (SELECT FROM chain_acceptance a WHERE a.tx = t.hash)
ORDER BY t.sender, t.nonce, t.hash
"""


def load_returned(conn: Connection, sequence: int) -> list[Transaction]:
    """What epochs carried that commits after ``sequence`` removed, and no epoch accepts now.

    Ascending by sender and nonce.
    """
    with database_errors():
        rows = cursor(conn).execute(_SQL, {"sequence": sequence, "kind": CHAIN_UPDATE}, binary=True)
        return [decode_transaction(raw, sender) for sender, _, _, raw in rows]
