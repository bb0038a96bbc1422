"""Templates: fields from virtual, time rules, exact limits of a body, who may draw a slot (protocol §4-§6)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import codec, rlp
from chain.core.consensus.model import VirtualSnapshot
from chain.core.difficulty import compact, expand
from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.genesis import network_spec
from chain.core.rules.body_in_isolation import check_body_bounds, check_body_delivery
from chain.core.seals import check_vrf_seal, check_work_seal, search_a, search_b, sign_c, try_slot, vrf
from chain.core.seals.eligibility import Lottery, is_eligible
from chain.core.spec import ChainSpec, StreamSpec, Upgrade
from chain.core.template import (
    Template,
    build_template,
    choose_body,
    item_length,
    list_length,
    next_timestamp,
    seal_template,
)
from chain.core.transactions import keccak
from chain.core.types import Stream


class Pooled(NamedTuple):
    raw: bytes
    hash: bytes
    sender: bytes
    gas_limit: int
    is_simple: bool


SECRET = bytes(range(32))
KEY = vrf.public_key(SECRET)
COINBASE = bytes([7]) * 20
NOW = 1_793_491_260_050
EASY = compact(2**250)


@cache
def spec() -> ChainSpec:
    return network_spec("devnet")


def snapshot(**changes: object) -> VirtualSnapshot:
    base = VirtualSnapshot(
        sequence=9,
        sink=bytes([1]) * 32,
        parents=(bytes([1]) * 32, bytes([2]) * 32),
        stream_counts=(3, 40, 5),
        blue_score=49,
        blue_work=2**200 + 1,
        number=48,
        latest_parent_timestamp=NOW - 250,
        latest_parent_slot=(NOW - 250) // 100,
        sink_timestamp_ms=NOW - 250,
        version=1,
        target_a=EASY,
        target_b=EASY,
        state_root=bytes([3]) * 32,
        receipts_root=bytes([4]) * 32,
        gas_used=21_000,
        base_fee=2**70,
        gas_left=1,
        tx_left=2,
        lottery=Lottery(seed=bytes([5]) * 32, weights={KEY: 4}, total=4),
        in_flight=(),
        mergeset_blue=2,
        mergeset_red=0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def tx(number: int, size: int = 110, sender: int = 0, gas: int = 21_000, simple: bool = True) -> Pooled:
    envelope = number.to_bytes(4, "big") + bytes(max(0, size - 4))
    return Pooled(envelope, keccak(envelope), sender.to_bytes(20, "big"), gas, simple)


def build(stream: int, pool: list[Pooled], now: int = NOW, **changes: object) -> Template:
    return build_template(spec(), snapshot(**changes), stream, COINBASE, KEY, now, pool)


@pytest.mark.parametrize("stream", [Stream.A, Stream.B, Stream.C])
def test_header_is_virtuals(stream: Stream) -> None:
    pool = [tx(1), tx(2)]
    template = build(stream, pool)
    header, virtual = template.header, snapshot()
    for name in ("parents", "stream_counts", "blue_score", "blue_work", "number", "version"):
        assert getattr(header, name) == getattr(virtual, name)
    for name in ("state_root", "receipts_root", "gas_used", "base_fee"):
        assert getattr(header, name) == getattr(virtual, name)
    assert (header.chain_id, header.stream, header.coinbase, header.vrf_key) == (0x4D534858, stream, COINBASE, KEY)
    assert header.target == (0 if stream == Stream.C else EASY)
    assert template.target == (0 if stream == Stream.C else expand(EASY))
    assert header.timestamp_ms == NOW
    assert template.hashes == (pool[0].hash, pool[1].hash)
    assert template.senders == (pool[0].sender, pool[1].sender)
    assert header.tx_root == codec.tx_root(template.hashes)
    assert template.pre_hash == codec.pre_hash(header)
    assert template.sequence == 9


@pytest.mark.parametrize("stream", [Stream.A, Stream.B])
def test_sealed_work_template_passes_the_rules(stream: Stream) -> None:
    template = build(stream, [tx(1), tx(2, sender=1)])
    target, when = template.target, template.header.timestamp_ms
    if stream == Stream.A:
        seal = search_a(template.pre_hash, target, 5, 4096)
    else:
        seal = search_b(template.pre_hash, when, target, 5, 4096)
    assert seal is not None
    block = seal_template(template, seal)
    assert codec.decode_block(codec.encode_block(block)) == block
    assert codec.pre_hash(block.header) == template.pre_hash
    check_work_seal(stream, codec.pre_hash(block.header), when, target, block.header.seal)
    check_body_delivery(block)
    check_body_bounds(block, spec())


def test_sealed_c_template_passes_the_rules() -> None:
    template = build(Stream.C, [tx(1)])
    draw = template.draw
    assert draw is not None
    assert draw.slot == NOW // 100
    won = try_slot(
        SECRET, draw.seed, draw.slot, weight=draw.weight, total=draw.total, c_num=draw.c_num, c_den=draw.c_den
    )
    assert won is not None
    block = seal_template(template, sign_c(SECRET, template.pre_hash, won[0]))
    check_vrf_seal(
        codec.pre_hash(block.header), KEY, block.header.seal,
        slot=block.header.timestamp_ms // 100, lottery=snapshot().lottery, c_num=1, c_den=1,
    )  # fmt: skip
    check_body_bounds(block, spec())


@given(now=st.integers(0, 10_000), latest=st.integers(0, 10_000), stream=st.sampled_from([1, 2, 3]))
def test_timestamp_is_the_least_allowed(now: int, latest: int, stream: int) -> None:
    virtual = snapshot(latest_parent_timestamp=latest, latest_parent_slot=latest // 100)
    time = next_timestamp(spec(), virtual, stream, now)

    def allowed(t: int) -> bool:
        after = t > latest and t >= now
        return after and (stream != Stream.C or t // 100 > latest // 100)

    assert allowed(time)
    assert not allowed(time - 1)


@given(ahead=st.integers(-300, 5_000), stream=st.sampled_from([Stream.A, Stream.B, Stream.C]))
def test_clock_policy(ahead: int, stream: Stream) -> None:
    """A and B wait only past the future drift; C never takes a slot beyond the clock's."""
    latest = NOW + ahead
    changes = {"latest_parent_timestamp": latest, "latest_parent_slot": latest // 100}
    ready = latest // 100 < NOW // 100 if stream == Stream.C else latest < NOW + 2000
    if ready:
        template = build(stream, [tx(1)], **changes)
        assert latest < template.header.timestamp_ms <= NOW + 2000
        assert template.valid_until_ms > NOW
        assert stream != Stream.C or template.header.timestamp_ms // 100 == NOW // 100
        return
    with pytest.raises(NotYet) as waiting:
        build(stream, [tx(1)], **changes)
    until = waiting.value.until
    assert waiting.value.code == WaitCode.TOO_EARLY
    assert until is not None
    assert build(stream, [tx(1)], now=until, **changes).header.timestamp_ms > latest
    with pytest.raises(NotYet):  # one millisecond sooner is still too early
        build(stream, [tx(1)], now=until - 1, **changes)


def test_c_template_needs_lottery_weight_and_transactions() -> None:
    for changes in ({"lottery": None}, {"lottery": Lottery(bytes(32), {bytes(32): 3}, 3)}):
        with pytest.raises(NotYet) as waiting:
            build(Stream.C, [tx(1)], **changes)
        assert waiting.value.code == WaitCode.NOT_ELIGIBLE
    with pytest.raises(NotYet) as waiting:
        build(Stream.C, [])
    assert waiting.value.code == WaitCode.NO_TRANSACTIONS
    with pytest.raises(NotYet) as waiting:
        build(Stream.C, [tx(1)], in_flight=(tx(1).hash,))
    assert waiting.value.code == WaitCode.NO_TRANSACTIONS
    assert build(Stream.A, [], lottery=None).transactions == ()


@given(weight=st.integers(1, 600), total=st.integers(1, 600), head=st.binary(min_size=32, max_size=32))
def test_threshold_says_who_wins(weight: int, total: int, head: bytes) -> None:
    lottery = Lottery(bytes(32), {KEY: weight}, total)
    draw = build(Stream.C, [tx(1)], lottery=lottery).draw
    assert draw is not None
    assert (int.from_bytes(head, "big") < draw.threshold) == is_eligible(head + bytes(32), weight, total, 1, 1)


@pytest.mark.parametrize(
    ("code", "stream", "coinbase", "key", "extra", "version"),
    [
        (RuleCode.HEADER_STREAM, 0, COINBASE, KEY, b"", 1),
        (RuleCode.FIELD_LENGTH, 1, b"", KEY, b"", 1),
        (RuleCode.FIELD_LENGTH, 1, COINBASE, b"", b"", 1),
        (RuleCode.HEADER_EXTRA_LENGTH, 1, COINBASE, KEY, bytes(33), 1),
        (RuleCode.HEADER_VERSION, 1, COINBASE, KEY, b"", 2),
    ],
)
def test_bad_inputs_are_coded(
    code: RuleCode, stream: int, coinbase: bytes, key: bytes, extra: bytes, version: int
) -> None:
    with pytest.raises(RuleViolation) as refused:
        build_template(spec(), snapshot(version=version), stream, coinbase, key, NOW, [], extra=extra)
    assert refused.value.code == code


def test_upgraded_parameters_are_used() -> None:
    upgraded = replace(spec(), upgrades=(Upgrade(40, 2, (("slot_ms", 200),)), Upgrade(90, 3, (("slot_ms", 500),))))
    virtual = snapshot(version=2, latest_parent_slot=(NOW - 250) // 200)
    template = build_template(upgraded, virtual, Stream.C, COINBASE, KEY, NOW, [tx(1)])
    assert template.header.version == 2
    assert template.draw is not None
    assert template.draw.slot == NOW // 200


SMALL = StreamSpec(1000, 6, 100_000, 700, 0, 0, 0, 0, 0)
POOL = st.lists(
    st.builds(
        tx,
        number=st.integers(0, 30),
        size=st.sampled_from([4, 55, 56, 60, 110, 255, 256, 300]),
        sender=st.integers(0, 5),
        gas=st.sampled_from([21_000, 30_000, 60_000, 100_000, 100_001]),
        simple=st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=200, deadline=None)
@given(pool=POOL, excluded=st.lists(st.integers(0, 30), max_size=3), at_most=st.integers(0, 8))
def test_body_obeys_every_limit_and_wastes_none(pool: list[Pooled], excluded: list[int], at_most: int) -> None:
    out = frozenset(part.hash for part in pool if int.from_bytes(part.raw[:4], "big") in excluded)
    chosen = choose_body(pool, SMALL, min(at_most, SMALL.max_txs), out)

    def size(part: list[Pooled]) -> int:
        return len(codec.encode_body([each.raw for each in part]))

    def gas(part: list[Pooled]) -> int:
        return sum(each.gas_limit for each in part if not each.is_simple)

    assert len(chosen) <= min(at_most, SMALL.max_txs)
    assert size(chosen) <= SMALL.max_bytes
    assert gas(chosen) <= SMALL.call_gas_limit
    assert len({each.hash for each in chosen}) == len(chosen)
    assert not out & {each.hash for each in chosen}
    order = iter(pool)
    assert all(any(each is part for part in order) for each in chosen)  # a subsequence of the pool
    # whoever was left out while there was count to spare did not fit, or came after one of its sender's that did not
    if len(chosen) < min(at_most, SMALL.max_txs):
        taken, stuck = [], set()
        for part in pool:
            if part.hash in out or part.hash in {each.hash for each in taken}:
                continue
            if any(each is part for each in chosen):
                assert part.sender not in stuck
                taken.append(part)
            elif part.sender not in stuck:
                assert size([*taken, part]) > SMALL.max_bytes or gas([*taken, part]) > SMALL.call_gas_limit
                stuck.add(part.sender)


@given(st.binary(max_size=300))
def test_item_length_is_exact(data: bytes) -> None:
    assert item_length(len(data), data[:1]) == len(rlp.encode(data))
    assert list_length(len(data)) == len(rlp.wrap_list(data))


@pytest.mark.parametrize("size", [55, 56, 255, 256, 65_535, 65_536, 2**24 - 1, 2**24])
def test_list_length_at_the_edges(size: int) -> None:
    assert list_length(size) == len(rlp.wrap_list(bytes(size)))


@pytest.mark.parametrize("stream", [Stream.A, Stream.B, Stream.C])
def test_full_body_of_a_real_stream(stream: Stream) -> None:
    """More than fits: one more transaction of the same size would break count or bytes."""
    limits = spec().stream(stream)
    pool = [tx(n, size=200, sender=n) for n in range(limits.max_txs + 5)]
    template = build(stream, pool)
    body = codec.encode_body(template.transactions)
    assert len(body) <= limits.max_bytes
    full = len(template.transactions) == limits.max_txs
    assert full or len(body) + item_length(200, b"x") > limits.max_bytes
