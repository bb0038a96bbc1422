"""Merkle root, shard of an address, rewards under the cap (protocol §4, §8)."""

from __future__ import annotations

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import RuleCode, RuleViolation
from chain.core.merkle import EMPTY_ROOT, merkle_root
from chain.core.rewards import cut_rewards
from chain.core.shards import shard_of

# the same examples on every run, and no clock: the machine may be busy
steady = settings(deadline=None, derandomize=True)


def h(data: bytes) -> bytes:
    return blake3(data).digest()


def split_root(items: list[bytes]) -> bytes:
    """RFC 6962's top-down definition, with our hash and prefixes: an independent route to the same root."""
    if not items:
        return h(b"\x02")
    if len(items) == 1:
        return h(b"\x00" + items[0])
    half = 1 << ((len(items) - 1).bit_length() - 1)
    return h(b"\x01" + split_root(items[:half]) + split_root(items[half:]))


@pytest.mark.parametrize("count", [*range(18), 31, 32, 33, 100, 257])
def test_merkle_root_equals_top_down_definition(count: int) -> None:
    items = [i.to_bytes(32, "big") for i in range(count)]
    assert merkle_root(items) == split_root(items)


def test_merkle_root_by_hand() -> None:
    a, b, c = b"a", b"bb", b""
    left = h(b"\x01" + h(b"\x00a") + h(b"\x00bb"))
    assert merkle_root([a, b, c]) == h(b"\x01" + left + h(b"\x00"))
    assert merkle_root([]) == EMPTY_ROOT == h(b"\x02")


@settings(steady, max_examples=60)
@given(st.lists(st.binary(max_size=70), max_size=12), st.lists(st.binary(max_size=70), max_size=12))
def test_merkle_root_commits_to_the_list(one: list[bytes], other: list[bytes]) -> None:
    assert (merkle_root(one) == merkle_root(other)) == (one == other)


def test_inner_node_is_no_leaf() -> None:
    pair = [b"x", b"y"]
    joined = h(b"\x00x") + h(b"\x00y")
    assert merkle_root([joined]) != merkle_root(pair)


@steady
@given(st.binary(min_size=20, max_size=20), st.integers(1, 1 << 20))
def test_shard_of_is_the_hash_mod_count(address: bytes, count: int) -> None:
    expected = sum(byte << (8 * place) for place, byte in enumerate(h(address)[:8])) % count
    assert shard_of(address, count) == expected
    assert 0 <= shard_of(address, count) < count


def test_shards_are_even() -> None:
    counts = [0] * 10
    for i in range(20_000):
        counts[shard_of(i.to_bytes(20, "big"), 10)] += 1
    # 2000 expected, standard deviation 42; the inputs are fixed, so this cannot flicker
    assert all(1_800 < count < 2_200 for count in counts)


@pytest.mark.parametrize(
    ("address", "count", "code"),
    [
        (bytes(19), 10, RuleCode.FIELD_LENGTH),
        (bytes(32), 10, RuleCode.FIELD_LENGTH),
        (bytes(20), 0, RuleCode.SPEC_VALUE),
    ],
)
def test_shard_of_refuses(address: bytes, count: int, code: RuleCode) -> None:
    with pytest.raises(RuleViolation) as caught:
        shard_of(address, count)
    assert caught.value.code == code


def test_rewards_are_cut_in_order() -> None:
    a, b, c = bytes([1]) * 20, bytes([2]) * 20, bytes([3]) * 20
    assert cut_rewards(0, 1000, [(a, 50), (b, 25), (a, 50)]) == (((a, 50), (b, 25), (a, 50)), 125)
    assert cut_rewards(940, 1000, [(a, 50), (b, 25), (c, 50)]) == (((a, 50), (b, 10)), 1000)
    assert cut_rewards(1000, 1000, [(a, 50)]) == ((), 1000)
    # a block of C claims nothing and takes nothing from those behind it
    assert cut_rewards(0, 1000, [(a, 0), (b, 25)]) == (((b, 25),), 25)


@steady
@given(
    st.integers(0, 10**28),
    st.integers(0, 10**22),
    st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 10**21)), max_size=40),
)
def test_rewards_never_pass_the_cap(minted: int, room: int, claims: list[tuple[bytes, int]]) -> None:
    cap = minted + room
    granted, after = cut_rewards(minted, cap, claims)
    asked = sum(reward for _, reward in claims)
    assert after == minted + sum(wei for _, wei in granted)
    assert after == minted + min(asked, room)
    assert all(wei > 0 for _, wei in granted)
    full = tuple(claim for claim in claims if claim[1])
    # a prefix is paid in full, then at most one in part, then nobody
    assert granted[:-1] == full[: len(granted) - 1] if granted else not (full and room)
