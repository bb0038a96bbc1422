"""Block templates: everything of a block but its seal, from the virtual block and a choice of transactions.

Sources: protocol §3 and §4 (what a body may hold), §5 (who may make C blocks), §6 (parents and times).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from chain.core.codec import pre_hash, tx_root
from chain.core.consensus.model import VirtualSnapshot
from chain.core.difficulty import expand
from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.seals.eligibility import Lottery, threshold
from chain.core.spec import ChainSpec, StreamSpec
from chain.core.types import Block, Header, Stream


class BodyTx(Protocol):
    """What a template must know of a pooled transaction; its bytes are not decoded again."""

    @property
    def raw(self) -> bytes:
        """The envelope."""

    @property
    def hash(self) -> bytes:
        """keccak-256 of the envelope."""

    @property
    def sender(self) -> bytes:
        """The recovered sender."""

    @property
    def gas_limit(self) -> int:
        """The transaction's own limit."""

    @property
    def is_simple(self) -> bool:
        """A simple transfer, which no gas bounds."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What a C template's maker needs to try its slot: the VRF input and the key's weight."""

    seed: bytes
    slot: int
    weight: int
    total: int
    c_num: int
    c_den: int

    @property
    def threshold(self) -> int:
        """The key wins iff int(beta[:32]) is less than this (0 to 2^256)."""
        return threshold(self.weight, self.total, self.c_num, self.c_den)


@dataclass(frozen=True, slots=True)
class Template:
    """An unsealed block.

    ``target`` is expanded, 0 for C.  ``sequence`` is that of the virtual block it stands on;
    ``valid_until_ms`` is when a miner should ask for a new one though virtual has not moved.
    """

    header: Header  # seal ()
    transactions: tuple[bytes, ...]
    hashes: tuple[bytes, ...]  # of the transactions, in order
    senders: tuple[bytes, ...]
    pre_hash: bytes
    target: int
    valid_until_ms: int
    sequence: int
    draw: Draw | None  # C only

    @property
    def stream(self) -> Stream:
        """The stream whose seal it waits for."""
        return Stream(self.header.stream)


def build_template(
    spec: ChainSpec,
    snapshot: VirtualSnapshot,
    stream: int,
    coinbase: bytes,
    vrf_key: bytes,
    now_ms: int,
    transactions: Iterable[BodyTx],
    *,
    extra: bytes = b"",
    max_txs: int | None = None,
) -> Template:
    """Build the block that this node would add next to a stream.

    Parameters
    ----------
    spec : ChainSpec
        The network's; upgrades are applied here.
    snapshot : VirtualSnapshot
        The newest virtual block.
    stream : int
        A, B or C.
    coinbase : bytes
        20 bytes: who is paid.
    vrf_key : bytes
        32 bytes: whose weight in the lottery the block's work will be; for C, who draws.
    now_ms : int
        The local clock.
    transactions : iterable of BodyTx
        In the order of preference, each sender's by nonce.  What does not fit is left out.
    extra : bytes
        At most 32 bytes of the miner's own.
    max_txs : int, optional
        A bound below the stream's.

    Raises
    ------
    NotYet
        NOT_ELIGIBLE, NO_TRANSACTIONS (C), TOO_EARLY with ``until`` in ms.
    RuleViolation
        HEADER_STREAM, HEADER_VERSION, FIELD_LENGTH, HEADER_EXTRA_LENGTH.
    """
    _check_inputs(stream, coinbase, vrf_key, extra)
    rules = _rules_of_version(spec, snapshot.version)
    timestamp_ms = next_timestamp(rules, snapshot, stream, now_ms)
    draw = _draw_of(rules, snapshot.lottery, vrf_key, timestamp_ms // rules.slot_ms) if stream == Stream.C else None
    limits = rules.stream(stream)
    count = limits.max_txs if max_txs is None else min(limits.max_txs, max_txs)
    chosen = choose_body(transactions, limits, count, frozenset(snapshot.in_flight))
    if draw is not None:
        if not chosen:
            raise NotYet(WaitCode.NO_TRANSACTIONS, "a C block needs a transaction")
        _check_slot(rules, timestamp_ms, now_ms)
        valid_until_ms = (draw.slot + 1) * rules.slot_ms
    else:
        earliest = timestamp_ms - rules.future_drift_ms
        if now_ms < earliest:
            raise NotYet(WaitCode.TOO_EARLY, "a parent is ahead of the clock", until=earliest)
        valid_until_ms = now_ms + limits.interval_ms
    hashes = tuple([tx.hash for tx in chosen])
    target = {Stream.A: snapshot.target_a, Stream.B: snapshot.target_b}.get(Stream(stream), 0)
    header = Header(
        version=snapshot.version,
        chain_id=rules.chain_id,
        stream=int(stream),
        parents=snapshot.parents,
        timestamp_ms=timestamp_ms,
        target=target,
        stream_counts=snapshot.stream_counts,
        blue_score=snapshot.blue_score,
        blue_work=snapshot.blue_work,
        number=snapshot.number,
        coinbase=coinbase,
        vrf_key=vrf_key,
        tx_root=tx_root(hashes),
        state_root=snapshot.state_root,
        receipts_root=snapshot.receipts_root,
        gas_used=snapshot.gas_used,
        base_fee=snapshot.base_fee,
        extra=extra,
        seal=(),
    )
    return Template(
        header=header,
        transactions=tuple([tx.raw for tx in chosen]),
        hashes=hashes,
        senders=tuple([tx.sender for tx in chosen]),
        pre_hash=pre_hash(header),
        target=expand(target) if target else 0,
        valid_until_ms=valid_until_ms,
        sequence=snapshot.sequence,
        draw=draw,
    )


def next_draw(spec: ChainSpec, snapshot: VirtualSnapshot, vrf_key: bytes, now_ms: int) -> Draw:
    """The slot that a C block built now would take, and the key's chance in it; needs no transactions.

    Raises
    ------
    NotYet
        NOT_ELIGIBLE, or TOO_EARLY with ``until`` in ms.
    """
    rules = _rules_of_version(spec, snapshot.version)
    timestamp_ms = next_timestamp(rules, snapshot, Stream.C, now_ms)
    draw = _draw_of(rules, snapshot.lottery, vrf_key, timestamp_ms // rules.slot_ms)
    _check_slot(rules, timestamp_ms, now_ms)
    return draw


def seal_template(template: Template, seal: tuple[bytes, ...]) -> Block:
    """The finished block."""
    return Block(replace(template.header, seal=seal), template.transactions)


def next_timestamp(rules: ChainSpec, snapshot: VirtualSnapshot, stream: int, now_ms: int) -> int:
    """The least time in ms that is not before the clock and that virtual's parents allow (protocol §6)."""
    timestamp_ms = max(now_ms, snapshot.latest_parent_timestamp + 1)
    if stream == Stream.C:
        timestamp_ms = max(timestamp_ms, (snapshot.latest_parent_slot + 1) * rules.slot_ms)
    return timestamp_ms


def choose_body(
    transactions: Iterable[BodyTx], limits: StreamSpec, max_txs: int, excluded: Collection[bytes]
) -> list[BodyTx]:
    """Take transactions in order while the stream's count, call gas and bytes allow.

    One that is excluded or a repeat is passed over.  One that does not fit is left out, and with it
    the later ones of its sender, whose nonces would come too early.
    """
    chosen: list[BodyTx] = []
    seen = set(excluded)
    stuck: set[bytes] = set()
    payload = gas = 0
    for tx in transactions:
        if len(chosen) >= max_txs:
            break
        if tx.hash in seen or tx.sender in stuck:
            continue
        call_gas = 0 if tx.is_simple else tx.gas_limit
        size = item_length(len(tx.raw), tx.raw[:1])
        if gas + call_gas > limits.call_gas_limit or list_length(payload + size) > limits.max_bytes:
            stuck.add(tx.sender)
            continue
        seen.add(tx.hash)
        chosen.append(tx)
        payload += size
        gas += call_gas
    return chosen


def item_length(size: int, first: bytes) -> int:
    """Length of the RLP of a byte string of ``size`` bytes that begins with ``first``."""
    if size == 1 and first < b"\x80":
        return 1
    return list_length(size)


def list_length(payload: int) -> int:
    """Length of an RLP list (or of a byte string of other than one small byte) with this payload."""
    return payload + (1 if payload < 56 else 1 + (payload.bit_length() + 7) // 8)


def _check_inputs(stream: int, coinbase: bytes, vrf_key: bytes, extra: bytes) -> None:
    if stream not in (Stream.A, Stream.B, Stream.C):
        raise RuleViolation(RuleCode.HEADER_STREAM, stream, "1, 2 or 3")
    if len(coinbase) != 20:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(coinbase), 20, field="coinbase")
    if len(vrf_key) != 32:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(vrf_key), 32, field="vrf_key")
    if len(extra) > 32:
        raise RuleViolation(RuleCode.HEADER_EXTRA_LENGTH, len(extra), 32)


def _rules_of_version(spec: ChainSpec, version: int) -> ChainSpec:
    """The parameters under the upgrade that made ``version``; virtual was resolved under the same."""
    if version == spec.version:
        return spec
    scores = [upgrade.at_work_score for upgrade in spec.upgrades if upgrade.version == version]
    if not scores:
        raise RuleViolation(RuleCode.HEADER_VERSION, version, spec.version, "no upgrade of this network has it")
    return spec.at(max(scores))


def _draw_of(rules: ChainSpec, lottery: Lottery | None, vrf_key: bytes, slot: int) -> Draw:
    if lottery is None:
        raise NotYet(WaitCode.NOT_ELIGIBLE, "no lottery can be drawn this early in the chain")
    weight = lottery.weight(vrf_key)
    if weight == 0:
        raise NotYet(WaitCode.NOT_ELIGIBLE, "the key has no work block in the window", total=lottery.total)
    return Draw(lottery.seed, slot, weight, lottery.total, rules.c_num, rules.c_den)


def _check_slot(rules: ChainSpec, timestamp_ms: int, now_ms: int) -> None:
    """Policy: no C slot beyond the local clock's."""
    slot = timestamp_ms // rules.slot_ms
    if slot > now_ms // rules.slot_ms:
        raise NotYet(WaitCode.TOO_EARLY, "the parents' slot has not ended", until=slot * rules.slot_ms)
