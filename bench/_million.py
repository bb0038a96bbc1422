"""Many indexed transactions, written by the store that the node uses and followed by the node's own indexer.

``fill`` makes the chain: epochs of plain transfers, token transfers and creations among accounts of which a few are
busy and most are not, from many miners.  Signatures are not real, since nobody checks them behind the writer; bodies,
receipts, logs, state, lattices and commitments are.  ``bench.index`` and ``bench.explorer`` print figures over it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ACCOUNTS = 20_000
BUSY = 20
TOKENS = 20_000
MINERS = 2_000
SKIPPED = 120
# every so many epochs of transactions also leave some out
_SKIP_EVERY = 200
# names of tokens, of which the mint of a new one takes two
_FIRST = ("Amber", "Basalt", "Cobalt", "Dune", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper", "Kelp",
          "Lunar", "Marble", "Nimbus", "Opal", "Prairie", "Quartz", "Russet", "Saffron", "Thistle", "Ültra", "Velvet",
          "Willow", "Xenon", "Yarrow", "Zephyr")  # fmt: skip
_SECOND = ("Anchor", "Bridge", "Coin", "Dollar", "Engine", "Farm", "Gold", "House", "Index", "Jar", "Key", "Loan",
           "Mint", "Note", "Order", "Pool", "Quest", "Reserve", "Share", "Token", "Unit", "Vault", "Yield")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Epochs of one kind: how many, how full, how far apart, and how many of them are one commit.

    ``side`` blocks that each ``side_every``-th epoch merges.
    """

    epochs: int
    per_epoch: int
    step_ms: int
    batch: int = 1
    side: int = 1
    side_every: int = 3


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made: transactions, epochs, seconds of the store's commits, and some busy addresses for queries."""

    transactions: int
    epochs: int
    commit_seconds: float
    last_ms: int
    busy: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    miners: tuple[bytes, ...]
    collector: bytes


def even(transactions: int, per_epoch: int = 1000) -> tuple[Stretch, ...]:
    """So many transactions in equal epochs, five minutes apart, so that charts have days to show."""
    return (Stretch(transactions // per_epoch, per_epoch, 300_000),)


class Maker:
    """Draws the bodies of epochs, with the same seed always the same."""

    def __init__(self, factory: Any, seed: int = 1) -> None:
        from chain.core.transactions import keccak
        from tests.factories import wallets

        self.factory, self.draw = factory, random.Random(seed)
        self.people = [wallets.address(10 + n) for n in range(ACCOUNTS)]
        self.tokens = [keccak(b"token %d" % n)[12:] for n in range(TOKENS)]
        self.miners = [keccak(b"miner %d" % n)[12:] for n in range(MINERS)]
        # an exchange that three in ten transfers go to
        self.exchange = self.people[0]
        # is given some of everything
        self.collector = keccak(b"collector")[12:]
        self._ids: dict[int, tuple[int, bytes]] = {}

    def person(self) -> bytes:
        """One in five times one of a few busy accounts."""
        return self.people[self.draw.randrange(BUSY if self.draw.random() < 0.2 else ACCOUNTS)]

    def miner(self) -> bytes:
        """The first ones more often, one of them much more."""
        return self.miners[0 if self.draw.random() < 0.3 else int(MINERS * self.draw.random() ** 2)]

    def body(self, parent: bytes, count: int, skipped: int = 0) -> tuple[list[Any], Any]:
        """Transactions that fit the state of ``parent``, the last ``skipped`` in vain, and what they do."""
        from chain.core.transactions import keccak
        from chain.core.types import SkipReason
        from tests.factories.chain import Effects

        accounts, nonces = self.factory.states[parent].accounts, {}
        body, logs, codes, failed = [], {}, {}, []
        if parent == self.factory.genesis.hash:
            # as large as code may be
            codes = {token: (b"\x5b" * 24_000 + token) for token in self.tokens[:3]}
        for place in range(count + skipped):
            sender, kind = self.person(), self.draw.random()
            nonce = nonces.get(sender, accounts[sender].nonce)
            nonces[sender] = nonce + 1
            other = self.person()
            if kind < 0.85 or place >= count:
                other = self.exchange if self.draw.random() < 0.3 else other
                body.append(self.transaction(sender, nonce, other, 1 + place, b"", 21_000))
                if kind < 0.02:
                    failed.append(place)
            elif kind < 0.99:
                number = 0 if self.draw.random() < 0.4 else int(TOKENS * self.draw.random() ** 3)
                other = self.collector if self.draw.random() < 0.08 else other
                log, data = self.movement(number, sender, other)
                body.append(self.transaction(sender, nonce, self.tokens[number], 0, data, 90_000))
                logs[place] = (log,)
            else:
                body.append(self.transaction(sender, nonce, None, 0, b"\x60\x00", 90_000))
                codes[keccak(sender + nonce.to_bytes(8, "big"))[12:]] = b"\x60\x00"
        skips = [(tx, SkipReason.NONCE) for _, tx in body[count:]]
        return body, Effects(logs=logs, codes=codes, failed=failed, skipped=skips)

    def movement(self, number: int, sender: bytes, other: bytes) -> tuple[Any, bytes]:
        """A token's event and the input that asks for it: one in twenty tokens is ERC-721, one ERC-1155."""
        from chain.core.types import Log
        from explorer.indexers.token_events import SINGLE, TRANSFER

        token, zero = self.tokens[number], bytes(32)
        to = other.rjust(32, b"\0")
        if number % 20 in (7, 13):
            # the newest item moves on, or there is a new one
            last, owner = self._ids.get(number, (0, bytes(20)))
            item, source = (last, owner) if last and self.draw.random() < 0.4 else (last + 1, bytes(20))
            self._ids[number] = (item, other)
            word, come = item.to_bytes(32, "big"), source.rjust(32, b"\0")
            if number % 20 == 7:
                return Log(token, (TRANSFER, come, to, word), b""), bytes.fromhex("23b872dd") + come + to + word
            data = word + (1).to_bytes(32, "big")
            return Log(token, (SINGLE, sender.rjust(32, b"\0"), come, to), data), bytes.fromhex("f242432a") + come + to
        amount = self.draw.randrange(10**20).to_bytes(32, "big")
        come = zero if self.draw.random() < 0.3 else sender.rjust(32, b"\0")
        return Log(token, (TRANSFER, come, to), amount), bytes.fromhex("a9059cbb") + to + amount

    def transaction(
        self, sender: bytes, nonce: int, to: bytes | None, value: int, data: bytes, gas_limit: int
    ) -> tuple[bytes, Any]:
        """A type 2 envelope whose signature is made up, and its decoded form."""
        from chain.core import rlp
        from chain.core.transactions import decode_transaction

        gwei, fake = 10**9, int.from_bytes(sender, "big")
        tip = gwei + int(gwei * self.draw.random() ** 4)
        fields = [self.factory.spec.chain_id, nonce, tip, 10 * gwei, gas_limit, to or b"", value, data, [], 0, fake, 1]
        envelope = b"\x02" + rlp.encode(fields)
        return envelope, decode_transaction(envelope, sender)


def fill(
    conn: Any, stretches: Sequence[Stretch], progress: Callable[[int, int], None] = lambda done, total: None
) -> Filled:
    """Commit stretches of a chain, one after the other, to an empty, migrated database.

    Parameters
    ----------
    conn : psycopg.Connection
        In autocommit.
    progress : callable
        (epochs done, of so many).
    """
    from chain.stores.commit import apply_update
    from tests.factories.chain import ChainFactory
    from tests.factories.database import StoredChain

    factory = ChainFactory(more_wallets=ACCOUNTS)
    stored = StoredChain(conn, factory, joined=False)
    maker = Maker(factory)
    tip, txs, done, full, spent = factory.genesis.hash, 0, 0, 0, 0.0
    total = sum(stretch.epochs for stretch in stretches)
    for stretch in stretches:
        left = stretch.epochs
        while left:
            blocks, added = [], []
            for _ in range(min(stretch.batch, left)):
                skipped = SKIPPED if stretch.per_epoch and full % _SKIP_EVERY == _SKIP_EVERY - 1 else 0
                new = _epoch(factory, maker, tip, stretch, done + len(added), skipped)
                blocks += new
                added.append(new[-1].record.hash)
                tip, txs, full = added[-1], txs + stretch.per_epoch, full + bool(stretch.per_epoch)
            update = factory.update(blocks, sink=tip, added=added)
            began = time.perf_counter()
            apply_update(conn, update, stored.term)
            spent += time.perf_counter() - began
            left, done = left - len(added), done + len(added)
            _forget(factory, tip)
            progress(done, total)
    last_ms = factory.records[tip].header.timestamp_ms
    return Filled(txs, done, spent, last_ms, tuple(maker.people[:BUSY]), tuple(maker.tokens[:10]),
                  tuple(maker.miners[:10]), maker.collector)  # fmt: skip


def _epoch(factory: Any, maker: Maker, tip: bytes, stretch: Stretch, place: int, skipped: int) -> list[Any]:
    """The blocks of an epoch, the chain block last; some of what it carries lies in a block that it merges too."""
    body, effects = maker.body(tip, stretch.per_epoch, skipped)
    merges = stretch.side if place % stretch.side_every == 0 else 0
    sides = [
        factory.block(
            tip, body[: 3 * (not number)], stream=3, coinbase=maker.miner(), step_ms=max(1, stretch.step_ms - 1)
        )
        for number in range(merges)
    ]
    stream = 1 if place % 100 == 0 else 2 if place % 10 == 0 or stretch.step_ms > 1000 else 3
    block = factory.block(
        tip, body, stream=stream, coinbase=maker.miner(), step_ms=1 if sides else stretch.step_ms,
        blues=[one.record.hash for one in sides],
    )  # fmt: skip
    factory.execute(block, effects)
    return [*sides, block]


def lengthen(conn: Any, blocks: int) -> int:
    """Put copies of the newest block, which merges nothing and accepts nothing, above it; the time of the last one, ms.

    Only what lists of blocks and the head of the chain are read from is written; the index is not meant to follow.
    """
    seconds = "g.place * 1000"
    above = "sha256(int8send(h.number + g.place))"
    parent = "CASE WHEN g.place = 1 THEN h.hash ELSE sha256(int8send(h.number + g.place - 1)) END"
    changed = {
        "hash": above,
        "seq": "h.seq + g.place",
        "number": "h.number + g.place",
        "blue_score": "h.blue_score + g.place",
        "timestamp_ms": f"h.timestamp_ms + {seconds}",
        "received_ms": f"h.received_ms + {seconds}",
        "parents": f"ARRAY[{parent}]",
        "selected_parent": parent,
        "blues": f"ARRAY[{parent}]",
        "parent": parent,
    }
    head = "(SELECT sink FROM chain_node_state)"
    for table in ("chain_block", "chain_epoch", "chain_consensus_order", "chain_selected_chain"):
        asked = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
        names = [row[0] for row in conn.execute(asked, (table,))]
        values = ", ".join([changed.get(name, f'h."{name}"') for name in names])
        conn.execute(
            f"INSERT INTO {table} SELECT {values} FROM {table} h, generate_series(1, %s) g(place)"
            f" WHERE h.hash = {head}",
            (blocks,),
        )
    conn.execute(
        "UPDATE chain_node_state n SET sink = c.hash, tips = ARRAY[c.hash], sink_number = c.number FROM"
        " (SELECT number, hash FROM chain_selected_chain ORDER BY number DESC LIMIT 1) c"
    )
    conn.execute("ANALYZE")
    return int(conn.execute("SELECT max(timestamp_ms) FROM chain_block").fetchone()[0])


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


def name_tokens(progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Write down what the tokens, which have no code to ask, would have called themselves."""
    from explorer.indexers import describe, sync

    conn = sync.open_connection()
    draw, named = random.Random(2), 0
    while found := describe.UNDESCRIBED.all(conn, 500):
        conn.rollback()
        labels = []
        for token in found:
            words = (draw.choice(_FIRST), draw.choice(_SECOND))
            number = draw.randrange(100) if draw.random() < 0.5 else ""
            symbol = f"{words[0][0]}{words[1][:3]}{number}".upper()
            labels.append(describe.Label(token, f"{' '.join(words)} {number}".strip(), symbol, 18))
        describe.write(conn, labels)
        named += len(labels)
        progress(named, TOKENS)
    conn.close()


def _forget(factory: Any, tip: bytes) -> None:
    """Keep of the factory's memory what the next epoch needs."""
    for known in (factory.records, factory.blocks, factory.states, factory.lattices, factory.summaries,
                  factory.supplies, factory.epochs):  # fmt: skip
        for block in [block for block in known if block not in (tip, factory.genesis.hash)]:
            del known[block]
