"""A table with a failing and a passing case for every code of a rule, and a test that none is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chain.core import codec, rlp
from chain.core.difficulty import compact
from chain.core.errors import BadDelivery, DeliveryCode, NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.genesis import network_genesis
from chain.core.rules.body_in_isolation import (
    check_body_bounds,
    check_body_delivery,
    check_body_gas,
    check_body_in_isolation,
    decode_body_transactions,
)
from chain.core.rules.header_in_context import (
    HeaderContext,
    check_commitments,
    check_header_in_context,
    commitments_match,
)
from chain.core.rules.header_in_isolation import check_header_arrival, check_header_in_isolation
from chain.core.rules.tx_in_isolation import MAX_INITCODE_BYTES, check_transaction_in_isolation
from chain.core.spec import ChainSpec, StreamSpec, Upgrade, load_spec
from chain.core.transactions import decode_transaction
from chain.core.types import UINT64_MAX, Block, Header, Stream
from tests.core.samples import SENDER, TO, block, decoded, header, signed, spec

PROJECT = Path(__file__).resolve().parents[2]


class Case(NamedTuple):
    """``failing`` raises ``code``; ``passing`` is its nearest neighbour that is right."""

    name: str
    code: RuleCode
    failing: Callable[[], Any]
    passing: Callable[[], Any]


# --- headers ---------------------------------------------------------------------------------------------------------


def alone(stream: int = 2, **changes: Any) -> Callable[[], None]:
    return lambda: check_header_in_isolation(header(stream, **changes), spec())


def parents(count: int) -> tuple[bytes, ...]:
    return tuple([bytes([n]) * 32 for n in range(1, count + 1)])


def context_of(one: Header) -> HeaderContext:
    """The past that the sample header fits."""
    return HeaderContext(
        version=1,
        latest_parent_timestamp=one.timestamp_ms - 1,
        latest_parent_slot=one.timestamp_ms // 100 - 1,
        slot_ms=100,
        target=one.target,
        stream_counts=one.stream_counts,
        blue_score=one.blue_score,
        blue_work=one.blue_work,
        number=one.number,
    )


def in_context(stream: int = 2, **changes: Any) -> Callable[[], None]:
    """The sample header under its past with some of that changed."""
    one = header(stream)
    return lambda: check_header_in_context(one, replace(context_of(one), **changes))


SUMMARY = replace(
    network_genesis("devnet").summary,
    state_root=header().state_root,
    receipts_root=header().receipts_root,
    gas_used=header().gas_used,
    next_base_fee=header().base_fee,
)


def commits(**changes: Any) -> Callable[[], None]:
    return lambda: check_commitments(header(**changes), SUMMARY)


# The sample header's timestamp is 50 ms into its slot.
NOW = header().timestamp_ms
FOUR = (1, 20, 4)

HEADER_CASES = [
    Case("version", RuleCode.HEADER_VERSION, alone(version=2), alone(version=1)),
    Case("version 0", RuleCode.HEADER_VERSION, alone(version=0), alone()),
    Case("version in context", RuleCode.HEADER_VERSION, in_context(version=2), in_context()),
    Case("chain id", RuleCode.HEADER_CHAIN_ID, alone(chain_id=0x4D534857), alone()),
    Case("no more genesis", RuleCode.HEADER_STREAM, alone(0), alone(1)),
    Case("fourth stream", RuleCode.HEADER_STREAM, alone(4), alone(3)),
    Case("no parent", RuleCode.HEADER_PARENT_COUNT, alone(parents=()), alone(parents=parents(1))),
    Case("11 parents", RuleCode.HEADER_PARENT_COUNT, alone(parents=parents(11)), alone(parents=parents(10))),
    Case("same parent", RuleCode.HEADER_PARENT_ORDER, alone(parents=parents(1) * 2), alone(parents=parents(2))),
    Case("order", RuleCode.HEADER_PARENT_ORDER, alone(parents=parents(3)[::-1]), alone(parents=parents(3))),
    Case("limit of A", RuleCode.HEADER_TARGET, alone(1, target=compact(2**246) + 1), alone(1, target=compact(2**246))),
    Case("limit of B", RuleCode.HEADER_TARGET, alone(2, target=compact(2**250) + 1), alone(2, target=compact(2**250))),
    Case("target 0", RuleCode.HEADER_TARGET, alone(1, target=0), alone(1, target=compact(1))),
    Case("loose nBits", RuleCode.HEADER_TARGET, alone(1, target=0x04000001), alone(1, target=0x01010000)),
    Case("target of C", RuleCode.HEADER_TARGET, alone(3, target=compact(1)), alone(3, target=0)),
    Case("extra", RuleCode.HEADER_EXTRA_LENGTH, alone(extra=bytes(33)), alone(extra=bytes(32))),
    Case("no nonce", RuleCode.HEADER_SEAL_SHAPE, alone(1, seal=()), alone(1, seal=(bytes(8),))),
    Case("nonce of 7", RuleCode.HEADER_SEAL_SHAPE, alone(2, seal=(bytes(7),)), alone(2, seal=(bytes(8),))),
    Case("two nonces", RuleCode.HEADER_SEAL_SHAPE, alone(2, seal=(bytes(8),) * 2), alone(2)),
    Case("C unsigned", RuleCode.HEADER_SEAL_SHAPE, alone(3, seal=(bytes(80),)), alone(3, seal=(bytes(80), bytes(64)))),
    Case("C turned", RuleCode.HEADER_SEAL_SHAPE, alone(3, seal=(bytes(64), bytes(80))), alone(3)),
    Case("same time", RuleCode.TIMESTAMP_NOT_AFTER_PARENTS,
         in_context(latest_parent_timestamp=NOW), in_context(latest_parent_timestamp=NOW - 1)),
    Case("same slot", RuleCode.SLOT_NOT_AFTER_PARENTS,
         in_context(3, latest_parent_slot=NOW // 100), in_context(3, latest_parent_slot=NOW // 100 - 1)),
    Case("later slot", RuleCode.SLOT_NOT_AFTER_PARENTS,
         in_context(3, latest_parent_slot=NOW // 100 + 9), in_context(2, latest_parent_slot=NOW // 100 + 9)),
    Case("target", RuleCode.WRONG_TARGET, in_context(target=compact(2**230 - 1)), in_context(target=compact(2**230))),
    Case("counts", RuleCode.WRONG_STREAM_COUNTS, in_context(stream_counts=FOUR), in_context(stream_counts=(1, 20, 3))),
    Case("blue score", RuleCode.WRONG_BLUE_SCORE, in_context(blue_score=24), in_context(blue_score=25)),
    Case("blue work", RuleCode.WRONG_BLUE_WORK, in_context(blue_work=10**12 + 1), in_context(blue_work=10**12)),
    Case("number", RuleCode.WRONG_NUMBER, in_context(number=18), in_context(number=17)),
    Case("state", RuleCode.WRONG_STATE_ROOT, commits(state_root=bytes(32)), commits()),
    Case("receipts", RuleCode.WRONG_RECEIPTS_ROOT, commits(receipts_root=bytes(32)), commits()),
    Case("gas used", RuleCode.WRONG_GAS_USED, commits(gas_used=62_999), commits(gas_used=63_000)),
    Case("base fee", RuleCode.WRONG_BASE_FEE, commits(base_fee=10**9 + 1), commits(base_fee=10**9)),
]  # fmt: skip

# --- bodies ----------------------------------------------------------------------------------------------------------


def genesis_with_body() -> Block:
    return Block(network_genesis("devnet").header, (ONE,))


CALL = {"gas": 30_000, "data": b"\x01"}


def small(**changes: int) -> ChainSpec:
    """The devnet with a tighter stream B."""
    return replace(spec(), stream_b=replace(spec().stream_b, **changes))


def body(*envelopes: bytes, stream: int = 2, rules: ChainSpec | None = None) -> Callable[[], Any]:
    return lambda: check_body_in_isolation(block(*envelopes, stream=stream), rules or spec())


ONE, TWO, THREE = signed(nonce=1), signed(nonce=2), signed(nonce=3)
CALLS = [signed(2, nonce=n, **CALL) for n in range(3)]
SIZE = len(codec.encode_body([ONE, TWO]))

BODY_CASES = [
    Case("empty C", RuleCode.BODY_EMPTY, body(stream=3), body(ONE, stream=3)),
    Case("empty C, B may", RuleCode.BODY_EMPTY, body(stream=3), body(stream=2)),
    Case("count", RuleCode.BODY_TOO_MANY_TXS,
         body(ONE, TWO, THREE, rules=small(max_txs=2)), body(ONE, TWO, rules=small(max_txs=2))),
    Case("bytes", RuleCode.BODY_TOO_LARGE,
         body(ONE, TWO, rules=small(max_bytes=SIZE - 1)), body(ONE, TWO, rules=small(max_bytes=SIZE))),
    Case("repeat", RuleCode.BODY_DUPLICATE_TX, body(ONE, TWO, ONE), body(ONE, TWO)),
    Case("sum of calls", RuleCode.BODY_CALL_GAS,
         body(*CALLS, rules=small(call_gas_limit=89_999)), body(*CALLS, rules=small(call_gas_limit=90_000))),
    Case("transfers are no calls", RuleCode.BODY_CALL_GAS,
         body(*CALLS, rules=small(call_gas_limit=89_999)),
         body(*CALLS[:2], ONE, TWO, THREE, rules=small(call_gas_limit=60_000))),
    Case("one call", RuleCode.TX_STREAM_GAS_LIMIT,
         body(signed(gas=10_000_001)), body(signed(gas=10_000_000))),
    Case("one call in C", RuleCode.TX_STREAM_GAS_LIMIT,
         body(signed(gas=2_000_001), stream=3), body(signed(gas=2_000_000), stream=3)),
    Case("long envelope", RuleCode.TX_SIZE,
         body(signed(data=bytes(131_072), gas=10_000_000)), body(signed(data=bytes(130_900), gas=10_000_000))),
    Case("stream of no body", RuleCode.HEADER_STREAM,
         lambda: check_body_bounds(genesis_with_body(), spec()), lambda: check_body_bounds(block(ONE), spec())),
]  # fmt: skip


# --- transactions ----------------------------------------------------------------------------------------------------


def tx(type: int = 0, **fields: Any) -> Callable[[], None]:
    return lambda: check_transaction_in_isolation(decoded(type, **fields), spec())


def read(envelope: bytes) -> Callable[[], Any]:
    return lambda: decode_transaction(envelope)


def changed_tx(**changes: Any) -> Callable[[], None]:
    """A decoded call with fields that no envelope could bring past the decoder."""
    return lambda: check_transaction_in_isolation(replace(decoded(4, gas=100_000), **changes), spec())


def sized(max_tx_bytes: int) -> Callable[[], None]:
    return lambda: check_transaction_in_isolation(decoded(**SIZED), replace(spec(), max_tx_bytes=max_tx_bytes))


LIMIT = {"gas": 5_000_000}
INITCODE = bytes(MAX_INITCODE_BYTES)
SIZED = {"gas": 10_000_000, "data": bytes(130_000)}
LEGACY = signed()

TX_CASES = [
    Case("blobs", RuleCode.TX_TYPE, read(b"\x03" + signed(2)[1:]), read(signed(2))),
    Case("unprotected", RuleCode.TX_UNPROTECTED, read(signed(chainId=None)), read(signed())),
    Case("chain id, legacy", RuleCode.TX_CHAIN_ID, tx(chainId=1), tx()),
    Case("chain id, typed", RuleCode.TX_CHAIN_ID, tx(2, chainId=0x4D534857), tx(2)),
    Case("signature", RuleCode.TX_SIGNATURE, read(LEGACY[:-33] + b"\xa0" + b"\xff" * 32), read(LEGACY)),
    Case("nonce", RuleCode.TX_NONCE_MAX, tx(nonce=UINT64_MAX), tx(nonce=UINT64_MAX - 1)),
    Case("nonce of a call", RuleCode.TX_NONCE_MAX,
         tx(2, nonce=UINT64_MAX, **CALL), tx(2, nonce=UINT64_MAX - 1, **CALL)),
    Case("initcode", RuleCode.TX_INITCODE_SIZE,
         tx(to="", data=INITCODE + b"\x00", **LIMIT), tx(to="", data=INITCODE, **LIMIT)),
    Case("data is no initcode", RuleCode.TX_INITCODE_SIZE,
         tx(to="", data=INITCODE + b"\x00", **LIMIT), tx(data=INITCODE + b"\x00", **LIMIT)),
    Case("intrinsic", RuleCode.TX_INTRINSIC_GAS, tx(gas=20_999), tx(gas=21_000)),
    Case("intrinsic with data", RuleCode.TX_INTRINSIC_GAS, tx(data=b"\x01", gas=21_039), tx(data=b"\x01", gas=21_040)),
    Case("authority", RuleCode.TX_INTRINSIC_GAS, tx(4, gas=45_999), tx(4, gas=46_000)),
    Case("gas limit", RuleCode.TX_GAS_LIMIT, tx(gas=30_000_001), tx(gas=30_000_000)),
    Case("size", RuleCode.TX_SIZE,
         sized(len(signed(**SIZED)) - 1), sized(len(signed(**SIZED)))),
    Case("fees", RuleCode.TX_FEE_ORDER,
         tx(2, maxFeePerGas=5, maxPriorityFeePerGas=6), tx(2, maxFeePerGas=6, maxPriorityFeePerGas=6)),
    Case("fees of a call", RuleCode.TX_FEE_ORDER,
         tx(2, maxFeePerGas=5, maxPriorityFeePerGas=6, **CALL), tx(2, maxFeePerGas=6, maxPriorityFeePerGas=6, **CALL)),
    Case("recipient", RuleCode.TX_NO_RECIPIENT, changed_tx(to=None), changed_tx()),
    Case("authorities", RuleCode.TX_NO_AUTHORIZATIONS, changed_tx(authorizations=()), changed_tx()),
]  # fmt: skip

# --- bytes and genesis files -----------------------------------------------------------------------------------------


def head(data: bytes) -> Callable[[], Any]:
    return lambda: codec.decode_header(data)


def file(**changes: Any) -> Callable[[], ChainSpec]:
    def run() -> ChainSpec:
        data = json.loads(resources.files("chain").joinpath("genesis", "testnet.json").read_text())
        data.update(changes)
        return load_spec(json.dumps({name: value for name, value in data.items() if value is not ...}))

    return run


GOOD = codec.encode_header(header())
DEEP = b"\xc0"
for _ in range(rlp.MAX_DEPTH):
    DEEP = rlp.wrap_list(DEEP)

BYTES_CASES = [
    Case("trailing", RuleCode.RLP_MALFORMED, head(GOOD + b"\x00"), head(GOOD)),
    Case("cut", RuleCode.RLP_MALFORMED, head(GOOD[:-1]), head(GOOD)),
    Case("version 01 as 8101", RuleCode.RLP_NON_CANONICAL,
         head(rlp.wrap_list(b"\x81" + GOOD[3:])), head(rlp.wrap_list(GOOD[3:]))),
    Case("depth", RuleCode.RLP_TOO_DEEP, head(DEEP), lambda: rlp.decode(DEEP[1:])),
    Case("field count", RuleCode.FIELD_COUNT, head(rlp.encode([b""] * 18)), head(GOOD)),
    Case("field kind", RuleCode.FIELD_KIND, head(rlp.encode([[]] * 6 + [[1, 1, 1]] + [[]] * 12)), head(GOOD)),
    Case("field length", RuleCode.FIELD_LENGTH,
         lambda: codec.decode_header(codec.encode_header(header(coinbase=bytes(19)))), head(GOOD)),
    Case("field range", RuleCode.FIELD_RANGE,
         lambda: codec.decode_header(codec.encode_header(header(number=UINT64_MAX + 1))),
         lambda: codec.decode_header(codec.encode_header(header(number=UINT64_MAX)))),
    Case("unknown key", RuleCode.SPEC_UNKNOWN_KEY, file(ghostdagK=19), file()),
    Case("missing key", RuleCode.SPEC_MISSING_KEY, file(ghostdag_k=...), file()),
    Case("value", RuleCode.SPEC_VALUE, file(ghostdag_k=0), file(ghostdag_k=1)),
]  # fmt: skip

TABLE = [*HEADER_CASES, *BODY_CASES, *TX_CASES, *BYTES_CASES]

# what needs seals or a DAG is tested with them
COVERED_ELSEWHERE = {
    RuleCode.SEAL_ABOVE_TARGET: "tests/core/test_seals_checks.py",
    RuleCode.SEAL_VRF_KEY: "tests/core/test_seals_checks.py",
    RuleCode.SEAL_VRF_PROOF: "tests/core/test_seals_checks.py",
    RuleCode.SEAL_SIGNATURE: "tests/core/test_seals_checks.py",
    RuleCode.SEAL_NOT_ELIGIBLE: "tests/core/test_seals_checks.py",
    RuleCode.SEAL_NO_ANCHOR: "tests/core/test_seals_checks.py",
    RuleCode.PARENT_INVALID: "tests/core/consensus/test_engine.py",
    RuleCode.PARENTS_RELATED: "tests/core/consensus/test_engine.py",
    RuleCode.MERGESET_LIMIT: "tests/core/ghostdag/test_against_reference.py",
    RuleCode.MERGE_DEPTH: "tests/core/ghostdag/test_against_reference.py",
}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case.code.value}: {case.name}")
def test_rule(case: Case) -> None:
    case.passing()
    with pytest.raises(RuleViolation) as caught:
        case.failing()
    assert caught.value.code == case.code
    assert (caught.value.got, caught.value.expected) != (None, None)
    assert caught.value.got != caught.value.expected
    str(caught.value)


def test_every_code_is_in_the_table_or_covered_elsewhere() -> None:
    in_table = {case.code for case in TABLE}
    assert not in_table & set(COVERED_ELSEWHERE)
    assert in_table | set(COVERED_ELSEWHERE) == set(RuleCode)


@pytest.mark.parametrize(("code", "path"), COVERED_ELSEWHERE.items())
def test_the_test_named_for_a_code_speaks_of_it(code: RuleCode, path: str) -> None:
    assert f"RuleCode.{code.name}" in (PROJECT / path).read_text()


def test_every_code_is_raised_somewhere() -> None:
    sources = "".join(
        path.read_text() for path in (PROJECT / "chain" / "core").rglob("*.py") if path.name != "errors.py"
    )
    assert [code.name for code in RuleCode if f"RuleCode.{code.name}" not in sources] == []


def test_a_slot_that_is_used_is_named() -> None:
    with pytest.raises(RuleViolation) as caught:
        in_context(3, latest_parent_slot=NOW // 100 + 5)()
    assert caught.value.got == 17_934_913_000


# --- what is no rule violation ---------------------------------------------------------------------------------------


def test_a_header_of_the_future_waits() -> None:
    one = header()
    check_header_arrival(one, spec(), NOW - 2_000)
    check_header_arrival(one, spec(), NOW + 10**9)
    with pytest.raises(NotYet) as caught:
        check_header_arrival(one, spec(), NOW - 2_001)
    assert (caught.value.code, caught.value.until) == (WaitCode.TOO_EARLY, NOW - 2_000)


def test_a_body_that_is_not_the_headers_blames_the_delivery() -> None:
    good = block(ONE, TWO)
    check_body_delivery(good)
    for envelopes in ((), (ONE,), (TWO, ONE), (ONE, TWO, THREE), (ONE, TWO, TWO), (ONE, b"")):
        wrong = replace(good, transactions=envelopes)
        with pytest.raises(BadDelivery) as caught:
            check_body_in_isolation(wrong, spec())
        assert caught.value.code == DeliveryCode.TX_ROOT_MISMATCH
        assert caught.value.data["expected"] == good.header.tx_root


def test_commitments_are_answered_as_a_question_too() -> None:
    assert commitments_match(header(), SUMMARY)
    for name, value in (("state_root", bytes(32)), ("receipts_root", bytes(32)), ("gas_used", 0), ("base_fee", 0)):
        assert not commitments_match(header(**{name: value}), SUMMARY)


def test_an_upgrades_version_is_known_in_isolation_and_exact_in_context() -> None:
    later = replace(spec(), upgrades=(Upgrade(100, 3, (("max_parents", 12),)),))
    for version in (1, 3):
        check_header_in_isolation(header(version=version), later)
    with pytest.raises(RuleViolation) as caught:
        check_header_in_isolation(header(version=2), later)
    assert (caught.value.code, caught.value.expected) == (RuleCode.HEADER_VERSION, (1, 3))
    with pytest.raises(RuleViolation) as caught:
        check_header_in_context(header(version=1), replace(context_of(header()), version=3))
    assert caught.value.code == RuleCode.HEADER_VERSION


def test_transactions_come_back_decoded_with_their_senders() -> None:
    envelopes = (ONE, *CALLS)
    transactions = check_body_in_isolation(block(*envelopes), spec())
    assert [one.hash for one in transactions] == [decode_transaction(envelope).hash for envelope in envelopes]
    assert {one.sender for one in transactions} == {SENDER}
    known = [bytes([n]) * 20 for n in range(len(envelopes))]
    given = check_body_in_isolation(block(*envelopes), spec(), known)
    assert [one.sender for one in given] == known
    assert decode_body_transactions(envelopes, spec()) == transactions


def test_a_bad_transaction_makes_its_block_invalid() -> None:
    for envelope, code in (
        (signed(chainId=5), RuleCode.TX_CHAIN_ID),
        (signed(gas=20_999), RuleCode.TX_INTRINSIC_GAS),
        (b"\x05\xc0", RuleCode.TX_TYPE),
        (b"", RuleCode.RLP_MALFORMED),
    ):
        with pytest.raises(RuleViolation) as caught:
            check_body_in_isolation(block(ONE, envelope), spec())
        assert caught.value.code == code


@pytest.mark.parametrize("stream", [Stream.A, Stream.B, Stream.C])
def test_a_stream_full_to_its_call_gas_limit(stream: Stream) -> None:
    limits: StreamSpec = spec().stream(stream)
    call = decoded(gas=limits.call_gas_limit, to=TO)
    check_body_gas([call, decoded()], stream, spec())
    with pytest.raises(RuleViolation) as caught:
        check_body_gas([call, decoded(gas=21_001)], stream, spec())
    assert (caught.value.code, caught.value.got) == (RuleCode.BODY_CALL_GAS, limits.call_gas_limit + 21_001)
