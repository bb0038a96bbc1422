"""Parameters: what is taken, what is refused, never with anything but invalid_params."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import RequestError
from chain.rpc import params
from chain.rpc.params import PARSERS, BlockRef

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=70) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["from", "to", "data", "input", "topics", "address", "blockHash", "blockNumber", "gas", "0x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(value=JSON)
def test_any_json_parses_or_is_refused_by_a_coded_error(value: Any) -> None:
    for parse in PARSERS.values():
        with contextlib.suppress(RequestError):
            parse(value)


@given(number=st.integers(0, 2**256 - 1))
def test_quantities_round_trip(number: int) -> None:
    assert params.quantity(hex(number)) == number


@pytest.mark.parametrize(
    "text", ["0x", "0x01", "1", "", "0xg", "0x1_0", "0x 1", "0X1", "-0x1", "0x" + "f" * 65, "0x+1"]
)
def test_bad_quantities(text: str) -> None:
    with pytest.raises(RequestError):
        params.quantity(text)


@pytest.mark.parametrize("text", ["0x0", "0x123", "0xzz", "00", "0x 12 ", "0x12 3"])
def test_bad_bytes(text: str) -> None:
    with pytest.raises(RequestError):
        params.hex_bytes(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("latest", BlockRef(tag="latest")),
        ("0x10", BlockRef(number=16)),
        ({"blockNumber": "0x10"}, BlockRef(number=16)),
        ({"blockNumber": "safe"}, BlockRef(tag="safe")),
        ({"blockHash": "0x" + "11" * 32}, BlockRef(hash=b"\x11" * 32)),
        ({"blockHash": "0x" + "11" * 32, "requireCanonical": True}, BlockRef(None, None, b"\x11" * 32, True)),
    ],
)
def test_block_references(value: Any, expected: BlockRef) -> None:
    assert params.block_ref(value) == expected


@pytest.mark.parametrize(
    "value", ["newest", {}, {"blockHash": "0x" + "11" * 32, "blockNumber": "0x1"}, {"x": 1}, None, True, "0x01", -1]
)
def test_bad_block_references(value: Any) -> None:
    with pytest.raises(RequestError):
        params.block_ref(value)


def test_call_objects() -> None:
    call = params.call_object({"to": "0x" + "22" * 20, "input": "0x01", "data": "0x01", "value": "0x5", "gas": None})
    assert (call.sender, call.to, call.data, call.value, call.gas) == (bytes(20), b"\x22" * 20, b"\x01", 5, None)
    for bad in (
        {"data": "0x01", "input": "0x02"},
        {"gasPrice": "0x1", "maxFeePerGas": "0x1"},
        {"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"},
        {"to": "0x22"},
    ):
        with pytest.raises(RequestError):
            params.call_object(bad)


def test_filters() -> None:
    topic = "0x" + "aa" * 32
    found = params.log_filter({"address": "0x" + "22" * 20, "topics": [None, [topic, None], topic, None]})
    assert found.addresses == (b"\x22" * 20,)
    assert found.topics == ((), (), (b"\xaa" * 32,))
    for bad in ({"blockHash": topic, "fromBlock": "0x1"}, {"topics": [topic] * 5}, {"topics": ["0x12"]}, []):
        with pytest.raises(RequestError):
            params.log_filter(bad)
