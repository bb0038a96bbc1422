"""The lottery's arithmetic, the one check of seals, and what miners make passing that check."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction
from hashlib import sha256
from math import comb

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import seals
from chain.core.errors import RuleCode, RuleViolation
from chain.core.seals import kheavyhash, vrf
from chain.core.seals.eligibility import Lottery, is_eligible, lot_of, threshold, vrf_alpha
from chain.core.types import Stream

SECRETS = [sha256(bytes([i])).digest() for i in range(4)]
KEYS = [vrf.public_key(secret) for secret in SECRETS]
PRE_HASH = blake3(b"a header").digest()
BLOCK_HASH = blake3(b"a block").digest()
EASY = 2**254

# 3 of 4 blocks are the first key's, 1 the second's
WINDOW = [(bytes([i]) * 32, KEYS[0] if i % 4 else KEYS[1]) for i in range(8)]


def lottery():
    built = Lottery.of_window(WINDOW)
    assert built is not None
    return built


def refused(code, call, *arguments, **named):
    with pytest.raises(RuleViolation) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    return caught.value


# --- the lottery


def test_lottery_of_a_window():
    drawn = lottery()
    assert drawn.seed == blake3(b"mds/seed" + b"\x07" * 32).digest()
    assert drawn.total == 8
    assert [drawn.weight(key) for key in KEYS] == [6, 2, 0, 0]
    assert sum(drawn.weights.values()) == drawn.total
    assert Lottery.of_window([]) is None
    with pytest.raises(FrozenInstanceError):
        drawn.total = 9


def test_the_seed_follows_the_last_block_only():
    other = Lottery.of_window([*reversed(WINDOW[:7]), WINDOW[7]])
    assert other == lottery()
    assert Lottery.of_window(WINDOW[:7]).seed != lottery().seed


def test_alpha_layout():
    assert vrf_alpha(b"\x11" * 32, 0x0102) == b"mds/vrf" + b"\x11" * 32 + b"\x02\x01" + bytes(6)


def test_lot_covers_all_of_beta():
    assert lot_of(bytes(64)) == blake3(b"mds/lot" + bytes(64)).digest()
    assert lot_of(bytes(63) + b"\x01") != lot_of(bytes(64))


shares = st.integers(1, 600).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
rates = st.tuples(st.integers(1, 10), st.integers(1, 10))


@given(shares, rates, st.integers(0, 2**256 - 1))
def test_eligible_is_below_the_exact_share(share, rate, drawn):
    (weight, total), (c_num, c_den) = share, rate
    beta = drawn.to_bytes(32, "big") + b"\xff" * 32
    expected = Fraction(drawn, 2**256) < Fraction(weight * c_num, total * c_den)
    assert is_eligible(beta, weight, total, c_num, c_den) == expected


@given(shares, rates)
def test_threshold_is_the_first_draw_that_loses(share, rate):
    (weight, total), (c_num, c_den) = share, rate
    limit = threshold(weight, total, c_num, c_den)
    assert 0 <= limit <= 2**256
    if limit:
        assert is_eligible((limit - 1).to_bytes(32, "big") + bytes(32), weight, total, c_num, c_den)
    if limit < 2**256:
        assert not is_eligible(limit.to_bytes(32, "big") + bytes(32), weight, total, c_num, c_den)


def test_expected_winners_are_the_rate():
    drawn = lottery()
    limits = [threshold(drawn.weight(key), drawn.total, 1, 5) for key in KEYS]
    assert limits[2:] == [0, 0]
    assert 0 <= sum(limits) - 2**256 // 5 <= len(limits)


def test_draws_win_as_often_as_they_should():
    """A fixed set of 400 draws; a share of one half misses this range with probability under 10^-6."""
    wins = sum(
        seals.try_slot(SECRETS[0], bytes(32), slot, weight=1, total=2, c_num=1, c_den=1) is not None
        for slot in range(400)
    )
    tail = 2 * sum(comb(400, k) for k in range(151)) / 2**400
    assert tail < 1e-6
    assert 150 < wins < 250


# --- work seals


def test_mined_work_passes():
    seal = seals.search_a(PRE_HASH, EASY, 0, 1000)
    assert seal is not None
    seals.check_work_seal(Stream.A, PRE_HASH, 5, EASY, seal)
    seal = seals.search_b(PRE_HASH, 5, EASY, 0, 1000)
    assert seal is not None
    seals.check_work_seal(Stream.B, PRE_HASH, 5, EASY, seal)
    # a seal of B is for one timestamp
    value = int.from_bytes(kheavyhash.digest(PRE_HASH, 6, int.from_bytes(seal[0], "little")), "little")
    error = refused(RuleCode.SEAL_ABOVE_TARGET, seals.check_work_seal, Stream.B, PRE_HASH, 6, value - 1, seal)
    assert (error.got, error.expected) == (value, value - 1)


@pytest.mark.parametrize("stream", [Stream.A, Stream.B])
def test_work_above_target_is_refused(stream):
    nonce = (7).to_bytes(8, "little")
    error = refused(RuleCode.SEAL_ABOVE_TARGET, seals.check_work_seal, stream, PRE_HASH, 5, 0, (nonce,))
    seals.check_work_seal(stream, PRE_HASH, 5, error.got, (nonce,))
    refused(RuleCode.SEAL_ABOVE_TARGET, seals.check_work_seal, stream, PRE_HASH, 5, error.got - 1, (nonce,))


def test_streams_read_the_digest_in_their_own_byte_order():
    nonce = (7).to_bytes(8, "little")
    error = refused(RuleCode.SEAL_ABOVE_TARGET, seals.check_work_seal, Stream.A, PRE_HASH, 5, 0, (nonce,))
    assert error.got == int.from_bytes(blake3(PRE_HASH + nonce).digest(), "big")
    error = refused(RuleCode.SEAL_ABOVE_TARGET, seals.check_work_seal, Stream.B, PRE_HASH, 5, 0, (nonce,))
    assert error.got == int.from_bytes(kheavyhash.digest(PRE_HASH, 5, 7), "little")


@pytest.mark.parametrize("seal", [(), (bytes(7),), (bytes(9),), (bytes(8), bytes(8)), (bytes(80), bytes(64))])
def test_shape_of_work_seals(seal):
    for stream in (Stream.A, Stream.B):
        refused(RuleCode.HEADER_SEAL_SHAPE, seals.check_work_seal, stream, PRE_HASH, 5, 2**256 - 1, seal)


@pytest.mark.parametrize("seal", [(), (bytes(8),), (bytes(80),), (bytes(64), bytes(80)), (bytes(80), bytes(64), b"")])
def test_shape_of_c_seals(seal):
    refused(RuleCode.HEADER_SEAL_SHAPE, seals.check_seal_shape, Stream.C, seal)


def test_streams_without_a_seal():
    for stream in (0, 4, -1):
        refused(RuleCode.HEADER_STREAM, seals.check_seal_shape, stream, (bytes(8),))
        refused(RuleCode.HEADER_STREAM, seals.check_work_seal, stream, PRE_HASH, 5, EASY, (bytes(8),))
    refused(RuleCode.HEADER_STREAM, seals.check_work_seal, Stream.C, PRE_HASH, 5, EASY, (bytes(80), bytes(64)))


# --- C


def mine_c(secret, drawn, slot, c_num=1, c_den=1, pre_hash=PRE_HASH):
    won = seals.try_slot(
        secret, drawn.seed, slot, weight=drawn.weight(vrf.public_key(secret)), total=drawn.total,
        c_num=c_num, c_den=c_den,
    )  # fmt: skip
    return None if won is None else (seals.sign_c(secret, pre_hash, won[0]), won[1])


def first_win(secret, drawn):
    return next((slot, mined) for slot in range(200) if (mined := mine_c(secret, drawn, slot)) is not None)


def check(seal, slot, *, pre_hash=PRE_HASH, key=KEYS[1], drawn=None, c_num=1, c_den=1):
    return seals.check_vrf_seal(pre_hash, key, seal, slot=slot, lottery=drawn or lottery(), c_num=c_num, c_den=c_den)


def test_a_won_slot_passes_and_gives_the_lot():
    slot, (seal, beta) = first_win(SECRETS[1], lottery())
    assert check(seal, slot) == lot_of(beta)


def test_a_c_seal_is_bound_to_everything():
    slot, (seal, _) = first_win(SECRETS[1], lottery())
    proof, signature = seal
    other = Lottery.of_window([*WINDOW, (b"\x09" * 32, KEYS[1])])
    refused(RuleCode.SEAL_SIGNATURE, check, seal, slot, pre_hash=bytes(32))
    refused(RuleCode.SEAL_SIGNATURE, check, seal, slot, key=KEYS[0])
    refused(RuleCode.SEAL_SIGNATURE, check, (proof, bytes(64)), slot)
    refused(RuleCode.SEAL_VRF_PROOF, check, seal, slot + 1)
    refused(RuleCode.SEAL_VRF_PROOF, check, seal, slot, drawn=other)
    # a proof for another slot, signed well
    _, (stolen, _) = next(
        (s, mined) for s in range(slot + 1, 200) if (mined := mine_c(SECRETS[1], lottery(), s)) is not None
    )
    refused(RuleCode.SEAL_VRF_PROOF, check, seals.sign_c(SECRETS[1], PRE_HASH, stolen[0]), slot)
    assert check((proof, signature), slot)


def test_a_lost_slot_is_refused():
    drawn = lottery()
    slot = next(s for s in range(200) if mine_c(SECRETS[1], drawn, s) is None)
    proof = vrf.prove(SECRETS[1], vrf_alpha(drawn.seed, slot))
    error = refused(RuleCode.SEAL_NOT_ELIGIBLE, check, seals.sign_c(SECRETS[1], PRE_HASH, proof), slot)
    assert error.got >= threshold(2, 8, 1, 1)
    # the same draw wins where more winners are wanted
    assert check(seals.sign_c(SECRETS[1], PRE_HASH, proof), slot, c_num=4)


def test_a_key_without_work_is_refused():
    drawn = lottery()
    assert mine_c(SECRETS[2], drawn, 0) is None
    proof = vrf.prove(SECRETS[2], vrf_alpha(drawn.seed, 0))
    refused(RuleCode.SEAL_NOT_ELIGIBLE, check, seals.sign_c(SECRETS[2], PRE_HASH, proof), 0, key=KEYS[2])


def test_a_key_in_the_window_that_is_no_point_is_refused():
    """In A and B any 32 bytes may stand as vrf_key, so the window may hold a key that is none."""
    for junk in (bytes(32), b"\xff" * 32):
        drawn = Lottery.of_window([(bytes(32), junk)])
        refused(RuleCode.SEAL_VRF_KEY, check, (bytes(80), bytes(64)), 0, key=junk, drawn=drawn)


def test_no_lottery_no_block():
    refused(
        RuleCode.SEAL_NO_ANCHOR, seals.check_vrf_seal, PRE_HASH, KEYS[0], (bytes(80), bytes(64)),
        slot=0, lottery=None, c_num=1, c_den=1,
    )  # fmt: skip


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=10, deadline=None)
def test_a_sole_miner_wins_every_slot_at_rate_one(slot):
    drawn = Lottery.of_window([(bytes(32), KEYS[0])])
    mined = mine_c(SECRETS[0], drawn, slot)
    assert mined is not None
    assert check(mined[0], slot, key=KEYS[0], drawn=drawn) == lot_of(mined[1])


def test_one_check_for_all_streams():
    common = {"block_hash": BLOCK_HASH, "timestamp_ms": 5, "vrf_key": KEYS[1], "c_num": 1, "c_den": 1}
    for stream, seal in (
        (Stream.A, seals.search_a(PRE_HASH, EASY, 0, 1000)),
        (Stream.B, seals.search_b(PRE_HASH, 5, EASY, 0, 1000)),
    ):
        lot = seals.check_seal(stream, PRE_HASH, seal, target=EASY, slot=0, lottery=None, **common)
        assert lot == BLOCK_HASH
    slot, (seal, beta) = first_win(SECRETS[1], lottery())
    lot = seals.check_seal(Stream.C, PRE_HASH, seal, target=0, slot=slot, lottery=lottery(), **common)
    assert lot == lot_of(beta)
