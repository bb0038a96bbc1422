"""Asking new tokens for their names, by calls in a worker process that can be killed.

It runs in a thread beside the indexing: a token that answers slowly holds up nothing.  The worker lives for one
round; a process that only follows the chain never loads the EVM.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import structlog

from chain.core.errors import RequestError, StoreError
from chain.selectors.query import Query, columns_as
from chain.services.call import CallWorkers
from chain.stores.connection import Connection, cursor, database_errors
from explorer.indexers.sync import open_connection, sole_indexer
from explorer.indexers.token_labels import (
    DECIMALS,
    NAME,
    NAME_LENGTH,
    SYMBOL,
    SYMBOL_LENGTH,
    decode_decimals,
    decode_text,
)
from explorer.words import pieces, searched

log = structlog.get_logger(__name__)

ROUND_TOKENS = 50
CALL_GAS = 500_000
CALL_SECONDS = 1.0
# rounds begin no faster: a worker's start costs about a second of a core
PAUSE_SECONDS = 10.0
_LOCK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that nobody has asked yet, and the epoch in whose state it is asked."""

    address: bytes
    number: int
    standard: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Label:
    """What a token calls itself."""

    token: NewToken
    name: str
    symbol: str
    decimals: int | None


UNDESCRIBED: Query[NewToken] = Query(
    "SELECT t.address, t.number, t.standard, c.hash FROM explorer_token t"
    " JOIN chain_selected_chain c ON c.number = t.number WHERE NOT t.is_described ORDER BY t.number LIMIT %s",
    columns_as(NewToken),
)


async def ask(tokens: Sequence[NewToken]) -> list[Label]:
    """Call each token; one that does not answer has no name.

    Raises
    ------
    StoreError
        call_worker_lost when no call at all was answered: that says nothing about the tokens.
    """
    workers = CallWorkers()
    try:
        session = _Session(workers)
        labels = [await session.ask(token) for token in tokens]
    finally:
        await workers.stop()
    if session.lost and not session.answered:
        raise StoreError("call_worker_lost", "no worker answered", calls=session.lost)
    return labels


def write(conn: Connection, labels: Sequence[Label]) -> None:
    """Keep labels of tokens that are still those that were asked; the caller holds the indexers' lock."""
    with database_errors(), conn.transaction():
        cursor(conn).executemany(
            "UPDATE explorer_token SET name = %s, symbol = %s, decimals = %s, searched = %s, pieces = %s,"
            " is_described = true"
            " WHERE address = %s AND number = %s"
            " AND EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.number = %s AND c.hash = %s)",
            [
                (
                    *(label.name, label.symbol, label.decimals),
                    *(searched(label.name, label.symbol), pieces(label.name, label.symbol)),
                    *(label.token.address, label.token.number, label.token.number, label.token.hash),
                )
                for label in labels
            ],
        )


def describe_round() -> int:
    """Ask some of the tokens that wait; how many were asked."""
    with closing(open_connection()) as conn:
        with database_errors():
            tokens = UNDESCRIBED.all(conn, ROUND_TOKENS)
        if not tokens:
            return 0
        labels = asyncio.run(ask(tokens))
        until = time.monotonic() + _LOCK_SECONDS
        while time.monotonic() < until:
            with sole_indexer(conn) as held:
                if held:
                    write(conn, labels)
                    return len(labels)
            time.sleep(0.05)
    return 0


class Describer:
    """Rounds in a thread of their own, one at a time."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def look(self, conn: Connection) -> bool:
        """Begin a round where tokens wait and none is under way; whether one began."""
        if (self._thread is not None and self._thread.is_alive()) or time.monotonic() < self._not_before:
            return False
        with database_errors():
            if not UNDESCRIBED.all(conn, 1):
                return False
        self._not_before = time.monotonic() + PAUSE_SECONDS
        self._thread = threading.Thread(target=self._run, name="describe", daemon=True)
        self._thread.start()
        return True

    @staticmethod
    def _run() -> None:
        try:
            describe_round()
        except Exception as error:  # noqa: BLE001 - the next round asks again
            log.warning("tokens were not described", error=str(error)[:200])


class _Session:
    """Calls of one round."""

    def __init__(self, workers: CallWorkers) -> None:
        self._workers = workers
        self.answered = 0
        self.lost = 0

    async def ask(self, token: NewToken) -> Label:
        """A token's label."""
        name = decode_text(await self._call(token, NAME), NAME_LENGTH)
        symbol = decode_text(await self._call(token, SYMBOL), SYMBOL_LENGTH)
        decimals = decode_decimals(await self._call(token, DECIMALS)) if token.standard == 20 else None
        return Label(token, name, symbol, decimals)

    async def _call(self, token: NewToken, selector: bytes) -> bytes:
        message = {
            "from": bytes(20),
            "to": token.address,
            "value": bytes(32),
            "data": selector,
            "gas": CALL_GAS,
            "price": bytes(32),
            "access_list": [],
        }
        request = {"op": "call", "number": token.number, "hash": token.hash, "call": message}
        try:
            answer = await self._workers.run(request, CALL_SECONDS)
        except RequestError:
            # killed, as it went on beyond its time
            self.answered += 1
            return b""
        except StoreError as error:
            log.info("a call of a token was lost", token=token.address.hex(), code=error.code)
            self.lost += 1
            return b""
        self.answered += 1
        return bytes(answer["output"]) if answer.get("success") else b""
