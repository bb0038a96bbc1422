"""The single writer: drains waiting blocks, resolves virtual once, commits once.

One process holds the advisory lock for its whole life on one dedicated connection.  Whatever goes
wrong, memory is dropped and read again from the store: a commit is all or nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog

from chain import locks, metrics
from chain.core.codec import decode_block
from chain.core.consensus.engine import Arrival, Engine
from chain.core.errors import BadDelivery, NotYet, RuleViolation, StoreError, WaitCode
from chain.core.rules.body_in_isolation import check_decoded_body, decode_body_transactions
from chain.pipeline.warm import load_engine
from chain.stores import candidates
from chain.stores.commit import apply_update

if TYPE_CHECKING:
    import psycopg

    from chain.core.consensus.model import ChainUpdate
    from chain.core.consensus.ports import LaneDispatcher
    from chain.core.spec import ChainSpec

log = structlog.get_logger(__name__)

BATCH_BLOCKS = 256
# blocks of this node's own miners come with the pool's word for their transactions
MINED = "mined"
# a block at which the node itself fails is tried so often before it is set aside
MAX_TRIES = 3


@dataclass
class Round:
    """What one commit did, for the log and for metrics."""

    blocks: int = 0
    refused: int = 0
    parked: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


class Publisher(Protocol):
    """Tells pool, miners and readers what the writer did."""

    def opened(self, engine: Engine) -> None:
        """The writer is warm; what was published before may be old or gone."""

    def committed(self, update: ChainUpdate, engine: Engine) -> None:
        """An update is in the store."""

    def is_current(self, engine: Engine) -> bool:
        """Whether the last commit is still shown."""


class Writer:
    """Owns the chain's tables while it holds the lock.

    Parameters
    ----------
    connect : callable
        Opens the dedicated psycopg connection, in autocommit: each store call is its own transaction.
    publisher : Publisher
        Shows commits to the other processes.  Its failure loses no data: the writer publishes again.
    clock_ms : callable
        The local clock.
    holder : str
        Who holds the lock, for operators.
    lane_dispatcher : LaneDispatcher, optional
        Runs lanes elsewhere; left out, they run here.
    """

    def __init__(
        self,
        spec: ChainSpec,
        connect: Callable[[], psycopg.Connection],
        publisher: Publisher,
        clock_ms: Callable[[], int],
        holder: str,
        lane_dispatcher: LaneDispatcher | None = None,
    ) -> None:
        self._spec = spec
        self._connect = connect
        self._publisher = publisher
        self._clock_ms = clock_ms
        self._holder = holder
        self._lane_dispatcher = lane_dispatcher
        self._connection: psycopg.Connection | None = None
        self._engine: Engine | None = None
        self._term = 0
        self._failures: dict[bytes, int] = {}

    @property
    def engine(self) -> Engine:
        """The warm engine; opens it where needed."""
        if self._engine is None:
            self.open()
        assert self._engine is not None
        return self._engine

    def open(self) -> None:
        """Take the lock, begin a new term, read the window from the store.

        Raises
        ------
        StoreError
            ``writer_locked`` while another process is the writer.
        """
        if self._is_open:
            return
        self.close()
        connection = self._connect()
        try:
            if not locks.try_lock(connection, locks.Lock.WRITER):
                message = "another process is this chain's writer"
                raise StoreError("writer_locked", message, holder=locks.term_holder(connection))
            self._term = locks.new_term(connection, self._holder)
            started = time.monotonic()
            self._engine = load_engine(connection, self._spec, self._lane_dispatcher)
            self._engine.state.watch = lambda number: metrics.EPOCH_SECONDS.time()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        log.info(
            "writer warm",
            term=self._term,
            blocks=len(self._engine.records),
            number=self._engine.sink.header.number,
            seconds=round(time.monotonic() - started, 3),
        )
        engine = self._engine
        engine.resolve()
        self._publish(lambda: self._publisher.opened(engine))

    @property
    def _is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def close(self) -> None:
        """Drop the memory and the lock."""
        connection, self._connection, self._engine = self._connection, None, None
        if connection is not None:
            connection.close()

    def drain(self, is_over: Callable[[], bool] = lambda: False) -> int:
        """Handle every block that waits; returns how many entered the DAG.

        Parameters
        ----------
        is_over : callable
            Asked between two commits; true leaves the rest for later.

        Raises
        ------
        StoreError
            The store refused the writer; memory has been dropped.
        """
        total = 0
        try:
            if self._is_open:
                self._publish(self._catch_up)
            else:
                self.open()
            while not is_over() and (done := self._round()) is not None:
                total += done.blocks
        except BaseException:
            self.close()
            raise
        return total

    def _round(self) -> Round | None:
        """One batch and its commit; None where nothing is left to do."""
        assert self._connection is not None
        connection, engine, done = self._connection, self.engine, Round()
        started = time.monotonic()
        waiting = candidates.fetch_work(connection, self._clock_ms(), BATCH_BLOCKS)
        if not waiting:
            return None
        for candidate in waiting:
            with structlog.contextvars.bound_contextvars(block=candidate.hash.hex(), source=candidate.source):
                self._admit(candidate, done)
        added = time.monotonic()
        if done.blocks:
            engine.resolve()
        elif not done.refused:
            return done
        resolved = time.monotonic()
        update = engine.collect()
        apply_update(connection, update, self._term)
        engine.committed()
        committed = time.monotonic()
        self._publish(lambda: self._publisher.committed(update, engine))
        done.seconds = {
            "add": added - started,
            "resolve": resolved - added,
            "commit": committed - resolved,
            "publish": time.monotonic() - committed,
        }
        for stage in ("resolve", "commit", "publish"):
            metrics.BLOCK_VALIDATION.labels(stage).observe(done.seconds[stage])
        log.debug(
            "committed",
            sequence=engine.sequence,
            number=engine.sink.header.number,
            blocks=done.blocks,
            txs=sum(len(epoch.result.receipts) for epoch in update.added),
            **{name: round(1000 * seconds, 1) for name, seconds in done.seconds.items()},
        )
        return done

    def _admit(self, candidate: candidates.Waiting, done: Round) -> None:
        """Put one candidate into the DAG, park it or refuse it."""
        assert self._connection is not None
        engine = self.engine
        if engine.knows(candidate.hash):
            candidates.forget(self._connection, candidate.hash)
            return
        block = decode_block(candidate.raw)
        senders = [candidate.senders[start : start + 20] for start in range(0, len(candidate.senders), 20)]
        self._learn_refused(block.header.parents)
        started = time.monotonic()
        try:
            transactions = decode_body_transactions(block.transactions, self._spec, senders)
            if candidate.source == MINED:
                check_decoded_body(block.header, transactions, self._spec)
            engine.add(Arrival(block.header, transactions, block.transactions, candidate.source, candidate.received_ms))
        except NotYet as wait:
            done.parked += 1
            log.info("block parked", code=wait.code)
            final = wait.code == WaitCode.FINALITY_CONFLICT
            if final:
                metrics.FINALITY_CONFLICTS.inc()
            until = None if final else wait.until
            candidates.mark_parked(self._connection, candidate.hash, wait.missing, until, wait.code)
        except BadDelivery as delivery:
            log.error("own block is not whole", code=delivery.code)
            candidates.forget(self._connection, candidate.hash)
        except RuleViolation as violation:
            if not engine.knows(candidate.hash):
                engine.refuse(candidate.hash, violation.code)
            done.refused += 1
            metrics.block_rejected(violation.code)
            log.info("block refused", code=violation.code)
        except Exception:
            self._set_aside(candidate)
            raise
        else:
            done.blocks += 1
            metrics.BLOCK_VALIDATION.labels("context").observe(time.monotonic() - started)

    def _set_aside(self, candidate: candidates.Waiting) -> None:
        """A block at which this node itself fails, not the block: after some tries it must not stop all others."""
        assert self._connection is not None
        tries = self._failures[candidate.hash] = self._failures.get(candidate.hash, 0) + 1
        log.exception("block could not be judged", tries=tries)
        if tries >= MAX_TRIES:
            del self._failures[candidate.hash]
            candidates.mark_parked(self._connection, candidate.hash, code="internal_error")

    def _learn_refused(self, parents: Sequence[bytes]) -> None:
        """Tell the engine of parents that a validator refused: their children are invalid too."""
        assert self._connection is not None
        for parent in parents:
            if not self.engine.knows(parent):
                status = candidates.candidate_status(self._connection, parent)
                if status is not None and status.state == "refused":
                    self.engine.refuse(parent, status.code or "")

    def _catch_up(self) -> None:
        """Without a new block too: where nothing is shown, nobody can make one."""
        if not self._publisher.is_current(self.engine):
            self._publisher.opened(self.engine)

    def _publish(self, publish: Callable[[], None]) -> None:
        try:
            publish()
        except Exception:
            # the chain is safe; readers poll, and the next wake-up publishes the newest state again
            log.exception("publishing failed", sequence=self.engine.sequence)
