"""The pool for workers, miners and the writer: synchronous."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import structlog
from redis import Redis
from redis.exceptions import NoScriptError

from chain.core.consensus.model import ChainUpdate
from chain.core.envelope import encode_transaction
from chain.core.errors import BlockchainError
from chain.core.pool import BlockLimits, Ordering, PoolEntry, PoolPolicy, SenderState, check_policy, order_for_block
from chain.core.types import Account, Transaction
from chain.services.pool import wire
from chain.services.pool.scripts import scripts

log = structlog.get_logger(__name__)

PREFIX = "mds:pool:"
IDLE_MS = 600_000
MAX_IDLE = 20_000
ADD_CHUNK = 500
# what the update script answers when the pool has not seen the commit before
_MISSED = -2


class Pool:
    """The pool as one process sees it; every method is atomic.

    Parameters
    ----------
    redis : Redis
        A client that answers bytes.
    policy : PoolPolicy
    prefix : str
        Of every key.
    """

    def __init__(self, redis: Redis, policy: PoolPolicy, prefix: str = PREFIX) -> None:
        self._redis = redis
        self._policy = policy
        self._prefix = prefix

    @property
    def taken_field(self) -> tuple[str, str]:
        """Key and field of a hash where Redis counts the transactions that the pool ever took."""
        return f"{self._prefix}stats", "taken"

    def add(
        self, tx: Transaction, raw: bytes, base_fee: int, now_ms: int, state: SenderState | None = None
    ) -> wire.AddResult:
        """Offer one transaction.

        Parameters
        ----------
        base_fee : int
            The next block's, wei per gas: a full pool keeps the best tips at this fee.
        state : SenderState, optional
            The sender's account, where an earlier answer asked for it.

        Raises
        ------
        PoolRejection
            By policy, before the pool is asked; the pool's own refusals are in the result.
        """
        return self.add_many([(tx, raw, state)], base_fee, now_ms)[0]

    def add_many(
        self, items: Sequence[tuple[Transaction, bytes, SenderState | None]], base_fee: int, now_ms: int
    ) -> list[wire.AddResult]:
        """Offer several in one step, each judged on its own and in order.

        Raises
        ------
        PoolRejection
            By policy, before any is offered.
        """
        for tx, _, _ in items:
            check_policy(tx, self._policy)
        return wire.add_results(self._run("add", wire.add_arguments(items, base_fee, now_ms, self._policy)))

    def sequence(self) -> int:
        """Of the last commit that the pool has seen; -1 where it knows of none, new or wiped."""
        raw = cast("bytes | None", self._redis.get(f"{self._prefix}sequence"))
        return -1 if raw is None else int(raw)

    def on_update(self, update: ChainUpdate, now_ms: int, *, gapless: bool = False) -> bool:
        """Follow a commit of the writer: one round trip, idempotent by its sequence.

        What was accepted or can no longer run leaves, what a reorganisation undid comes back, and
        transactions in merged blocks are passed over by ``select``.

        Returns
        -------
        bool
            False where ``gapless`` is asked for and the pool has not seen the commit before this one, because
            Redis was away, wiped or lost its last second: call ``readmit`` and ``resync`` then.
        """
        accounts = wire.pack_accounts(update.state.accounts, update.state.codes)
        calls: list[tuple[str, list[Any]]] = [("update", [now_ms, update.sequence, 2 if gapless else 0, accounts])]
        back = [item for tx in update.returned if (item := self._returned(tx, update)) is not None]
        for start in range(0, len(back), ADD_CHUNK):
            chunk = back[start : start + ADD_CHUNK]
            calls.append(("add", wire.add_arguments(chunk, update.virtual.base_fee, now_ms, self._policy)))
        calls.append(("flight", [now_ms, update.sequence, b"".join(update.virtual.in_flight)]))
        return bool(self._run_all(calls)[0] != _MISSED)

    def readmit(
        self,
        transactions: Iterable[Transaction],
        states: Mapping[bytes, SenderState],
        base_fee: int,
        now_ms: int,
    ) -> int:
        """Take back what reorganisations undid while the pool did not listen; how many it holds then.

        Parameters
        ----------
        states : mapping
            Every sender's account as of the last commit.
        """
        back = [(tx, encode_transaction(tx), states[tx.sender]) for tx in transactions if self._passes(tx)]
        held = 0
        for start in range(0, len(back), ADD_CHUNK):
            results = self.add_many(back[start : start + ADD_CHUNK], base_fee, now_ms)
            held += sum(result.code < wire.AddCode.UNKNOWN_SENDER for result in results)
        return held

    def resync(
        self,
        sequence: int,
        read_accounts: Callable[[Sequence[bytes]], Mapping[bytes, Account | None]],
        in_flight: Iterable[bytes],
        now_ms: int,
    ) -> int:
        """Take every sender's state anew, after the writer's start or a loss of either store.

        Parameters
        ----------
        sequence : int
            Of the last commit; it may be lower than the pool's where a database was restored.
        read_accounts : callable
            Current accounts of some addresses.

        Returns
        -------
        int
            Senders with transactions.
        """
        with_transactions = cast("set[bytes]", self._redis.smembers(f"{self._prefix}senders"))
        idle = cast("list[bytes]", self._redis.zrange(f"{self._prefix}idle", 0, -1))
        addresses = sorted(with_transactions | set(idle))
        accounts = read_accounts(addresses)
        known = {address: accounts.get(address) for address in addresses}
        self._run_all(
            [
                ("update", [now_ms, sequence, 1, wire.pack_accounts(known, {})]),
                ("flight", [now_ms, sequence, b"".join(in_flight)]),
            ]
        )
        return len(with_transactions)

    def select(
        self, limits: BlockLimits, base_fee: int, ordering: Ordering = Ordering.FEE, seed: bytes = b""
    ) -> list[PoolEntry]:
        """Transactions for one block of a stream with these limits, in the order that it should hold them.

        Only executable ones that no merged block holds, each sender's in nonce order.  A pool that is much larger
        than the block offers a part to the policy: the senders that stand first by it, with a share of each
        one's run.

        Parameters
        ----------
        base_fee : int
            Wei per gas of the block's own epoch.
        ordering : Ordering
        seed : bytes
            For RANDOM: what nobody knew when the transactions were sent, such as the parent's hash.
        """
        wanted = [limits.txs, wire.amount(base_fee), limits.call_gas, str(ordering), wire.sample_seed(seed)]
        entries = map(wire.unpack_record, self._run("select", wanted))
        return order_for_block(entries, base_fee, limits, ordering, seed)

    def wait_for_arrival(self, timeout_s: float) -> bool:
        """Block until something may have become executable, at most so long; one token wakes one waiter."""
        return self._redis.blpop([f"{self._prefix}wake"], timeout=timeout_s) is not None

    def expire(self, now_ms: int) -> int:
        """Drop what waited longer than the policy's lifetime, a thousand at most; how many."""
        oldest = now_ms - self._policy.lifetime_ms
        return cast(int, self._run("expire", [now_ms, oldest, now_ms - IDLE_MS, MAX_IDLE]))

    def drop(self, now_ms: int, hashes: Iterable[bytes] = (), senders: Iterable[bytes] = ()) -> int:
        """Take transactions out, by hash and all of some senders; how many left.  Anybody may offer them again."""
        wanted = [b"".join(dict.fromkeys(hashes)), b"".join(dict.fromkeys(senders))]
        return cast(int, self._run("drop", [now_ms, *wanted]))

    def get(self, tx_hash: bytes) -> PoolEntry | None:
        """A pooled transaction by hash."""
        place = cast("bytes | None", self._redis.hget(f"{self._prefix}tx", tx_hash))
        if place is None:
            return None
        sender, field = wire.unpack_place(place)
        record = cast("bytes | None", self._redis.hget(self._sender_key(sender), field))
        # replaced between the two reads: another transaction stands there now
        return None if record is None or record[:32] != tx_hash else wire.unpack_record(record)

    def sums(self) -> wire.Sums:
        """Counts and sizes; what metrics and txpool_status show."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hlen(f"{self._prefix}tx")
            pipe.hgetall(f"{self._prefix}stats")
            count, stats = pipe.execute()
        return wire.sums(count, stats)

    def clear(self) -> None:
        """Forget everything."""
        for key in self._redis.scan_iter(match=f"{self._prefix}*", count=1000):
            self._redis.delete(key)

    def _returned(self, tx: Transaction, update: ChainUpdate) -> tuple[Transaction, bytes, SenderState | None] | None:
        if not self._passes(tx):
            return None
        state = None
        if tx.sender in update.state.accounts:
            account = update.state.accounts[tx.sender]
            code = update.state.codes.get(account.code_hash, b"") if account is not None else b""
            nonce, balance = (account.nonce, account.balance) if account is not None else (0, 0)
            state = SenderState(nonce, balance, wire.code_kind(code), update.sequence)
        return tx, encode_transaction(tx), state

    def _passes(self, tx: Transaction) -> bool:
        try:
            check_policy(tx, self._policy)
        except BlockchainError as refused:
            log.info("pool.not_readmitted", tx=tx.hash.hex(), code=refused.code)
            return False
        return True

    def _sender_key(self, sender: bytes) -> bytes:
        return f"{self._prefix}s:".encode() + sender

    def _run(self, name: str, arguments: Sequence[Any]) -> Any:
        script = scripts()[name]
        try:
            return self._redis.evalsha(script.sha, 1, self._prefix, *arguments)
        except NoScriptError:
            # a Redis that was started anew
            return self._redis.eval(script.text, 1, self._prefix, *arguments)

    def _run_all(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Several scripts as one step."""
        try:
            return self._pipe(calls)
        except NoScriptError:
            # each is idempotent, so it does no harm where some were known and ran
            for script in scripts().values():
                self._redis.script_load(script.text)
            return self._pipe(calls)

    def _pipe(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        with self._redis.pipeline(transaction=True) as pipe:
            for name, arguments in calls:
                pipe.evalsha(scripts()[name].sha, 1, self._prefix, *arguments)
            return pipe.execute()
