"""The lattice hash of the state (protocol §8, commitments)."""

from __future__ import annotations

import pytest
import rlp
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import lthash
from chain.core.errors import RuleCode, RuleViolation, StoreError
from chain.core.shards import shard_of
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff

# the same examples on every run, and no clock: the machine may be busy
steady = settings(deadline=None, derandomize=True)

elements = st.lists(st.binary(max_size=120), max_size=12)
addresses = st.binary(min_size=20, max_size=20)
accounts = st.builds(
    Account,
    nonce=st.integers(0, 2**64 - 1),
    balance=st.integers(0, 2**256 - 1),
    code_hash=st.sampled_from([EMPTY_CODE_HASH, bytes(range(32))]),
)


def slow_sum(lattice: bytes, removed: list[bytes], added: list[bytes]) -> bytes:
    """The definition, word by word in Python integers."""
    words = [int.from_bytes(lattice[i : i + 2], "little") for i in range(0, 2048, 2)]
    for sign, some in ((-1, removed), (1, added)):
        for element in some:
            out = blake3(element).digest(2048)
            words = [(w + sign * int.from_bytes(out[2 * i : 2 * i + 2], "little")) % 65536 for i, w in enumerate(words)]
    return b"".join(word.to_bytes(2, "little") for word in words)


@settings(steady, max_examples=25)
@given(elements, elements)
def test_update_equals_the_definition(removed: list[bytes], added: list[bytes]) -> None:
    start = blake3(b"start").digest(2048)
    assert lthash.update(start, removed, added) == slow_sum(start, removed, added)


@settings(steady, max_examples=40)
@given(elements, st.randoms(use_true_random=False))
def test_order_and_batching_do_not_matter(some: list[bytes], random) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    whole = lthash.update(lthash.EMPTY_LATTICE, (), some)
    one_by_one = lthash.EMPTY_LATTICE
    for element in shuffled:
        one_by_one = lthash.update(one_by_one, added=[element])
    assert whole == one_by_one


@settings(steady, max_examples=40)
@given(elements, elements)
def test_undo(removed: list[bytes], added: list[bytes]) -> None:
    start = blake3(b"start").digest(2048)
    assert lthash.update(lthash.update(start, removed, added), added, removed) == start


@pytest.mark.parametrize("count", [127, 128, 129, 300])
def test_batches_join_without_seam(count: int) -> None:
    some = [i.to_bytes(3, "big") for i in range(count)]
    halves = lthash.update(lthash.update(lthash.EMPTY_LATTICE, added=some[:100]), added=iter(some[100:]))
    assert lthash.update(lthash.EMPTY_LATTICE, added=some) == halves
    assert lthash.update(halves, removed=some) == lthash.EMPTY_LATTICE


def test_repeated_element_counts_twice() -> None:
    once = lthash.update(lthash.EMPTY_LATTICE, added=[b"e"])
    assert once == lthash.expand(b"e")
    assert lthash.update(lthash.EMPTY_LATTICE, added=[b"e", b"e"]) == lthash.update(once, added=[b"e"]) != once


@steady
@given(addresses, accounts)
def test_account_element_layout(address: bytes, account: Account) -> None:
    expected = b"mds/account" + address + rlp.encode([account.nonce, account.balance, account.code_hash])
    assert lthash.account_element(address, account) == expected


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 2**64 - 1, 2**256 - 1])
def test_account_element_edges(value: int) -> None:
    account = Account(min(value, 2**64 - 1), value, EMPTY_CODE_HASH)
    expected = b"mds/account" + bytes(20) + rlp.encode([account.nonce, account.balance, account.code_hash])
    assert lthash.account_element(bytes(20), account) == expected


@pytest.mark.parametrize("balance_bytes", range(18, 26))
def test_account_element_where_the_list_becomes_long(balance_bytes: int) -> None:
    """55 bytes of fields have a one-byte head, 56 a two-byte one."""
    account = Account(5, 256 ** (balance_bytes - 1), EMPTY_CODE_HASH)
    expected = b"mds/account" + bytes(20) + rlp.encode([account.nonce, account.balance, account.code_hash])
    assert lthash.account_element(bytes(20), account) == expected


@steady
@given(addresses, st.integers(0, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_slot_element_layout(address: bytes, slot: int, value: int) -> None:
    element = lthash.slot_element(address, slot, value)
    assert element == b"mds/slot" + address + slot.to_bytes(32, "big") + value.to_bytes(32, "big")


def test_out_of_range_is_coded() -> None:
    for make in (
        lambda: lthash.slot_element(bytes(20), 2**256, 1),
        lambda: lthash.slot_element(bytes(20), 0, -1),
        lambda: lthash.account_element(bytes(20), Account(0, 2**256, EMPTY_CODE_HASH)),
        lambda: lthash.account_element(bytes(20), Account(-1, 0, EMPTY_CODE_HASH)),
    ):
        with pytest.raises(RuleViolation) as caught:
            make()
        assert caught.value.code == RuleCode.FIELD_RANGE


def test_wrong_lattices_are_coded() -> None:
    with pytest.raises(StoreError) as caught:
        lthash.update(bytes(2047))
    assert caught.value.code == "lattice_length"
    with pytest.raises(StoreError) as caught:
        lthash.digest(b"")
    assert caught.value.code == "lattice_length"
    nothing = StateDiff({}, {}, {})
    with pytest.raises(StoreError) as caught:
        lthash.update_lattices([lthash.EMPTY_LATTICE] * 3, nothing, nothing, 4)
    assert caught.value.code == "lattice_count"


def test_state_root_layout() -> None:
    lattices = [lthash.expand(b"x"), lthash.EMPTY_LATTICE]
    minted = 10**26
    expected = blake3(
        b"mds/state" + minted.to_bytes(32, "big") + blake3(lattices[0]).digest() + blake3(bytes(2048)).digest()
    ).digest()
    assert lthash.state_root(minted, lattices) == expected
    assert lthash.state_root(minted + 1, lattices) != expected
    assert lthash.state_root(minted, lattices[::-1]) != expected


def whole_state(state: dict, slots: dict, shard_count: int) -> tuple[bytes, ...]:
    """Lattices of a full state from nothing, shard by shard."""
    out = []
    for shard in range(shard_count):
        mine = [lthash.account_element(a, v) for a, v in state.items() if shard_of(a, shard_count) == shard]
        mine += [lthash.slot_element(a, s, v) for (a, s), v in slots.items() if shard_of(a, shard_count) == shard]
        out.append(lthash.update(lthash.EMPTY_LATTICE, added=mine))
    return tuple(out)


few_addresses = st.sampled_from([bytes([i]) * 20 for i in range(1, 9)])
states = st.dictionaries(few_addresses, accounts.filter(lambda account: not account.is_empty), max_size=8)
slot_maps = st.dictionaries(st.tuples(few_addresses, st.integers(0, 3)), st.integers(1, 2**256 - 1), max_size=10)


@settings(steady, max_examples=40)
@given(states, slot_maps, states, slot_maps)
def test_diffs_lead_to_the_full_recount_and_back(state0, slots0, state1, slots1) -> None:
    keys, slot_keys = sorted({*state0, *state1}), sorted({*slots0, *slots1})
    empty = Account(0, 0, EMPTY_CODE_HASH)
    before = StateDiff({a: state0.get(a) for a in keys}, {k: slots0.get(k, 0) for k in slot_keys}, {})
    # an empty account and no account are the same thing (EIP-161)
    after = StateDiff({a: state1.get(a, empty) for a in keys}, {k: slots1.get(k, 0) for k in slot_keys}, {})
    start, end = whole_state(state0, slots0, 3), whole_state(state1, slots1, 3)
    assert lthash.update_lattices(start, before, after, 3) == end
    assert lthash.update_lattices(end, after, before, 3) == start
