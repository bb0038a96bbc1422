"""Accounts that have code: which epoch gave it to them, and which transaction where it did so directly.

A contract that another contract made has no creator here: that takes a trace, which ``ots_getContractCreator``
makes when it is asked.
"""

from __future__ import annotations

from chain.stores.connection import Cursor
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns, names, relation

CONTRACT: Columns = (
    ("address", "bytea"),
    ("number", "int8"),
    ("index", "int4"),
    ("creator", "bytea"),
    ("code_hash", "bytea"),
    ("code_size", "int4"),
)


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the contracts of a stretch; since EIP-6780 no contract loses its code after its transaction."""
    direct = {
        (tx.facts.number, tx.facts.contract_address): tx.facts
        for tx in batch.accepted
        if tx.facts.contract_address is not None and tx.facts.status
    }
    rows: dict[bytes, tuple[object, ...]] = {}
    for code in batch.codes:
        made = direct.get((code.number, code.address))
        place = (None, None) if made is None else (made.index, made.sender)
        rows.setdefault(code.address, (code.address, code.number, *place, code.code_hash, code.size))
    if rows:
        source, args = relation(cur, CONTRACT, [rows[address] for address in sorted(rows)])
        cur.execute(
            f"INSERT INTO explorer_contract ({names(CONTRACT)}) SELECT {names(CONTRACT)} FROM {source}"  # noqa: S608
            " ON CONFLICT (address) DO NOTHING",
            args,
        )


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    cur.execute("DELETE FROM explorer_contract WHERE number > %s", (number,))


CONTRACTS = Projection("contracts", ("explorer_contract",), apply, undo)
