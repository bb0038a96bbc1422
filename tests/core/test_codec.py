"""Headers and blocks both ways, against ``rlp`` and ``blake3`` by the table of fields in protocol §4."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from typing import Any

import pytest
import rlp as reference
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from rlp.sedes import big_endian_int

from chain.core import codec, rlp
from chain.core.errors import RuleCode, RuleViolation
from chain.core.types import UINT64_MAX, UINT256_MAX, Block, Header
from tests.core.samples import header, headers, signed

# protocol §4: name, kind (an integer's upper bound, a string's exact or greatest length, or a list)
FIELDS: list[tuple[str, str, int]] = [
    ("version", "int", UINT64_MAX),
    ("chain_id", "int", UINT64_MAX),
    ("stream", "int", UINT64_MAX),
    ("parents", "list", 0),
    ("timestamp_ms", "int", UINT64_MAX),
    ("target", "int", UINT64_MAX),
    ("stream_counts", "list", 0),
    ("blue_score", "int", UINT64_MAX),
    ("blue_work", "int", UINT256_MAX),
    ("number", "int", UINT64_MAX),
    ("coinbase", "exact", 20),
    ("vrf_key", "exact", 32),
    ("tx_root", "exact", 32),
    ("state_root", "exact", 32),
    ("receipts_root", "exact", 32),
    ("gas_used", "int", UINT64_MAX),
    ("base_fee", "int", UINT256_MAX),
    ("extra", "most", 32),
    ("seal", "list", 0),
]
POSITION = {name: position for position, (name, _, _) in enumerate(FIELDS)}


def integer(value: int) -> bytes:
    return big_endian_int.serialize(value)


def reference_items(one: Header) -> list[Any]:
    """The header as the reference library's items, in the order of the table."""
    items: list[Any] = []
    for name, kind, _ in FIELDS:
        value = getattr(one, name)
        if kind == "int":
            items.append(integer(value))
        elif name == "stream_counts":
            items.append([integer(count) for count in value])
        else:
            items.append(list(value) if kind == "list" else value)
    return items


def encoded(**changed: Any) -> bytes:
    """The sample header's bytes with some raw items replaced."""
    items = reference_items(header())
    for name, value in changed.items():
        items[POSITION[name]] = value
    return reference.encode(items)


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments)
    return caught.value.code


@given(headers())
def test_header_both_ways(one: Header) -> None:
    data = codec.encode_header(one)
    assert data == reference.encode(reference_items(one))
    assert codec.decode_header(data) == one


@given(headers())
def test_hashes_are_over_the_list_with_and_without_the_seal(one: Header) -> None:
    items = reference_items(one)
    assert codec.header_hash(one) == blake3(reference.encode(items)).digest()
    assert codec.pre_hash(one) == blake3(reference.encode(items[:-1])).digest()


def test_kept_hashes_stay_with_their_own_instance() -> None:
    one = header()
    codec.header_hash(one), codec.pre_hash(one)
    other_nonce = replace(one, seal=(b"\x01" * 8,))
    other_extra = replace(one, extra=b"")
    assert codec.header_hash(other_nonce) == blake3(reference.encode(reference_items(other_nonce))).digest()
    assert codec.pre_hash(other_nonce) == codec.pre_hash(one)
    assert codec.pre_hash(other_extra) != codec.pre_hash(one)
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert codec.header_hash(again) == codec.header_hash(one)


def test_the_table_is_the_header() -> None:
    assert [field.name for field in fields(Header)] == [name for name, _, _ in FIELDS]
    assert len(FIELDS) == codec.HEADER_FIELDS


@pytest.mark.parametrize(("name", "kind", "bound"), FIELDS)
def test_each_field_refuses_what_it_cannot_hold(name: str, kind: str, bound: int) -> None:
    assert codec.decode_header(encoded()) == header()
    if kind == "list":
        assert code_of(codec.decode_header, encoded(**{name: b""})) == RuleCode.FIELD_KIND
        return
    assert code_of(codec.decode_header, encoded(**{name: []})) == RuleCode.FIELD_KIND
    if kind == "int":
        assert getattr(codec.decode_header(encoded(**{name: integer(bound)})), name) == bound
        assert getattr(codec.decode_header(encoded(**{name: b""})), name) == 0
        assert code_of(codec.decode_header, encoded(**{name: integer(bound + 1)})) == RuleCode.FIELD_RANGE
        assert code_of(codec.decode_header, encoded(**{name: integer(2**600)})) == RuleCode.FIELD_RANGE
        assert code_of(codec.decode_header, encoded(**{name: b"\x00\x01"})) == RuleCode.RLP_NON_CANONICAL
        assert code_of(codec.decode_header, encoded(**{name: b"\x00"})) == RuleCode.RLP_NON_CANONICAL
        return
    assert getattr(codec.decode_header(encoded(**{name: b"\x07" * bound})), name) == b"\x07" * bound
    assert code_of(codec.decode_header, encoded(**{name: b"\x07" * (bound + 1)})) == RuleCode.FIELD_LENGTH
    shorter = encoded(**{name: b"\x07" * (bound - 1)})
    if kind == "exact":
        assert code_of(codec.decode_header, shorter) == RuleCode.FIELD_LENGTH
    else:
        assert len(getattr(codec.decode_header(shorter), name)) == bound - 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"parents": [b"\x01" * 31]}, RuleCode.FIELD_LENGTH),
        ({"parents": [b"\x01" * 32, []]}, RuleCode.FIELD_KIND),
        ({"parents": [b"\x01" * 32] * (codec.MAX_PARENTS_DECODED + 1)}, RuleCode.FIELD_COUNT),
        ({"stream_counts": [b"\x01", b"\x02"]}, RuleCode.FIELD_COUNT),
        ({"stream_counts": [b"\x01", b"\x02", b"\x03", b""]}, RuleCode.FIELD_COUNT),
        ({"stream_counts": [b"\x01", b"\x02", []]}, RuleCode.FIELD_KIND),
        ({"stream_counts": [b"\x01", b"\x02", b"\x00"]}, RuleCode.RLP_NON_CANONICAL),
        ({"stream_counts": [b"\x01", b"\x02", b"\x01" * 9]}, RuleCode.FIELD_RANGE),
        ({"seal": [b"", b"", b""]}, RuleCode.FIELD_COUNT),
        ({"seal": [b"\x01" * 81]}, RuleCode.FIELD_LENGTH),
        ({"seal": [[b"\x01"]]}, RuleCode.FIELD_KIND),
    ],
)
def test_lists_in_a_header(changed: dict[str, Any], code: RuleCode) -> None:
    assert code_of(codec.decode_header, encoded(**changed)) == code


def test_header_of_another_shape() -> None:
    items = reference_items(header())
    assert code_of(codec.decode_header, reference.encode(items[:-1])) == RuleCode.FIELD_COUNT
    assert code_of(codec.decode_header, reference.encode([*items, b""])) == RuleCode.FIELD_COUNT
    assert code_of(codec.decode_header, reference.encode(b"header")) == RuleCode.FIELD_KIND
    assert code_of(codec.decode_header, b"\x00" * (codec.MAX_HEADER_BYTES + 1)) == RuleCode.FIELD_LENGTH


def test_the_largest_header_fits_the_decoder() -> None:
    largest = {name: bound for name, kind, bound in FIELDS if kind == "int" and name != "stream"}
    one = replace(
        header(),
        stream=UINT64_MAX,
        parents=(b"\xff" * 32,) * codec.MAX_PARENTS_DECODED,
        stream_counts=(UINT64_MAX,) * 3,
        extra=b"\xff" * 32,
        seal=(b"\xff" * codec.MAX_SEAL_ITEM_BYTES,) * codec.MAX_SEAL_ITEMS,
        **largest,
    )
    data = codec.encode_header(one)
    assert len(data) <= codec.MAX_HEADER_BYTES
    assert codec.decode_header(data) == one


@pytest.mark.parametrize("changes", [{"number": -1}, {"blue_work": -1}, {"stream_counts": (0, -1, 0)}])
def test_a_negative_field_has_no_encoding(changes: dict[str, Any]) -> None:
    assert code_of(codec.encode_header, header(**changes)) == RuleCode.FIELD_RANGE


bodies = st.lists(st.binary(max_size=300), max_size=8).map(tuple)


@given(headers(), bodies)
def test_block_both_ways(one: Header, body: tuple[bytes, ...]) -> None:
    data = codec.encode_block(Block(one, body))
    assert data == reference.encode([reference_items(one), list(body)])
    assert codec.decode_block(data) == Block(one, body)
    assert codec.encode_body(body) == reference.encode(list(body))
    assert codec.decode_body(codec.encode_body(body)) == body


def test_block_of_another_shape() -> None:
    head, body = reference_items(header()), [signed(0), signed(2)]
    assert len(codec.decode_block(reference.encode([head, body])).transactions) == 2
    for wrong, code in (
        ([head], RuleCode.FIELD_COUNT),
        ([head, body, []], RuleCode.FIELD_COUNT),
        ([head, body, b""], RuleCode.FIELD_COUNT),
        ([], RuleCode.FIELD_COUNT),
        ([head, b"body"], RuleCode.FIELD_KIND),
        ([b"head", body], RuleCode.FIELD_KIND),
        ([head, [body]], RuleCode.FIELD_KIND),
        (b"block", RuleCode.FIELD_KIND),
    ):
        assert code_of(codec.decode_block, reference.encode(wrong)) == code, wrong
    good = reference.encode([head, body])
    assert code_of(codec.decode_block, good + b"\x00") == RuleCode.RLP_MALFORMED
    assert code_of(codec.decode_body, reference.encode(body) + b"\x80") == RuleCode.RLP_MALFORMED


def test_decoders_bound_length_and_count_before_they_look() -> None:
    long = bytes(codec.MAX_BLOCK_BYTES + 1)
    assert code_of(codec.decode_block, long) == RuleCode.FIELD_LENGTH
    assert code_of(codec.decode_body, long) == RuleCode.FIELD_LENGTH
    ones = b"\x01" * codec.MAX_ENVELOPES_DECODED
    assert len(codec.decode_body(rlp.wrap_list(ones))) == codec.MAX_ENVELOPES_DECODED
    assert code_of(codec.decode_body, rlp.wrap_list(ones + b"\x01")) == RuleCode.FIELD_COUNT
    # eight million empty lists, or a header as long as a block
    lists = rlp.wrap_list(b"\xc0" * 8_000_000)
    assert code_of(codec.decode_block, rlp.wrap_list(codec.encode_header(header()) + lists)) == RuleCode.FIELD_KIND
    assert code_of(codec.decode_block, rlp.wrap_list(lists + b"\xc0")) == RuleCode.FIELD_LENGTH


def test_pinned_hashes() -> None:
    """So that none changes unseen; the header's were computed with the ``rlp`` and ``blake3`` packages."""
    # BLAKE3's own test vectors, input_len 0
    assert codec.blake3_hash(b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert codec.pre_hash(header()).hex() == "2c86b1d40a71d883e83e6786a25b4185fce83c8ce95e74cc4243de39bd5ca56e"
    assert codec.header_hash(header()).hex() == "9a945c981a24239c103a034587e315ca46f00fea2917be45506e22db9e3acf4a"


@settings(max_examples=30)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=9))
def test_tx_root_is_the_merkle_root_of_hashes(hashes: list[bytes]) -> None:
    """Protocol §4 in its recursive form: split at the greatest power of two below the count."""

    def root(part: list[bytes]) -> bytes:
        if len(part) == 1:
            return blake3(b"\x00" + part[0]).digest()
        split = 1 << ((len(part) - 1).bit_length() - 1)
        return blake3(b"\x01" + root(part[:split]) + root(part[split:])).digest()

    assert codec.tx_root(hashes) == (root(hashes) if hashes else blake3(b"\x02").digest())
