"""RLP against the yellow paper's examples and against the ``rlp`` package as a second implementation."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from rlp.exceptions import DecodingError
from rlp.sedes import big_endian_int

from chain.core import rlp
from chain.core.errors import RuleCode, RuleViolation
from tests.core.samples import spoiled

LOREM = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit"

# ethereum.org, "Recursive-length prefix serialization", examples
GOLDEN: list[tuple[Any, str]] = [
    (b"dog", "83646f67"),
    ([b"cat", b"dog"], "c88363617483646f67"),
    (b"", "80"),
    ([], "c0"),
    (b"\x00", "00"),
    (b"\x0f", "0f"),
    (b"\x04\x00", "820400"),
    ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
    (LOREM, "b838" + LOREM.hex()),
]

items = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=25)


def depth_of(item: Any) -> int:
    return 1 + max((depth_of(part) for part in item), default=0) if isinstance(item, list) else 0


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize(("item", "encoded"), GOLDEN)
def test_golden_examples(item: Any, encoded: str) -> None:
    assert rlp.encode(item).hex() == encoded
    assert rlp.decode(bytes.fromhex(encoded)) == item


@given(items.filter(lambda item: depth_of(item) <= rlp.MAX_DEPTH))
def test_agrees_with_reference_both_ways(item: Any) -> None:
    encoded = rlp.encode(item)
    assert encoded == reference.encode(item)
    assert rlp.decode(encoded) == item


@given(st.integers(0, 2**300))
def test_integers_are_minimal(value: int) -> None:
    encoded = rlp.encode(value)
    assert encoded == reference.encode(value, big_endian_int)
    assert len(encoded) == rlp.encoded_int_length(value)
    assert rlp.bytes_to_int(rlp.int_to_bytes(value)) == value


def test_integers_refuse_signs_and_leading_zeros() -> None:
    assert code_of(rlp.encode, -1) == RuleCode.FIELD_RANGE
    assert code_of(rlp.encode, [1, [-5]]) == RuleCode.FIELD_RANGE
    assert code_of(rlp.bytes_to_int, b"\x00") == RuleCode.RLP_NON_CANONICAL
    assert code_of(rlp.bytes_to_int, b"\x00\x01") == RuleCode.RLP_NON_CANONICAL
    assert rlp.bytes_to_int(b"") == 0


def as_lists(item: Any) -> Any:
    """The reference decodes lists of strict bytes as it likes; compare by value."""
    return bytes(item) if isinstance(item, (bytes, bytearray)) else [as_lists(part) for part in item]


def check_same_verdict(data: bytes) -> None:
    """Both decoders read the same item, or both refuse; ours alone bounds the depth."""
    try:
        expected = as_lists(reference.decode(data, strict=True))
    except DecodingError:
        with pytest.raises(RuleViolation):
            rlp.decode(data)
        return
    if depth_of(expected) > rlp.MAX_DEPTH:
        assert code_of(rlp.decode, data) == RuleCode.RLP_TOO_DEEP
        return
    assert rlp.decode(data) == expected
    assert rlp.encode(expected) == data


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_same_verdict_as_reference(data: bytes) -> None:
    check_same_verdict(data)


@settings(max_examples=400)
@given(spoiled(items.map(reference.encode)))
def test_spoiled_bytes_same_verdict_as_reference(data: bytes) -> None:
    check_same_verdict(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", RuleCode.RLP_MALFORMED),
        ("8363", RuleCode.RLP_MALFORMED),
        ("c383", RuleCode.RLP_MALFORMED),
        ("c283646f67", RuleCode.RLP_MALFORMED),  # an item that leaves its list
        ("b9", RuleCode.RLP_MALFORMED),
        ("f9ff", RuleCode.RLP_MALFORMED),
        ("8080", RuleCode.RLP_MALFORMED),
        ("c0c0", RuleCode.RLP_MALFORMED),
        ("bfffffffffffffffff", RuleCode.RLP_MALFORMED),
        ("ffffffffffffffffff", RuleCode.RLP_MALFORMED),
        ("8100", RuleCode.RLP_NON_CANONICAL),
        ("817f", RuleCode.RLP_NON_CANONICAL),
        ("c2817f", RuleCode.RLP_NON_CANONICAL),
        ("b80161", RuleCode.RLP_NON_CANONICAL),
        ("b837" + "61" * 55, RuleCode.RLP_NON_CANONICAL),
        ("b90038" + "61" * 56, RuleCode.RLP_NON_CANONICAL),
        ("f80161", RuleCode.RLP_NON_CANONICAL),
        ("f90038" + "61" * 56, RuleCode.RLP_NON_CANONICAL),
    ],
)
def test_refusals_by_code(data: str, code: RuleCode) -> None:
    assert code_of(rlp.decode, bytes.fromhex(data)) == code


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = rlp.wrap_list(data)
    return data


def test_depth_is_bounded_and_deep_bytes_do_not_exhaust_the_stack() -> None:
    assert depth_of(rlp.decode(nested(rlp.MAX_DEPTH))) == rlp.MAX_DEPTH
    assert code_of(rlp.decode, nested(rlp.MAX_DEPTH + 1)) == RuleCode.RLP_TOO_DEEP
    assert code_of(rlp.decode, nested(100_000)) == RuleCode.RLP_TOO_DEEP


def test_decode_list_refuses_a_string() -> None:
    assert rlp.decode_list(b"\xc1\x05") == [b"\x05"]
    assert code_of(rlp.decode_list, b"\x05") == RuleCode.FIELD_KIND


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 65_535, 65_536])
def test_every_length_form(size: int) -> None:
    for item in (b"\xaa" * size, [b"\x01"] * size):
        assert rlp.encode(item) == reference.encode(item)
        assert rlp.decode(rlp.encode(item)) == item


@settings(max_examples=300)
@given(spoiled(st.lists(st.binary(max_size=300), max_size=6).map(reference.encode)) | items.map(reference.encode))
def test_list_of_strings_reads_like_decode(data: bytes) -> None:
    try:
        expected = rlp.decode(data)
    except RuleViolation:
        expected = None
    if isinstance(expected, list) and all(isinstance(part, bytes) for part in expected):
        assert rlp.decode_strings(data, 0, len(data), 100) == expected
        assert rlp.list_span(data, 0, len(data))[1] == rlp.item_end(data, 0, len(data)) == len(data)
    else:
        with pytest.raises(RuleViolation):
            rlp.decode_strings(data, 0, len(data), 100)


def test_list_of_strings_stops_at_its_bound_and_at_the_first_list() -> None:
    data = rlp.encode([b"\x01"] * 11)
    assert len(rlp.decode_strings(data, 0, len(data), 11)) == 11
    assert code_of(rlp.decode_strings, data, 0, len(data), 10) == RuleCode.FIELD_COUNT
    nested_list = rlp.encode([b"a", [b"b"]])
    assert code_of(rlp.decode_strings, nested_list, 0, len(nested_list), 10) == RuleCode.FIELD_KIND
    assert code_of(rlp.decode_strings, b"\x83dog", 0, 4, 10) == RuleCode.FIELD_KIND


@pytest.mark.parametrize("payload", ["b8", "b837", "b83861", "82", "8261", "b9", "81", "8100", "bf" + "ff" * 8, "c0"])
def test_list_of_strings_ends_where_its_bytes_end(payload: str) -> None:
    """Each of these is cut off, loose or a list, as the last item of a list at the very end of the bytes."""
    data = rlp.wrap_list(b"\x07" + bytes.fromhex(payload))
    for call in (
        lambda: rlp.decode_strings(data, 0, len(data), 9),
        lambda: rlp.decode_strings(data + b"a" * 99, 0, len(data), 9),
    ):
        assert code_of(call) in (RuleCode.RLP_MALFORMED, RuleCode.RLP_NON_CANONICAL, RuleCode.FIELD_KIND)


def test_list_of_strings_reads_a_part_of_longer_bytes() -> None:
    inner = rlp.encode([b"x" * 60, b"", b"\x07"])
    data = b"\x99" + inner + b"\x98"
    assert rlp.decode_strings(data, 1, 1 + len(inner), 3) == [b"x" * 60, b"", b"\x07"]
    assert code_of(rlp.decode_strings, data, 1, len(data), 3) == RuleCode.RLP_MALFORMED


def test_lists_are_counted() -> None:
    data = rlp.encode([[b"a", [b"b"]], b"c", []])
    assert rlp.decode(data, 4) == [[b"a", [b"b"]], b"c", []]
    assert code_of(rlp.decode, data, 3) == RuleCode.FIELD_COUNT
    assert code_of(rlp.decode, rlp.wrap_list(b"\xc0" * rlp.MAX_LISTS)) == RuleCode.FIELD_COUNT
    assert len(rlp.decode(rlp.wrap_list(b"\xc0" * (rlp.MAX_LISTS - 1)))) == rlp.MAX_LISTS - 1
