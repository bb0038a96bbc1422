"""Many indexed transactions, written by the store that the node uses and followed by the node's own indexer.

``fill`` makes the chain: epochs of plain transfers, token transfers and creations among accounts of which a few are
busy and most are not, from many miners.  Signatures are not real, since nobody checks them behind the writer; bodies,
receipts, logs, state, lattices and commitments are.  ``bench.index`` prints figures of both.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ACCOUNTS = 20_000
BUSY = 20
TOKENS = 500
MINERS = 300


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made: transactions, epochs, seconds of the store's commits, and some busy addresses for queries."""

    transactions: int
    epochs: int
    commit_seconds: float
    busy: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    miners: tuple[bytes, ...]


class Maker:
    """Draws the bodies of epochs, with the same seed always the same."""

    def __init__(self, factory: Any, seed: int = 1) -> None:
        from chain.core.transactions import keccak
        from tests.factories import wallets

        self.factory, self.draw = factory, random.Random(seed)
        self.people = [wallets.address(10 + n) for n in range(ACCOUNTS)]
        self.tokens = [keccak(b"token %d" % n)[12:] for n in range(TOKENS)]
        self.miners = [keccak(b"miner %d" % n)[12:] for n in range(MINERS)]

    def person(self) -> bytes:
        """One in five times one of a few busy accounts."""
        return self.people[self.draw.randrange(BUSY if self.draw.random() < 0.2 else ACCOUNTS)]

    def miner(self) -> bytes:
        """The first ones more often."""
        return self.miners[int(MINERS * self.draw.random() ** 2)]

    def body(self, parent: bytes, count: int) -> tuple[list[Any], Any]:
        """Transactions that fit the state of ``parent``, and what they do."""
        from chain.core.transactions import keccak
        from chain.core.types import Log
        from explorer.indexers.token_events import TRANSFER
        from tests.factories.chain import Effects

        accounts, nonces = self.factory.states[parent].accounts, {}
        body, logs, codes = [], {}, {}
        for place in range(count):
            sender, kind = self.person(), self.draw.random()
            nonce = nonces.get(sender, accounts[sender].nonce)
            nonces[sender] = nonce + 1
            other = self.person()
            if kind < 0.85:
                body.append(self.transaction(sender, nonce, other, 1 + place, b"", 21_000))
            elif kind < 0.99:
                token = self.tokens[int(TOKENS * self.draw.random() ** 3)]
                amount = self.draw.randrange(10**20)
                data = bytes.fromhex("a9059cbb") + other.rjust(32, b"\0") + amount.to_bytes(32, "big")
                body.append(self.transaction(sender, nonce, token, 0, data, 90_000))
                source = bytes(20) if self.draw.random() < 0.3 else sender
                topics = (TRANSFER, source.rjust(32, b"\0"), other.rjust(32, b"\0"))
                logs[place] = (Log(token, topics, amount.to_bytes(32, "big")),)
            else:
                body.append(self.transaction(sender, nonce, None, 0, b"\x60\x00", 90_000))
                codes[keccak(sender + nonce.to_bytes(8, "big"))[12:]] = b"\x60\x00"
        return body, Effects(logs=logs, codes=codes)

    def transaction(
        self, sender: bytes, nonce: int, to: bytes | None, value: int, data: bytes, gas_limit: int
    ) -> tuple[bytes, Any]:
        """A type 2 envelope whose signature is made up, and its decoded form."""
        from chain.core import rlp
        from chain.core.transactions import decode_transaction

        gwei, fake = 10**9, int.from_bytes(sender, "big")
        fields = [self.factory.spec.chain_id, nonce, gwei, 10 * gwei, gas_limit, to or b"", value, data, [], 0, fake, 1]
        envelope = b"\x02" + rlp.encode(fields)
        return envelope, decode_transaction(envelope, sender)


def fill(
    conn: Any,
    transactions: int = 1_000_000,
    per_epoch: int = 1000,
    step_ms: int = 300_000,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Filled:
    """Commit so many transactions to an empty, migrated database.

    Parameters
    ----------
    conn : psycopg.Connection
        In autocommit.
    step_ms : int
        Between two epochs' times, so that charts have days to show.
    progress : callable
        (transactions done, of so many).
    """
    from chain.stores.commit import apply_update
    from tests.factories.chain import ChainFactory
    from tests.factories.database import StoredChain

    factory = ChainFactory(more_wallets=ACCOUNTS)
    stored = StoredChain(conn, factory, joined=False)
    maker = Maker(factory)
    tip, done, epochs, spent = factory.genesis.hash, 0, 0, 0.0
    while done < transactions:
        body, effects = maker.body(tip, min(per_epoch, transactions - done))
        merged = []
        if epochs % 3 == 0:
            side = factory.block(tip, [], stream=3, coinbase=maker.miner(), step_ms=step_ms - 1)
            merged.append(side)
        block = factory.block(
            tip, body, stream=2 if epochs % 10 else 1, coinbase=maker.miner(), step_ms=step_ms if not merged else 1,
            blues=[one.record.hash for one in merged],
        )  # fmt: skip
        factory.execute(block, effects)
        update = factory.update([*merged, block], sink=block.record.hash, added=[block.record.hash])
        began = time.perf_counter()
        apply_update(conn, update, stored.term)
        spent += time.perf_counter() - began
        tip, done, epochs = block.record.hash, done + len(body), epochs + 1
        _forget(factory, tip)
        progress(done, transactions)
    return Filled(done, epochs, spent, tuple(maker.people[:BUSY]), tuple(maker.tokens[:10]), tuple(maker.miners[:10]))


def index(progress: Callable[[int, int], None] = lambda done, total: None) -> float:
    """Follow the chain with every projection to its head; the seconds that it took."""
    from explorer.indexers import sync

    conn, began = sync.open_connection(), time.perf_counter()
    while (done := sync.step(conn)) is not None:
        progress(done.number, done.head)
    seconds = time.perf_counter() - began
    for table in sorted({table for projection in sync.PROJECTIONS for table in projection.tables}):
        conn.execute(f"ANALYZE {table}")
    conn.close()
    return seconds


def _forget(factory: Any, tip: bytes) -> None:
    """Keep of the factory's memory what the next epoch needs."""
    for known in (factory.records, factory.blocks, factory.states, factory.lattices, factory.summaries,
                  factory.supplies, factory.epochs):  # fmt: skip
        for block in [block for block in known if block not in (tip, factory.genesis.hash)]:
            del known[block]
