"""The pool's queues, one a sender, as frozen data: admission, replacement, promotion, eviction, expiry.

This is the definition of what the pool does.  The running pool keeps the same data in an external store and
changes it by atomic scripts; it must answer as these functions do.

A sender's transactions from its account's nonce on without a gap are its *run*: executable.  Those beyond a
gap are *queued*; when the gap closes they join the run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple

from chain.core.pool.policy import CodeKind, PoolEntry, PoolPolicy, SenderState, replaceable_fee


class AddCode(IntEnum):
    """What the pool answers to one transaction; 10 and above are rejections."""

    ADDED = 0
    KNOWN = 1
    REPLACED = 2
    UNKNOWN_SENDER = 3
    STALE_STATE = 4
    NONCE_LOW = 10
    NONCE_HIGH = 11
    FUNDS = 12
    REPLACEMENT = 13
    HAS_CODE = 14
    SENDER_LIMIT = 15
    FULL = 16


class Held(NamedTuple):
    """An entry and its effective tip on arrival, by which a full pool drops."""

    entry: PoolEntry
    price: int

    @property
    def nonce(self) -> int:
        """The entry's."""
        return self.entry.nonce


class AccountNews(NamedTuple):
    """An account after a commit; ``code`` is None where it has some that was not told."""

    nonce: int
    balance: int
    code: CodeKind | None


@dataclass(frozen=True, slots=True)
class SenderQueue:
    """One sender: its account as the pool knows it, and its transactions by ascending nonce.

    ``resume`` is the first nonce that no merged block holds; blocks go on from there.  ``idle_since_ms``
    counts where nothing is held.
    """

    nonce: int = 0
    balance: int = 0
    code: CodeKind = CodeKind.NONE
    sequence: int = 0
    resume: int = 0
    held: tuple[Held, ...] = ()
    idle_since_ms: int = 0

    @property
    def stop(self) -> int:
        """The first nonce missing after the run."""
        stop = self.nonce
        for item in self.held:
            if item.entry.nonce != stop:
                break
            stop += 1
        return stop

    @property
    def spent(self) -> int:
        """Wei that all held transactions may cost."""
        return sum(item.entry.upfront for item in self.held)

    @property
    def pending(self) -> tuple[PoolEntry, ...]:
        """The run."""
        return tuple(item.entry for item in self.held[: self.stop - self.nonce])

    @property
    def queued(self) -> tuple[PoolEntry, ...]:
        """Beyond a gap."""
        return tuple(item.entry for item in self.held[self.stop - self.nonce :])

    def at(self, nonce: int) -> Held | None:
        """What is held at a nonce."""
        place = bisect_left(self.held, nonce, key=attrgetter("nonce"))
        return self.held[place] if place < len(self.held) and self.held[place].nonce == nonce else None


@dataclass(frozen=True, slots=True)
class Queues:
    """The whole pool.

    ``sequence`` is of the last commit followed, ``places`` maps a transaction's hash to its sender and
    nonce, ``size`` is in bytes (``PoolEntry.size``).
    """

    sequence: int = -1
    senders: Mapping[bytes, SenderQueue] = field(default_factory=dict)
    places: Mapping[bytes, tuple[bytes, int]] = field(default_factory=dict)
    size: int = 0

    @property
    def pending(self) -> int:
        """Executable transactions."""
        return sum(sender.stop - sender.nonce for sender in self.senders.values())


class Admission(NamedTuple):
    """The pool after an offer, the answer, and a number that explains it (next nonce, sequence)."""

    queues: Queues
    code: AddCode
    number: int = 0


def admit(
    queues: Queues, entry: PoolEntry, price: int, policy: PoolPolicy, state: SenderState | None = None
) -> Admission:
    """Offer one transaction that ``check_policy`` has passed.

    Parameters
    ----------
    price : int
        Its effective tip at the next block's base fee, wei per gas.
    state : SenderState, optional
        The sender's account; needed where the pool does not know the sender.  It is used where it is at
        least as new as the last commit and newer than what the pool has, and is kept even when the
        transaction is refused.
    """
    if entry.hash in queues.places:
        return Admission(queues, AddCode.KNOWN)
    known = queues.senders.get(entry.sender)
    if state is not None:
        if known is None and state.sequence < queues.sequence:
            return Admission(queues, AddCode.STALE_STATE, queues.sequence)
        if known is None or (state.sequence > known.sequence and state.sequence >= queues.sequence):
            news = AccountNews(state.nonce, state.balance, state.code)
            known = settle(known or SenderQueue(), state.sequence, news)
            queues = _put(queues, {entry.sender: known}, entry.arrival_ms)
    if known is None:
        return Admission(queues, AddCode.UNKNOWN_SENDER, queues.sequence)
    refusal = _refusal(known, entry, policy)
    if refusal is not None:
        return Admission(queues, *refusal)
    old = known.at(entry.nonce)
    if old is not None:
        if queues.size + entry.size - old.entry.size > policy.max_bytes:
            return Admission(queues, AddCode.FULL)
    elif _is_full(queues, entry.size, policy):
        roomy = None if entry.nonce > known.stop else evict(queues, entry.sender, entry.size, price, policy)
        if roomy is None:
            return Admission(queues, AddCode.FULL)
        queues = _put(queues, roomy, entry.arrival_ms)
    held = [item for item in known.held if item.nonce != entry.nonce]
    held.insert(bisect_left(held, entry.nonce, key=attrgetter("nonce")), Held(entry, price))
    queues = _put(queues, {entry.sender: replace(known, held=tuple(held))}, entry.arrival_ms)
    return Admission(queues, AddCode.ADDED if old is None else AddCode.REPLACED)


def _refusal(sender: SenderQueue, entry: PoolEntry, policy: PoolPolicy) -> tuple[AddCode, int] | None:
    if sender.code == CodeKind.CONTRACT:
        return AddCode.HAS_CODE, 0
    if entry.nonce < sender.nonce:
        return AddCode.NONCE_LOW, sender.nonce
    if entry.nonce >= sender.nonce + policy.sender_pending + policy.sender_queued:
        return AddCode.NONCE_HIGH, sender.nonce
    old = sender.at(entry.nonce)
    if sender.spent - (old.entry.upfront if old is not None else 0) + entry.upfront > sender.balance:
        return AddCode.FUNDS, 0
    if old is not None:
        dear = old.entry.tip > replaceable_fee(entry.tip, policy.bump_percent)
        if dear or old.entry.max_fee > replaceable_fee(entry.max_fee, policy.bump_percent):
            return AddCode.REPLACEMENT, 0
        return None
    stop = sender.stop
    run = stop - sender.nonce
    limited = len(sender.held) - run >= policy.sender_queued if entry.nonce > stop else run >= policy.sender_pending
    return (AddCode.SENDER_LIMIT, stop) if limited else None


def evict(queues: Queues, sender: bytes, size: int, price: int, policy: PoolPolicy) -> dict[bytes, SenderQueue] | None:
    """Room for one more of ``size`` bytes: drop the lowest prices, then the lowest hashes, first.

    Only what is strictly cheaper than ``price`` leaves, and nothing of ``sender``; where that is not
    enough, nothing leaves.  What stood behind a dropped one in its sender's run is queued from then on.

    Returns
    -------
    dict or None
        The changed senders; None where no room can be made.
    """
    by_price = sorted(
        (item.price, item.entry.hash, address, item.entry)
        for address, queue in queues.senders.items()
        for item in queue.held
    )
    count, total = len(queues.places), queues.size
    dropped: dict[bytes, set[bytes]] = {}
    for cheapest, tx_hash, address, entry in by_price:
        if count + 1 <= policy.max_count and total + size <= policy.max_bytes:
            break
        if cheapest >= price or address == sender:
            return None
        dropped.setdefault(address, set()).add(tx_hash)
        count -= 1
        total -= entry.size
    if count + 1 > policy.max_count or total + size > policy.max_bytes:
        return None
    return {address: _without(queues.senders[address], hashes) for address, hashes in dropped.items()}


def settle(sender: SenderQueue, sequence: int, news: AccountNews) -> SenderQueue:
    """The chain's word on a sender: drop what ran and, last nonces first, what it can no longer pay."""
    moved = news.nonce != sender.nonce
    held = [item for item in sender.held if item.nonce >= news.nonce]
    spent = sum(item.entry.upfront for item in held)
    while spent > news.balance and held:
        spent -= held.pop().entry.upfront
    code = news.code
    if code is None:
        # a signer's code is a delegation unless known otherwise
        code = CodeKind.DELEGATED if sender.code is CodeKind.NONE else sender.code
    return replace(
        sender, sequence=sequence, nonce=news.nonce, balance=news.balance, code=code,
        resume=news.nonce if moved else sender.resume, held=tuple(held),
    )  # fmt: skip


def follow(
    queues: Queues, sequence: int, accounts: Mapping[bytes, AccountNews], now_ms: int, *, force: bool = False
) -> Queues:
    """Follow a commit: known senders get their new accounts; a commit that was seen changes nothing.

    Parameters
    ----------
    accounts : mapping
        Address to account, as the commit left it.
    force : bool
        Take it even where its sequence is not greater: the database was restored.
    """
    if sequence <= queues.sequence and not force:
        return queues
    changed = {
        address: settle(queues.senders[address], sequence, news)
        for address, news in accounts.items()
        if address in queues.senders
    }
    return replace(_put(queues, changed, now_ms), sequence=sequence)


def mark_in_flight(queues: Queues, hashes: Iterable[bytes], now_ms: int) -> Queues:
    """Which transactions stand in blocks that virtual merges: they run before any new block's own."""
    flying = frozenset(hashes)
    changed = {}
    for address, sender in queues.senders.items():
        resume = sender.nonce
        for item in sender.held:
            if item.nonce != resume or item.entry.hash not in flying:
                break
            resume += 1
        if resume != sender.resume:
            changed[address] = replace(sender, resume=resume)
    return _put(queues, changed, now_ms)


def expire(queues: Queues, oldest_ms: int, now_ms: int) -> Queues:
    """Drop what arrived at or before ``oldest_ms``."""
    changed = {}
    for address, sender in queues.senders.items():
        old = {item.entry.hash for item in sender.held if item.entry.arrival_ms <= oldest_ms}
        if old:
            changed[address] = _without(sender, old)
    return _put(queues, changed, now_ms)


def forget_idle(queues: Queues, oldest_ms: int, most: int) -> Queues:
    """Forget the accounts of senders that hold nothing since ``oldest_ms``, and the longest idle beyond ``most``."""
    idle = sorted((queue.idle_since_ms, address) for address, queue in queues.senders.items() if not queue.held)
    first = sum(since <= oldest_ms for since, _ in idle)
    gone = {address for _, address in idle[: max(first, len(idle) - most)]}
    return replace(queues, senders={a: queue for a, queue in queues.senders.items() if a not in gone})


def executable(queues: Queues) -> dict[bytes, tuple[PoolEntry, ...]]:
    """What blocks may take, by ascending sender: each run from the first nonce that no merged block holds.

    A delegated sender has one transaction in an epoch (EIP-7702 accounts can be drained by others), a
    contract none (EIP-3607).
    """
    runs = {}
    for address in sorted(queues.senders):
        sender = queues.senders[address]
        run = sender.pending[sender.resume - sender.nonce :]
        if sender.code is CodeKind.DELEGATED:
            run = run[:1] if sender.resume == sender.nonce else ()
        if run and sender.code is not CodeKind.CONTRACT:
            runs[address] = run
    return runs


def _is_full(queues: Queues, size: int, policy: PoolPolicy) -> bool:
    return len(queues.places) + 1 > policy.max_count or queues.size + size > policy.max_bytes


def _without(sender: SenderQueue, hashes: Set[bytes]) -> SenderQueue:
    return replace(sender, held=tuple(item for item in sender.held if item.entry.hash not in hashes))


def _put(queues: Queues, changed: Mapping[bytes, SenderQueue], now_ms: int) -> Queues:
    """The pool with some senders changed; one that has just become empty is idle from now on."""
    if not changed:
        return queues
    senders, places, size = dict(queues.senders), dict(queues.places), queues.size
    for address, sender in changed.items():
        old = senders.get(address)
        for item in old.held if old is not None else ():
            del places[item.entry.hash]
            size -= item.entry.size
        for item in sender.held:
            places[item.entry.hash] = (address, item.nonce)
            size += item.entry.size
        if not sender.held and (old is None or old.held):
            sender = replace(sender, idle_since_ms=now_ms)
        senders[address] = sender
    return Queues(queues.sequence, senders, places, size)
