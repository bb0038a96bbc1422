"""Which accepted transactions concern an address: as sender, as recipient, or as the contract that it created."""

from __future__ import annotations

from enum import IntFlag

from chain.stores.connection import Cursor
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns, add, insert

ACTIVITY: Columns = (("address", "bytea"), ("number", "int8"), ("index", "int4"), ("roles", "int2"))


class Role(IntFlag):
    """What an address is in a transaction; one may be several."""

    SENDER = 1
    RECIPIENT = 2
    CREATED = 4


# plain numbers: there are three of them a transaction
_SENDER, _RECIPIENT, _CREATED = [int(role) for role in Role]


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the transactions of a stretch."""
    rows: list[tuple[bytes, int, int, int]] = []
    txs: dict[bytes, int] = {}
    sent: dict[bytes, int] = {}
    for tx in batch.accepted:
        facts = tx.facts
        roles = {facts.sender: _SENDER}
        if tx.to is not None:
            roles[tx.to] = roles.get(tx.to, 0) | _RECIPIENT
        if facts.contract_address is not None and facts.status:
            roles[facts.contract_address] = roles.get(facts.contract_address, 0) | _CREATED
        for address, role in roles.items():
            rows.append((address, facts.number, facts.index, role))
            txs[address] = txs.get(address, 0) + 1
        sent[facts.sender] = sent.get(facts.sender, 0) + 1
    insert(cur, "explorer_activity", ACTIVITY, rows)
    add(
        cur,
        "explorer_address_total",
        (("address", "bytea"),),
        (("txs", "int8"), ("sent", "int8")),
        [(address, txs[address], sent.get(address, 0)) for address in sorted(txs)],
    )


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    cur.execute(
        "UPDATE explorer_address_total t SET txs = t.txs - g.txs, sent = t.sent - g.sent FROM"
        " (SELECT address, count(*) AS txs, count(*) FILTER (WHERE roles & 1 <> 0) AS sent"
        "  FROM explorer_activity WHERE number > %s GROUP BY address) g WHERE t.address = g.address",
        (number,),
    )
    cur.execute(
        "DELETE FROM explorer_address_total t USING explorer_activity a"
        " WHERE a.number > %s AND t.address = a.address AND t.txs = 0",
        (number,),
    )
    cur.execute("DELETE FROM explorer_activity WHERE number > %s", (number,))


ADDRESSES = Projection("addresses", ("explorer_activity", "explorer_address_total"), apply, undo)
