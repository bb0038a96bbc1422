"""Pool policy as pure rules; envelopes back and forth."""

from __future__ import annotations

import pytest
from eth_account import Account as Wallet
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import rlp
from chain.core.envelope import encode_transaction
from chain.core.pool import BlockLimits, PoolEntry, effective_tip, order_for_block, replaceable_fee
from chain.core.transactions import decode_transaction

KEY = "0x" + "11" * 32
TO = "0x" + "22" * 20


@given(old=st.integers(0, 2**100), new=st.integers(0, 2**100), bump=st.integers(0, 100))
def test_a_fee_replaces_exactly_what_it_exceeds_by_the_bump(old: int, new: int, bump: int) -> None:
    assert (old <= replaceable_fee(new, bump)) == (new * 100 >= old * (100 + bump))


ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 20), st.integers(0, 30), st.integers(21_000, 90_000), st.booleans(),
        st.integers(0, 3), st.integers(1, 300),
    ),
    max_size=25,
)  # fmt: skip


def runs_of(parts: list[tuple[int, int, int, int, bool, int, int]]) -> list[PoolEntry]:
    heights: dict[int, int] = {}
    entries = []
    for number, (sender, tip, spare, gas, simple, arrival, size) in enumerate(parts):
        nonce = heights.get(sender, 0)
        heights[sender] = nonce + 1
        entries.append(
            PoolEntry(
                number.to_bytes(32, "big"), bytes([sender]) * 20, nonce, tip, tip + spare, 0, arrival,
                21_000 if simple else gas, simple, b"\xf0" * size,
            )
        )  # fmt: skip
    return entries


@settings(max_examples=150, deadline=None)
@given(
    parts=ENTRIES,
    base_fee=st.integers(0, 40),
    txs=st.integers(0, 12),
    gas=st.integers(0, 400_000),
    size=st.integers(1, 2500),
)
def test_a_block_holds_what_fits_in_nonce_order(parts: list, base_fee: int, txs: int, gas: int, size: int) -> None:
    limits = BlockLimits(txs, gas, size)
    chosen = order_for_block(runs_of(parts), base_fee, limits)
    assert len(chosen) <= txs
    assert sum(entry.gas_limit for entry in chosen if not entry.is_simple) <= gas
    assert not chosen or len(rlp.encode([entry.raw for entry in chosen])) <= size
    assert all(effective_tip(entry.tip, entry.max_fee, base_fee) >= 0 for entry in chosen)
    by_sender: dict[bytes, list[int]] = {}
    for entry in chosen:
        by_sender.setdefault(entry.sender, []).append(entry.nonce)
    assert all(nonces == list(range(len(nonces))) for nonces in by_sender.values())
    assert chosen == order_for_block(list(runs_of(parts)), base_fee, limits)


@settings(max_examples=100, deadline=None)
@given(parts=ENTRIES, base_fee=st.integers(0, 10))
def test_each_place_goes_to_the_best_tip_then_the_oldest(parts: list, base_fee: int) -> None:
    entries = runs_of(parts)
    chosen = order_for_block(entries, base_fee, BlockLimits(10**6, 10**9, 10**9))
    waiting = {sender: [e for e in entries if e.sender == sender] for sender in {e.sender for e in entries}}
    for entry in chosen:
        heads = [run[0] for run in waiting.values() if run]
        best = min(heads, key=lambda e: (-effective_tip(e.tip, e.max_fee, base_fee), e.arrival_ms, e.hash))
        assert entry == best
        waiting[entry.sender].pop(0)


@pytest.mark.parametrize(
    "fields",
    [
        {"gasPrice": 7, "data": "0x00ff"},
        {"gasPrice": 7, "accessList": [{"address": TO, "storageKeys": ["0x" + "00" * 31 + "05"]}], "type": 1},
        {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "type": 2},
        {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "type": 2, "to": "", "data": "0x6000"},
    ],
)
def test_envelopes_round_trip(fields: dict) -> None:
    tx = {"chainId": 0x4D534858, "nonce": 3, "gas": 90_000, "to": TO, "value": 5, **fields}
    raw = bytes(Wallet.sign_transaction(tx, KEY).raw_transaction)
    assert encode_transaction(decode_transaction(raw)) == raw


def test_envelopes_with_authorizations_round_trip() -> None:
    authorization = Wallet.sign_authorization({"chainId": 0, "address": TO, "nonce": 1}, KEY)
    tx = {
        "type": 4, "chainId": 0x4D534858, "nonce": 3, "gas": 90_000, "to": TO, "value": 5, "maxFeePerGas": 9,
        "maxPriorityFeePerGas": 2, "authorizationList": [authorization],
    }  # fmt: skip
    raw = bytes(Wallet.sign_transaction(tx, KEY).raw_transaction)
    assert encode_transaction(decode_transaction(raw)) == raw
