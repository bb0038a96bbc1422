"""A stretch of the selected chain as projections read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chain.core.transactions import TRANSFER_GAS, recipient_of
from chain.selectors import follow

if TYPE_CHECKING:
    from chain.stores.connection import Connection, Cursor


@dataclass(frozen=True, slots=True)
class AcceptedTx:
    """An accepted transaction and whom it addresses; ``to`` is None where it creates."""

    facts: follow.AcceptedFacts
    to: bytes | None


class Batch:
    """Epochs that follow one another, and what they did; each kind of fact is read when first asked for.

    Parameters
    ----------
    conn : psycopg.Connection
        Inside one snapshot.
    epochs : sequence of EpochFacts
        Ascending, at least one.
    """

    def __init__(self, conn: Connection, epochs: Sequence[follow.EpochFacts]) -> None:
        self._conn = conn
        self.epochs = tuple(epochs)
        self._range = (self.epochs[0].number, self.epochs[-1].number)

    @cached_property
    def accepted(self) -> list[AcceptedTx]:
        """Accepted transactions in canonical order."""
        if not any(epoch.tx_count for epoch in self.epochs):
            return []
        rows = follow.ACCEPTED_BETWEEN.all(self._conn, *self._range)
        return [AcceptedTx(row, recipient_of(row.raw)) for row in rows]

    @cached_property
    def merged(self) -> list[follow.MergedFacts]:
        """Blocks in consensus order."""
        return follow.MERGED_BETWEEN.all(self._conn, *self._range)

    @cached_property
    def codes(self) -> list[follow.CodeFacts]:
        """Accounts with contract code that changed in epochs where code may have run, ascending by number."""
        numbers = {tx.facts.number for tx in self.accepted if _may_run_code(tx)}
        if self.epochs[0].number == 0:
            numbers.add(0)
        if not numbers:
            return []
        return [row for row in follow.CODE_BETWEEN.all(self._conn, min(numbers), max(numbers)) if row.number in numbers]

    def logs(self, topics: Sequence[bytes]) -> list[follow.LogFacts]:
        """Logs whose first topic is one of these, in order."""
        if not any(epoch.log_count for epoch in self.epochs):
            return []
        return follow.LOGS_WITH.all(self._conn, *self._range, list(topics))


def _may_run_code(tx: AcceptedTx) -> bool:
    """A plain transfer uses exactly this gas; whatever runs code uses more."""
    return tx.to is None or tx.facts.gas_used > TRANSFER_GAS


@dataclass(frozen=True, slots=True)
class Projection:
    """Read models that follow the chain together.

    Parameters
    ----------
    name : str
        Of its cursor.
    tables : tuple of str
        All that it writes; emptying them and the cursor starts it anew.
    apply : callable
        (cursor, batch): add a stretch of the chain.
    undo : callable
        (cursor, number): take out every epoch above a number, from its own tables alone: the chain has dropped
        those epochs' rows.
    """

    name: str
    tables: tuple[str, ...]
    apply: Callable[[Cursor, Batch], None]
    undo: Callable[[Cursor, int], None]
