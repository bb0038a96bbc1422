"""Envelopes against eth_account and py-evm, the example of EIP-155, and every refusal of the decoder."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as reference
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_account import Account as Signer
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import rlp
from chain.core.errors import RuleCode, RuleViolation
from chain.core.transactions import (
    MAX_TX_BYTES_DECODED,
    SECP256K1_HALF_N,
    SECP256K1_N,
    authorization_hash,
    decode_transaction,
    intrinsic_gas,
    is_simple_transfer,
    keccak,
    recipient_of,
    recover_address,
)
from chain.core.types import UINT64_MAX, UINT256_MAX, AccessEntry, Transaction
from tests.core.samples import GWEI, RECIPIENT, SENDER, TO, authorization, decoded, signed, spec

TYPES = (0, 1, 2, 4)
# positions of the fields in each type's list
LAYOUT: dict[int, list[str]] = {
    0: ["nonce", "fee", "gas_limit", "to", "value", "data", "v", "r", "s"],
    1: ["chain_id", "nonce", "fee", "gas_limit", "to", "value", "data", "access_list", "v", "r", "s"],
    2: ["chain_id", "nonce", "priority", "fee", "gas_limit", "to", "value", "data", "access_list", "v", "r", "s"],
    4: [
        "chain_id", "nonce", "priority", "fee", "gas_limit", "to", "value", "data", "access_list", "authorizations",
        "v", "r", "s",
    ],
}  # fmt: skip


def raw_items(envelope: bytes) -> list[Any]:
    return list(reference.decode(envelope if envelope[0] >= 0xC0 else envelope[1:]))


def with_item(type: int, name: str, value: Any, **fields: Any) -> bytes:
    """A signed envelope in which one raw item was replaced after signing."""
    items = raw_items(signed(type, **fields))
    items[LAYOUT[type].index(name)] = value
    return (bytes((type,)) if type else b"") + reference.encode(items)


def code_of(envelope: bytes, sender: bytes | None = None) -> str:
    with pytest.raises(RuleViolation) as caught:
        decode_transaction(envelope, sender)
    return caught.value.code


def test_the_example_of_eip_155() -> None:
    """EIP-155, section "Example": nonce 9, 20 gwei, 21 000 gas, 1 ether to 0x35…35, key 0x46…46, chain 1."""
    envelope = bytes.fromhex(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )
    tx = decode_transaction(envelope)
    assert tx.sender.hex() == "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"
    assert (tx.type, tx.chain_id, tx.nonce, tx.gas_limit, tx.value) == (0, 1, 9, 21_000, 10**18)
    assert tx.max_fee == tx.max_priority_fee == 20 * GWEI
    assert (tx.to, tx.data, tx.v) == (b"\x35" * 20, b"", 37)
    assert (tx.size, tx.is_simple, tx.upfront) == (110, True, 10**18 + 21_000 * 20 * GWEI)
    signing_hash = bytes.fromhex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
    assert recover_address(signing_hash, 0, tx.r, tx.s) == tx.sender


addresses = st.binary(min_size=20, max_size=20)
access_lists = st.lists(
    st.fixed_dictionaries(
        {
            "address": addresses.map(lambda a: "0x" + a.hex()),
            "storageKeys": st.lists(st.integers(0, UINT256_MAX).map(lambda slot: f"0x{slot:064x}"), max_size=3),
        }
    ),
    max_size=3,
)


@st.composite
def signed_fields(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    kind = draw(st.sampled_from(TYPES))
    fields: dict[str, Any] = {
        "nonce": draw(st.integers(0, UINT64_MAX - 1)),
        "gas": draw(st.integers(0, UINT64_MAX)),
        "value": draw(st.integers(0, UINT256_MAX)),
        "data": draw(st.binary(max_size=80)),
        "to": draw(addresses.map(lambda a: "0x" + a.hex()) | (st.just("") if kind != 4 else st.nothing())),
    }
    if kind:
        fields["accessList"] = draw(access_lists)
    if kind < 2:
        fields["gasPrice"] = draw(st.integers(0, UINT256_MAX))
    else:
        fields["maxFeePerGas"] = draw(st.integers(0, UINT256_MAX))
        fields["maxPriorityFeePerGas"] = draw(st.integers(0, UINT256_MAX))
    if kind == 4:
        nonces = draw(st.lists(st.integers(0, UINT64_MAX - 1), min_size=1, max_size=2))
        fields["authorizationList"] = [authorization(nonce) for nonce in nonces]
    return kind, fields


@settings(max_examples=60)
@given(signed_fields())
def test_what_eth_account_signs_is_read_field_by_field(case: tuple[int, dict[str, Any]]) -> None:
    kind, fields = case
    to = fields["to"]
    if to:
        fields["to"] = bytes.fromhex(to[2:])
    envelope = signed(kind, **fields)
    tx = decode_transaction(envelope)
    assert (tx.type, tx.chain_id, tx.sender) == (kind, spec().chain_id, SENDER)
    assert tx.hash == keccak(envelope)
    assert (tx.nonce, tx.gas_limit, tx.value, tx.data) == tuple(fields[n] for n in ("nonce", "gas", "value", "data"))
    assert tx.to == (bytes.fromhex(to[2:]) if to else None)
    assert tx.max_fee == fields.get("maxFeePerGas", fields.get("gasPrice"))
    assert tx.max_priority_fee == fields.get("maxPriorityFeePerGas", fields.get("gasPrice"))
    assert tx.access_list == tuple(
        AccessEntry(bytes.fromhex(entry["address"][2:]), tuple(int(key, 16) for key in entry["storageKeys"]))
        for entry in fields.get("accessList", [])
    )
    assert [one.nonce for one in tx.authorizations] == [one.nonce for one in fields.get("authorizationList", [])]
    assert tx.size == len(envelope)
    assert decode_transaction(envelope, tx.sender) == tx


@pytest.mark.parametrize("kind", TYPES)
def test_py_evm_reads_the_same(kind: int) -> None:
    """py-evm's Prague decoder, on calls with data, access lists and authorities."""
    entries = [{"address": TO, "storageKeys": ["0x" + "00" * 31 + "07"]}] if kind else None
    for data in (b"", b"\x00" * 5 + b"\x01" * 40, bytes(range(256)) * 4):
        for to in (TO, "") if kind != 4 else (TO,):
            envelope = signed(kind, data=data, to=to, gas=5_000_000, accessList=entries)
            tx, theirs = decode_transaction(envelope), PragueTransactionBuilder().decode(envelope)
            assert (tx.sender, tx.hash) == (theirs.sender, theirs.hash)
            assert (tx.nonce, tx.gas_limit, tx.value, tx.data) == (theirs.nonce, theirs.gas, theirs.value, theirs.data)
            if to:  # of a creation py-evm charges the words of EIP-3860 elsewhere
                zeros = data.count(0)
                floor = 21_000 + 10 * (zeros + 4 * (len(data) - zeros))  # EIP-7623, which py-evm applies after the run
                assert intrinsic_gas(tx) == max(theirs.intrinsic_gas, floor)


@pytest.mark.parametrize(
    ("type", "fields", "gas"),
    [
        (0, {}, 21_000),
        (0, {"data": b"\x00"}, 21_010),  # the floor of EIP-7623: 10 a token; 4 by EIP-2028
        (0, {"data": b"\x01"}, 21_040),
        (0, {"data": b"\x00\x01"}, 21_050),
        (0, {"to": ""}, 53_000),
        (0, {"to": "", "data": b"\x01"}, 53_018),  # 32 000 + 16 a byte + 2 a word (EIP-3860)
        (0, {"to": "", "data": b"\x01" * 33}, 53_532),
        (0, {"to": "", "data": b"\x01" * 1_334}, 74_428),
        (0, {"to": "", "data": b"\x01" * 1_340}, 74_600),  # from here on the floor is greater: 21 000 + 40 a byte
        (1, {"accessList": [{"address": TO, "storageKeys": []}]}, 23_400),
        (2, {"accessList": [{"address": TO, "storageKeys": ["0x" + "01" * 32] * 2}]}, 27_200),
        (4, {}, 46_000),
        (4, {"authorizationList": [authorization(0), authorization(1)]}, 71_000),
    ],
)
def test_intrinsic_gas(type: int, fields: dict[str, Any], gas: int) -> None:
    assert intrinsic_gas(decoded(type, gas=10_000_000, **fields)) == gas


def test_an_authority_recovers_from_its_own_hash() -> None:
    (one,) = decoded(4, authorizationList=[authorization(7)]).authorizations
    assert (one.nonce, one.address, one.chain_id) == (7, RECIPIENT, spec().chain_id)
    assert recover_address(authorization_hash(one), one.y_parity, one.r, one.s) == SENDER


def test_a_known_sender_saves_the_recovery() -> None:
    envelope = with_item(2, "s", b"\x01")
    assert code_of(with_item(2, "r", b"")) == RuleCode.TX_SIGNATURE
    assert decode_transaction(envelope, b"\x77" * 20).sender == b"\x77" * 20


@pytest.mark.parametrize("first", [0x00, 0x03, 0x05, 0x7F, 0x80, 0xBF])
def test_other_types_are_refused(first: int) -> None:
    assert code_of(bytes((first,)) + signed(2)[1:]) == RuleCode.TX_TYPE


def test_a_blob_transaction_is_refused_by_type() -> None:
    blob = {
        "type": 3, "chainId": spec().chain_id, "nonce": 0, "gas": 21_000, "to": TO, "value": 0, "data": b"",
        "maxFeePerGas": 1, "maxPriorityFeePerGas": 1, "maxFeePerBlobGas": 1, "accessList": [],
        "blobVersionedHashes": [b"\x01" * 32],
    }  # fmt: skip
    envelope = bytes(Signer.from_key(b"\x46" * 32).sign_transaction(blob).raw_transaction)
    assert TypedTransaction.from_bytes(HexBytes(envelope)).transaction_type == 3
    assert code_of(envelope) == RuleCode.TX_TYPE


@pytest.mark.parametrize("v", [27, 28])
def test_unprotected_legacy_is_refused(v: int) -> None:
    assert code_of(with_item(0, "v", bytes((v,)))) == RuleCode.TX_UNPROTECTED
    assert code_of(signed(0, chainId=None)) == RuleCode.TX_UNPROTECTED


@pytest.mark.parametrize("v", [b"", b"\x01", b"\x1a", b"\x1d", b"\x22"])
def test_legacy_v_of_no_meaning_is_refused(v: bytes) -> None:
    assert code_of(with_item(0, "v", v)) == RuleCode.TX_SIGNATURE


def big(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@pytest.mark.parametrize("kind", TYPES)
def test_signatures_that_are_refused(kind: int) -> None:
    items = raw_items(signed(kind))
    s = int.from_bytes(items[-1], "big")
    for name, value in (
        ("s", big(SECP256K1_N - s)),  # EIP-2: the other of the two signatures
        ("s", big(SECP256K1_HALF_N + 1)),
        ("s", b""),
        ("r", b""),
        ("r", big(SECP256K1_N)),
        ("r", big(5)),  # no point of the curve has this x: 5^3 + 7 is no square
    ):
        assert code_of(with_item(kind, name, value)) == RuleCode.TX_SIGNATURE, (name, value)
    if kind:
        assert code_of(with_item(kind, "v", b"\x02")) == RuleCode.TX_SIGNATURE
        assert code_of(with_item(kind, "v", b"\x25")) == RuleCode.TX_SIGNATURE


def test_half_of_the_order_is_the_last_low_s() -> None:
    """EIP-2 takes s = n // 2; whoever signs it so is recovered."""
    assert len(recover_address(keccak(b"any"), 0, 1, SECP256K1_HALF_N)) == 20
    with pytest.raises(RuleViolation):
        recover_address(keccak(b"any"), 0, 1, SECP256K1_HALF_N + 1)


INTEGERS = {"chain_id": UINT64_MAX, "nonce": UINT64_MAX, "gas_limit": UINT64_MAX, "fee": UINT256_MAX,
            "priority": UINT256_MAX, "value": UINT256_MAX}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_each_field_refuses_what_it_cannot_hold(kind: int) -> None:
    for name in LAYOUT[kind]:
        if name in INTEGERS:
            bound = INTEGERS[name]
            assert isinstance(decode_transaction(with_item(kind, name, big(bound)), SENDER), Transaction)
            assert code_of(with_item(kind, name, big(bound + 1)), SENDER) == RuleCode.FIELD_RANGE, name
            assert code_of(with_item(kind, name, b"\x00\x07"), SENDER) == RuleCode.RLP_NON_CANONICAL, name
            assert code_of(with_item(kind, name, []), SENDER) == RuleCode.FIELD_KIND, name
        elif name in ("r", "s", "v"):
            assert code_of(with_item(kind, name, b"\x00\x07"), SENDER) == RuleCode.RLP_NON_CANONICAL, name
            assert code_of(with_item(kind, name, b"\x01" * 33), SENDER) == RuleCode.FIELD_RANGE, name
            assert code_of(with_item(kind, name, []), SENDER) == RuleCode.FIELD_KIND, name
        elif name == "to":
            assert decode_transaction(with_item(kind, "to", b""), SENDER).to is None
            for wrong in (b"\x01" * 19, b"\x01" * 21, b"\x01"):
                assert code_of(with_item(kind, "to", wrong), SENDER) == RuleCode.FIELD_LENGTH
        elif name == "data":
            assert code_of(with_item(kind, "data", []), SENDER) == RuleCode.FIELD_KIND
        else:
            assert code_of(with_item(kind, name, b""), SENDER) == RuleCode.FIELD_KIND
    items = raw_items(signed(kind))
    prefix = bytes((kind,)) if kind else b""
    for wrong in (items[:-1], [*items, b""], [], b"text"):
        expected = RuleCode.FIELD_COUNT if isinstance(wrong, list) else None
        data = prefix + reference.encode(wrong)
        assert code_of(data) == (expected or (RuleCode.FIELD_KIND if kind else RuleCode.TX_TYPE))


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ([RECIPIENT], RuleCode.FIELD_COUNT),
        ([RECIPIENT, [], []], RuleCode.FIELD_COUNT),
        ([b"\x35" * 19, []], RuleCode.FIELD_LENGTH),
        ([[], []], RuleCode.FIELD_KIND),
        ([RECIPIENT, b""], RuleCode.FIELD_KIND),
        ([RECIPIENT, [b"\x01" * 31]], RuleCode.FIELD_LENGTH),
        ([RECIPIENT, [b"\x01" * 33]], RuleCode.FIELD_LENGTH),
        ([RECIPIENT, [[]]], RuleCode.FIELD_KIND),
        (b"entry", RuleCode.FIELD_KIND),
    ],
)
def test_access_list_entries_of_another_shape(entry: Any, code: RuleCode) -> None:
    for kind in (1, 2, 4):
        assert code_of(with_item(kind, "access_list", [entry]), SENDER) == code
        assert decode_transaction(with_item(kind, "access_list", [[RECIPIENT, [b"\x00" * 32]]]), SENDER).access_list


@pytest.mark.parametrize(
    ("position", "value", "code"),
    [
        (0, big(UINT256_MAX + 1), RuleCode.FIELD_RANGE),
        (1, b"\x01" * 19, RuleCode.FIELD_LENGTH),
        (1, b"", RuleCode.FIELD_LENGTH),
        (2, big(UINT64_MAX + 1), RuleCode.FIELD_RANGE),
        (3, big(256), RuleCode.FIELD_RANGE),
        (4, big(UINT256_MAX + 1), RuleCode.FIELD_RANGE),
        (5, b"\x00", RuleCode.RLP_NON_CANONICAL),
        (5, [], RuleCode.FIELD_KIND),
    ],
)
def test_authorities_of_another_shape(position: int, value: Any, code: RuleCode) -> None:
    one: list[Any] = [b"", RECIPIENT, b"", b"\x01", b"\x01", b"\x01"]
    assert decode_transaction(with_item(4, "authorizations", [one]), SENDER).authorizations[0].chain_id == 0
    assert code_of(with_item(4, "authorizations", [one[:-1]]), SENDER) == RuleCode.FIELD_COUNT
    one[position] = value
    assert code_of(with_item(4, "authorizations", [one]), SENDER) == code


def test_empty_and_oversized_envelopes() -> None:
    assert code_of(b"") == RuleCode.RLP_MALFORMED
    assert code_of(b"\x02") == RuleCode.RLP_MALFORMED
    assert code_of(b"\xc0" * (MAX_TX_BYTES_DECODED + 1)) == RuleCode.TX_SIZE
    assert code_of(signed(2) + b"\x00") == RuleCode.RLP_MALFORMED


def test_simple_transfers_are_recognised() -> None:
    assert decoded(0).is_simple
    assert decoded(2, value=0).is_simple
    assert decoded(1).is_simple
    for type, fields in (
        (0, {"gas": 21_001}),
        (0, {"gas": 20_999}),
        (0, {"data": b"\x00"}),
        (0, {"to": ""}),
        (1, {"accessList": [{"address": TO, "storageKeys": []}]}),
        (4, {"gas": 21_000}),
    ):
        assert not decoded(type, **fields).is_simple, (type, fields)


def test_precompiles_end_simple_transfers() -> None:
    """Recipients 0x01 to 0x11 run code; their neighbours on both sides do not."""
    simple = [n for n in range(0x20) if is_simple_transfer(n.to_bytes(20, "big"), b"", (), (), 21_000)]
    assert simple == [0x00, *range(0x12, 0x20)]
    assert is_simple_transfer(b"\x01" + bytes(19), b"", (), (), 21_000)


@pytest.mark.parametrize("count", [1, 2, 3, 500])
def test_the_shortest_entries_are_within_the_bound_on_lists(count: int) -> None:
    """The decoder bounds lists by the envelope's length; entries without slots come closest to it."""
    entries = [{"address": TO, "storageKeys": []}] * count
    assert len(decoded(1, gas=10_000_000, accessList=entries).access_list) == count
    shortest = [[b"", RECIPIENT, b"", b"", b"", b""]] * count
    assert len(decode_transaction(with_item(4, "authorizations", shortest), SENDER).authorizations) == count


def test_an_envelope_of_nothing_but_lists_is_refused_early() -> None:
    data = b"\x01" + rlp.wrap_list(b"\xc0" * 100_000)
    assert code_of(data) == RuleCode.FIELD_COUNT


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
@pytest.mark.parametrize("to", [bytes([7]) * 20, None])
@pytest.mark.parametrize("big", [False, True])
def test_the_recipient_is_read_without_the_rest(kind: int, to: bytes | None, big: bool) -> None:
    number = 2**64 - 2 if big else 5
    price, value = (2**255, 2**250) if big else (0, 0)
    fees = [price] if kind < 2 else [0, price]
    fields = [*([] if kind == 0 else [1]), number, *fees, number, to or b"", value, b"x" * 300, *([[]] if kind else [])]
    fields += [[]] if kind == 4 else []
    envelope = (bytes([kind]) if kind else b"") + rlp.encode([*fields, 1, 2**255, 3])
    assert recipient_of(envelope) == to
