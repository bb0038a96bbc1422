"""Whatever bytes arrive, decoders and isolation rules answer with a coded error or a value that encodes back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import codec, rlp
from chain.core.errors import BadDelivery, BlockchainError, RuleCode, RuleViolation
from chain.core.rules.body_in_isolation import check_body_in_isolation
from chain.core.rules.header_in_isolation import check_header_in_isolation
from chain.core.rules.tx_in_isolation import check_transaction_in_isolation
from chain.core.spec import ChainSpec, check_spec, load_spec
from chain.core.transactions import decode_transaction, intrinsic_gas
from chain.core.types import Block, Header, Transaction
from tests.core.samples import TO, block, header, headers, signed, spec, spoiled

ENTRY = {"address": TO, "storageKeys": ["0x" + "07" * 32]}
ENVELOPES = [signed(0), signed(1, accessList=[ENTRY]), signed(2, data=b"\x00" * 60), signed(4, accessList=[ENTRY])]
BLOCKS = [block(), block(*ENVELOPES), block(ENVELOPES[0], stream=3), block(*ENVELOPES[:2], stream=1)]


def refused(call: Callable[[], Any]) -> bool:
    """Whether the call ends in a coded error that can be shown and sent; any other exception fails the test."""
    refusal: BlockchainError
    try:
        call()
    except (RuleViolation, BadDelivery) as error:
        refusal = error
    else:
        return False
    assert str(refusal).startswith(f"{refusal.code}: ")
    assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)
    return True


def read_header(data: bytes) -> None:
    one = codec.decode_header(data)
    assert isinstance(one, Header)
    assert codec.encode_header(one) == data
    refused(lambda: check_header_in_isolation(one, spec()))


def read_block(data: bytes) -> None:
    one = codec.decode_block(data)
    assert isinstance(one, Block)
    assert codec.encode_block(one) == data
    refused(lambda: check_header_in_isolation(one.header, spec()))
    refused(lambda: check_body_in_isolation(one, spec()))


def read_body(data: bytes) -> None:
    assert codec.encode_body(codec.decode_body(data)) == data


def read_transaction(data: bytes) -> None:
    one = decode_transaction(data)
    assert isinstance(one, Transaction)
    assert one.size == len(data)
    assert intrinsic_gas(one) >= 21_000
    assert decode_transaction(data, one.sender) == one
    refused(lambda: check_transaction_in_isolation(one, spec()))


READERS = [read_header, read_block, read_body, read_transaction]
GOOD: dict[Any, list[bytes]] = {
    read_header: [codec.encode_header(header(stream)) for stream in (1, 2, 3)],
    read_block: [codec.encode_block(one) for one in BLOCKS],
    read_body: [codec.encode_body(one.transactions) for one in BLOCKS],
    read_transaction: ENVELOPES,
}
readers = st.sampled_from(READERS)


def test_good_bytes_are_read() -> None:
    for reader, samples in GOOD.items():
        assert not any(refused(lambda reader=reader, data=data: reader(data)) for data in samples)


@settings(max_examples=300)
@given(readers, st.binary(max_size=400))
def test_random_bytes(reader: Callable[[bytes], None], data: bytes) -> None:
    refused(lambda: reader(data))


@pytest.mark.parametrize("reader", READERS)
def test_every_truncation_is_refused(reader: Callable[[bytes], None]) -> None:
    for data in GOOD[reader]:
        for length in range(len(data)):
            assert refused(lambda cut=data[:length]: reader(cut))
        assert refused(lambda longer=data + b"\x00": reader(longer))


@settings(max_examples=400)
@given(st.data())
def test_spoiled_bytes(data: st.DataObject) -> None:
    reader = data.draw(readers)
    wrong = data.draw(spoiled(st.sampled_from(GOOD[reader])))
    refused(lambda: reader(wrong))


@settings(max_examples=60)
@given(readers, headers().map(codec.encode_header))
def test_a_header_where_something_else_belongs(reader: Callable[[bytes], None], data: bytes) -> None:
    assert refused(lambda: reader(data)) or reader is read_header


@settings(max_examples=200)
@given(st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=20), max_leaves=40), readers)
def test_well_formed_items_of_any_shape(item: Any, reader: Callable[[bytes], None]) -> None:
    data = rlp.encode(item)
    refused(lambda: reader(data))
    refused(lambda: read_transaction(b"\x04" + data))


def nested(depth: int, core: bytes = b"") -> bytes:
    data = core
    for _ in range(depth):
        data = rlp.wrap_list(data)
    return data


# as long as a decoder takes them: each must be refused without the time or memory to build it
MONSTERS = {
    "deep": nested(5_000),
    "deep in a pair": rlp.wrap_list(GOOD[read_header][0] + nested(5_000)),
    "deep in place of a header": rlp.wrap_list(nested(1_000) + b"\xc0"),
    "opening prefixes": b"\xf8" * 1_000_000,
    "list of empty lists": rlp.wrap_list(b"\xc0" * 8_900_000),
    "body of empty lists": rlp.wrap_list(GOOD[read_header][0] + rlp.wrap_list(b"\xc0" * 8_900_000)),
    "body of empty strings": rlp.wrap_list(GOOD[read_header][0] + rlp.wrap_list(b"\x80" * 8_900_000)),
    "longest claim": b"\xff" + b"\xff" * 8 + bytes(100),
    "length of no end": b"\xbf" + b"\xff" * 8 + bytes(100),
    "too long": bytes(20_000_000),
    "long number": rlp.encode([b"\xff" * 3_000] + [[]] * 18),
    "long transaction": b"\x02" + rlp.encode([b"\xff" * 500_000] * 12),
    "list of many lists": b"\x01" + rlp.wrap_list(b"\xc0" * 1_000_000),
}


@pytest.mark.parametrize("name", MONSTERS)
@pytest.mark.parametrize("reader", READERS)
def test_monsters_are_refused(name: str, reader: Callable[[bytes], None]) -> None:
    assert refused(lambda: reader(MONSTERS[name]))


@pytest.mark.parametrize("reader", READERS)
def test_monsters_build_little(reader: Callable[[bytes], None]) -> None:
    """Refusing nine megabytes of empty lists allocates a few of them, not half a gigabyte."""
    import tracemalloc

    for name in ("list of empty lists", "body of empty lists", "body of empty strings"):
        tracemalloc.start()
        try:
            assert refused(lambda name=name: reader(MONSTERS[name]))
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
        finally:
            tracemalloc.stop()


# --- genesis files ---------------------------------------------------------------------------------------------------

TEXT = resources.files("chain").joinpath("genesis", "devnet.json").read_text()
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(("2^256", "2^9999999", "0x" + "f" * 400, "-1", "9" * 5_000, TO, "prague", 2**64)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def read_spec(text: str) -> None:
    one = load_spec(text)
    assert isinstance(one, ChainSpec)
    check_spec(one)
    assert len(one.spec_hash) == 32


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    for key, part in value.items() if isinstance(value, dict) else ():
        found += places(part, (*path, key))
    return found


PLACES = places(json.loads(TEXT))


@settings(max_examples=300)
@given(st.sampled_from(PLACES), json_values)
def test_a_genesis_file_with_any_value_anywhere(path: tuple[Any, ...], value: Any) -> None:
    data = json.loads(TEXT)
    if not path:
        data = value
    else:
        place = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    refused(lambda: read_spec(json.dumps(data)))


@settings(max_examples=150)
@given(st.sampled_from(PLACES), st.text(max_size=8), json_values)
def test_a_genesis_file_with_any_key_anywhere(path: tuple[Any, ...], key: str, value: Any) -> None:
    data = json.loads(TEXT)
    place = data
    for step in path:
        place = place[step]
    if isinstance(place, dict) and key not in place:
        place[key] = value
        assert refused(lambda: read_spec(json.dumps(data)))


@settings(max_examples=150)
@given(spoiled(st.just(TEXT.encode())))
def test_a_spoiled_genesis_file(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    refused(lambda: read_spec(text))


@pytest.mark.parametrize("opening", ["[", '{"alloc":', '{"a":[{"b":'])
def test_a_deep_genesis_file(opening: str) -> None:
    for depth in (17, 900, 200_000):
        assert refused(lambda depth=depth: read_spec(opening * depth))
        assert refused(lambda depth=depth: read_spec('{"name": "' + opening.replace('"', '\\"') * depth))
    deep = json.loads("[" * 900 + "]" * 900)
    for name in ("ghostdag_k", "alloc", "streams", "upgrades", "network"):
        with pytest.raises(RuleViolation) as caught:
            load_spec(json.dumps({**json.loads(TEXT), name: deep}))
        assert caught.value.code == RuleCode.SPEC_VALUE
        str(caught.value)
