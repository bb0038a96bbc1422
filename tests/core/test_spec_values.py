"""Values of a genesis file: forms, bounds, and what contradicts each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chain.core.codec import MAX_BLOCK_BYTES, MAX_HEADER_BYTES
from chain.core.errors import RuleCode, RuleViolation
from chain.core.genesis import network_spec
from chain.core.spec import check_spec, load_spec
from chain.core.types import UINT64_MAX, UINT256_MAX
from tests.core.spec_files import ADDRESS, load, put, refusal


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "null", '"text"', "[" * 100_000, '{"chain_id": ' + "9" * 5_000 + "}", "{}}", "\ufeff{}"],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        load_spec(text)
    assert caught.value.code in (RuleCode.SPEC_VALUE, RuleCode.SPEC_MISSING_KEY)


@pytest.mark.parametrize(
    "value",
    [-1, 1.0, 1.5, True, None, [], {}, "", " 1", "1 ", "+1", "-1", "01", "1_000", "٣", "0x", "0xG", "0X1", "1e3",
     "2^", "2^-1", "2^1000", "2^99999999999", "2^ 4", "2**4", "9" * 79, "9" * 5_000, "0x" + "f" * 65,
     float("inf"), float("nan")],
)  # fmt: skip
def test_what_is_no_integer_is_refused(value: Any) -> None:
    for change in (
        put("cap", value),
        put("streams", "A", "pow_limit", value),
        put("alloc", ADDRESS, {"balance": value}),
        put("alloc", ADDRESS, {"balance": "1", "storage": {"1": value}}),
    ):
        error = refusal(change)
        assert error.code == RuleCode.SPEC_VALUE
        str(error)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("17", 17), ("0x1f", 31), ("2^10", 1024), (12, 12)])
def test_the_forms_of_an_integer(text: Any, value: int) -> None:
    spec = load(put("alloc", ADDRESS, {"balance": "1", "nonce": text}))
    assert [account.nonce for account in spec.alloc if account.address == b"\xab" * 20] == [value]


def test_bounds_of_integers() -> None:
    most = MAX_BLOCK_BYTES - MAX_HEADER_BYTES - 8
    assert load(put("streams", "A", "max_bytes", most)).stream_a.max_bytes == most
    assert refusal(put("streams", "A", "max_bytes", most + 1)).code == RuleCode.SPEC_VALUE
    assert load(put("streams", "A", "max_txs", 65_536)).stream_a.max_txs == 65_536
    assert load(put("max_parents", 64)).max_parents == 64
    assert load(put("streams", "B", "pow_limit", str(UINT256_MAX))).stream_b.pow_limit == UINT256_MAX
    assert refusal(put("streams", "B", "pow_limit", "2^256")).code == RuleCode.SPEC_VALUE
    assert load(put("latest_depth", UINT64_MAX)).latest_depth == UINT64_MAX
    assert refusal(put("latest_depth", UINT64_MAX + 1)).code == RuleCode.SPEC_VALUE


@pytest.mark.parametrize(
    "value", ["", "ab", "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "ag" * 20, "0xab cd", "0X" + "ab" * 20]
)
def test_what_is_no_address_is_refused(value: str) -> None:
    assert refusal(put("alloc", value, {"balance": "1"})).code == RuleCode.SPEC_VALUE


CONTRADICTIONS: list[tuple[str, Any]] = [
    ("no text", put("network", "")),
    ("text is ASCII", put("token", "MSHW√")),
    ("text is a string", put("network", 5)),
    ("alloc is an object", put("alloc", [])),
    ("account is an object", put("alloc", ADDRESS, "1")),
    ("code is hex", put("alloc", ADDRESS, {"balance": "1", "code": "6001"})),
    ("code has whole bytes", put("alloc", ADDRESS, {"balance": "1", "code": "0x600"})),
    ("storage is an object", put("alloc", ADDRESS, {"balance": "1", "storage": [1]})),
    ("zero slots are no slots", put("alloc", ADDRESS, {"balance": "1", "storage": {"1": 0}})),
    ("a slot stands once", put("alloc", ADDRESS, {"balance": "1", "storage": {"1": 1, "0x1": 2}})),
    ("storage of an account that is none", put("alloc", ADDRESS, {"balance": 0, "storage": {"1": 1}})),
    ("an address stands once", lambda d: [
        put("alloc", address, {"balance": 1})(d) for address in (ADDRESS, "0x" + "AB" * 20)]),
    ("alloc over the cap", put("alloc", ADDRESS, {"balance": str(10**28)})),
    ("balances are one sum", put("cap", str(10**23 - 1))),
    ("streams is an object", put("streams", [])),
    ("a stream is an object", put("streams", "A", 5)),
    ("initial target over the limit, A", put("streams", "A", "initial_target", "2^247")),
    ("initial target over the limit, B", put("streams", "B", "initial_target", "2^251")),
    ("no initial target", put("streams", "A", "initial_target", 0)),
    ("no interval", put("streams", "B", "interval_ms", 0)),
    ("no half-life", put("streams", "A", "halflife_ms", 0)),
    ("no work factor", put("streams", "B", "work_factor", 0)),
    ("C has no target", put("streams", "C", "initial_target", 1)),
    ("C has no limit", put("streams", "C", "pow_limit", 1)),
    ("C has no half-life", put("streams", "C", "halflife_ms", 1)),
    ("C has no work", put("streams", "C", "work_factor", 1)),
    ("unknown fork", put("evm_fork", "osaka")),
    ("a stream's gas over an epoch's", put("streams", "A", "call_gas_limit", 30_000_001)),
    ("an epoch too small for a transfer", lambda d: (
        d.update(epoch_call_gas=20_999), [d["streams"][s].update(call_gas_limit=1) for s in "ABC"])),
    ("no transactions", put("streams", "C", "max_txs", 0)),
    ("more transactions than are decoded", put("streams", "A", "max_txs", 65_537)),
    ("no bytes", put("streams", "A", "max_bytes", 0)),
    ("more bytes than are decoded", put("streams", "A", "max_bytes", 9_000_000)),
    ("more parents than are decoded", put("max_parents", 65)),
    ("longer transactions than are decoded", put("max_tx_bytes", (1 << 20) + 1)),
    ("finality before merging ends", put("finality_depth", 600)),
    ("merging ends among blocks that k still counts", put("merge_depth", 79)),
    ("upgrades is a list", put("upgrades", {})),
    ("an upgrade is an object", put("upgrades", [1])),
    ("changed is an object", put("upgrades", [{"at_work_score": 1, "version": 2, "changed": []}])),
    ("an upgrade changes children, not genesis", put("upgrades", [{"at_work_score": 0, "version": 2, "changed": {}}])),
    ("an upgrade has a new version", put("upgrades", [{"at_work_score": 9, "version": 1, "changed": {}}])),
    ("upgrades ascend by score", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {}}, {"at_work_score": 9, "version": 3, "changed": {}}])),
    ("upgrades ascend by version", put("upgrades", [
        {"at_work_score": 8, "version": 3, "changed": {}}, {"at_work_score": 9, "version": 3, "changed": {}}])),
    ("an upgrade contradicts the rest", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {"finality_depth": 1}}])),
    ("an upgrade's value is an integer", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {"ghostdag_k": "many"}}])),
]  # fmt: skip


@pytest.mark.parametrize("change", [change for _, change in CONTRADICTIONS], ids=[name for name, _ in CONTRADICTIONS])
def test_contradictions_are_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    error = refusal(change)
    assert error.code == RuleCode.SPEC_VALUE
    assert error.data["key"]


AT_LEAST_ONE = (
    "chain_id", "cap", "ghostdag_k", "max_parents", "mergeset_limit", "merge_depth", "finality_depth", "slot_ms",
    "vrf_window", "vrf_era", "c_den", "shard_count", "epoch_call_gas", "epoch_max_txs", "call_gas_per_s", "tx_per_s",
    "max_tx_bytes",
)  # fmt: skip


@pytest.mark.parametrize("name", AT_LEAST_ONE)
def test_what_is_divided_by_or_counted_is_at_least_one(name: str) -> None:
    """On an empty alloc, so that no other check speaks first."""
    spec = replace(network_spec("testnet"), finality_depth=10**9)
    check_spec(spec)
    with pytest.raises(RuleViolation) as caught:
        check_spec(replace(spec, **{name: 0}))
    assert caught.value.code == RuleCode.SPEC_VALUE
    assert caught.value.data["key"] in (name, "call_gas_limit")
