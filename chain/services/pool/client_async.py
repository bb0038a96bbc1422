"""The pool for the RPC process: asynchronous, offers of concurrent callers joined into one step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from chain.core.errors import StoreError
from chain.core.pool import PoolEntry, PoolPolicy, SenderState, check_policy
from chain.core.types import Transaction
from chain.services.deferred import Deferred
from chain.services.pool import wire
from chain.services.pool.client import PREFIX
from chain.services.pool.scripts import scripts

# the accounts of some senders, all as of one commit
ReadStates = Callable[[Sequence[bytes]], Awaitable[Mapping[bytes, SenderState]]]

MAX_JOINED = 256
# a state that is read may already be older than the pool's last commit
MAX_READS = 5
CONTENT_LIMIT = 20_000


class _Offer(NamedTuple):
    tx: Transaction
    raw: bytes
    answer: Deferred[wire.AddResult]


class AsyncPool:
    """The pool as an event loop sees it.

    Parameters
    ----------
    redis : redis.asyncio.Redis
        A client that answers bytes.
    policy : PoolPolicy
    read_states : callable
        Reads senders that the pool does not know.
    clock : callable
        ms since 1970.
    """

    def __init__(
        self,
        redis: Redis,
        policy: PoolPolicy,
        read_states: ReadStates,
        clock: Callable[[], int],
        prefix: str = PREFIX,
    ) -> None:
        self._redis = redis
        self._policy = policy
        self._read_states = read_states
        self._clock = clock
        self._prefix = prefix
        self._waiting: list[_Offer] = []
        self._sender: asyncio.Task[None] | None = None
        self._line: AbstractConnection | None = None
        self.base_fee = policy.min_max_fee

    async def add(self, tx: Transaction, raw: bytes) -> wire.AddResult:
        """``offer``, awaited."""
        return await self.offer(tx, raw)

    def offer(self, tx: Transaction, raw: bytes) -> Deferred[wire.AddResult]:
        """Take a transaction; offers that wait meanwhile go together in the order of their calls.

        Raises
        ------
        PoolRejection
            Why not, by policy; the pool's own refusals are the error of the answer.
        """
        check_policy(tx, self._policy)
        answer: Deferred[wire.AddResult] = Deferred()
        self._waiting.append(_Offer(tx, raw, answer))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return answer

    async def get(self, tx_hash: bytes) -> PoolEntry | None:
        """A pooled transaction by hash."""
        place = await self._call("HGET", f"{self._prefix}tx", tx_hash)
        if place is None:
            return None
        sender, field = wire.unpack_place(place)
        record = await self._call("HGET", self._sender_key(sender), field)
        return None if record is None or record[:32] != tx_hash else wire.unpack_record(record)

    async def sender(self, address: bytes) -> wire.PooledSender | None:
        """What the pool knows of a sender."""
        raw = await self._call("HGET", f"{self._prefix}states", address)
        return None if raw is None else wire.unpack_sender(raw)

    async def sums(self) -> wire.Sums:
        """Counts and sizes."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hlen(f"{self._prefix}tx")
            pipe.hgetall(f"{self._prefix}stats")
            count, stats = await pipe.execute()
        return wire.sums(count, stats)

    async def content(
        self, senders: Iterable[bytes] | None = None
    ) -> tuple[dict[bytes, list[PoolEntry]], dict[bytes, list[PoolEntry]]]:
        """Executable and queued transactions by sender, each ascending; of all senders unless named.

        Holds at most ``CONTENT_LIMIT`` transactions and then whole senders only.
        """
        if senders is None:
            addresses = sorted(cast("set[bytes]", await self._call("SMEMBERS", f"{self._prefix}senders")))
        else:
            addresses = list(senders)
        pending: dict[bytes, list[PoolEntry]] = {}
        queued: dict[bytes, list[PoolEntry]] = {}
        total = 0
        for start in range(0, len(addresses), MAX_JOINED):
            chunk = addresses[start : start + MAX_JOINED]
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(f"{self._prefix}states", chunk)
                for address in chunk:
                    pipe.hgetall(self._sender_key(address))
                states, *answers = await pipe.execute()
            for address, raw, fields in zip(chunk, states, answers, strict=True):
                if raw is None or not fields:
                    continue
                stop = wire.unpack_sender(raw).next_nonce
                entries = sorted((wire.unpack_record(record) for record in fields.values()), key=lambda e: e.nonce)
                total += len(entries)
                for where, part in (
                    (pending, [e for e in entries if e.nonce < stop]),
                    (queued, [e for e in entries if e.nonce >= stop]),
                ):
                    if part:
                        where[address] = part
            if total >= CONTENT_LIMIT:
                break
        return pending, queued

    async def _send(self) -> None:
        while self._waiting:
            offers, self._waiting = self._waiting[:MAX_JOINED], self._waiting[MAX_JOINED:]
            try:
                results = await self._offer(offers)
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to the callers who wait
                for offer in offers:
                    offer.answer.fail(error)
                continue
            for offer, result in zip(offers, results, strict=True):
                rejection = result.rejection(offer.tx)
                if rejection is None:
                    offer.answer.give(result)
                else:
                    offer.answer.fail(rejection)

    async def _offer(self, offers: Sequence[_Offer]) -> list[wire.AddResult]:
        results = await self._add([(offer.tx, offer.raw, None) for offer in offers])
        for read in range(MAX_READS):
            # a refusal is judged once more by the database's own state, which may be a commit ahead
            missing = [i for i, result in enumerate(results) if result.needs_state or (not read and result.is_doubtful)]
            if not missing:
                return results
            states = await self._read_states(sorted({offers[i].tx.sender for i in missing}))
            again = await self._add([(offers[i].tx, offers[i].raw, states[offers[i].tx.sender]) for i in missing])
            for i, result in zip(missing, again, strict=True):
                results[i] = result
        raise StoreError("pool_state_behind", "the database stays behind the pool's last commit")

    async def _add(self, items: Sequence[tuple[Transaction, bytes, SenderState | None]]) -> list[wire.AddResult]:
        script = scripts()["add"]
        arguments = wire.add_arguments(items, self.base_fee, self._clock(), self._policy)
        try:
            answer = await self._ask("EVALSHA", script.sha, 1, self._prefix, *arguments)
        except NoScriptError:
            answer = await self._call("EVAL", script.text, 1, self._prefix, *arguments)
        return wire.add_results(answer)

    def _sender_key(self, sender: bytes) -> bytes:
        return f"{self._prefix}s:".encode() + sender

    async def _ask(self, *command: Any) -> Any:
        """One command on a connection that is kept for it: the client's way to one costs more than most answers.

        Where that breaks, the command goes once more by the client, so it must bear being repeated.
        """
        pool = self._redis.connection_pool
        try:
            if self._line is None:
                self._line = await pool.get_connection()
            await self._line.send_packed_command(self._line.pack_command(*command))
            return await self._line.read_response()
        except ResponseError:
            raise
        except BaseException as error:
            # its next answer might be this one's
            line, self._line = self._line, None
            if line is not None:
                await line.disconnect(nowait=True)
                await pool.release(line)
            if not isinstance(error, RedisError | OSError):
                raise
        return await self._call(*command)

    async def _call(self, *command: Any) -> Any:
        return await self._redis.execute_command(*command)
