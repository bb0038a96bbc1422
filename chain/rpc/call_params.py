"""Parameters of simulated calls, traces and simulated blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chain.core.errors import RequestError
from chain.core.execution.simulate import MAX_BLOCKS
from chain.rpc.params import (
    PARSERS,
    CallObject,
    StateOverrides,
    address,
    bad,
    boolean,
    call_object,
    hash32,
    nonce,
    quantity,
    state_overrides,
)

MAX_CALLS = 1000
_DURATION = re.compile(r"(\d{1,6})(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_BLOCK_FIELDS = {
    "number": ("number", quantity),
    "time": ("time", quantity),
    "timestamp": ("time", quantity),
    "gasLimit": ("gas_limit", quantity),
    "feeRecipient": ("coinbase", address),
    "coinbase": ("coinbase", address),
    "prevRandao": ("prevrandao", hash32),
    "random": ("prevrandao", hash32),
    "baseFeePerGas": ("base_fee", quantity),
    "baseFee": ("base_fee", quantity),
    "blobBaseFee": ("blob_base_fee", quantity),
}
_WIDE = ("base_fee", "blob_base_fee")
# what other chains have and this one does not
_IGNORED = ("difficulty", "withdrawals")
_TRACE_FLAGS = ("disableStack", "disableStorage", "enableMemory", "enableReturnData", "debug")
_TRACER_FLAGS = ("onlyTopCall", "withLog", "diffMode", "disableCode", "disableStorage", "includeEmpty")


class BlockOverrides(dict[str, Any]):
    """Values of a block's environment as the workers take them."""


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """How to trace: a tracer's name and its options; ``seconds`` where the caller wants less time than it may."""

    tracer: str
    options: dict[str, Any]
    seconds: float | None
    overrides: StateOverrides | None
    block: BlockOverrides | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One block of ``eth_simulateV1``."""

    block: BlockOverrides | None
    state: StateOverrides | None
    calls: tuple[tuple[CallObject, int | None], ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The whole of ``eth_simulateV1``."""

    plans: tuple[Plan, ...]
    validation: bool
    transfers: bool
    full: bool


def block_overrides(value: Any) -> BlockOverrides:
    """The block override set of eth_call, in execution-apis' names and go-ethereum's older ones."""
    if not isinstance(value, dict):
        raise bad("a block override set is an object")
    found = BlockOverrides()
    for key, entry in value.items():
        if key in _IGNORED or entry is None:
            continue
        if key not in _BLOCK_FIELDS:
            raise bad(f"unknown key in block override: {key[:40]}")
        name, parse = _BLOCK_FIELDS[key]
        parsed = parse(entry)
        if name in _WIDE:
            parsed = parsed.to_bytes(32, "big")
        elif isinstance(parsed, int) and parsed >= 2**63:
            raise bad(f"{key} out of range")
        found[name] = parsed
    return found


def trace_options(value: Any) -> TraceOptions:
    """go-ethereum's TraceConfig."""
    if not isinstance(value, dict):
        raise bad("trace options are an object")
    options = _flags(value, _TRACE_FLAGS)
    limit = value.get("limit")
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit < 2**53:
            raise bad("limit is a number")
        options["limit"] = limit
    tracer, config = value.get("tracer"), value.get("tracerConfig")
    if tracer is not None and (not isinstance(tracer, str) or not tracer):
        raise bad("tracer is a name")
    if tracer is not None and config is not None:
        if not isinstance(config, dict):
            raise bad("tracerConfig is an object")
        options = _flags(config, _TRACER_FLAGS)
    seconds = None
    if (timeout := value.get("timeout")) is not None:
        fits = _DURATION.fullmatch(timeout) if isinstance(timeout, str) else None
        if fits is None:
            raise bad('timeout is a duration such as "5s"')
        seconds = int(fits[1]) * _UNITS[fits[2]]
    state, block = value.get("stateOverrides"), value.get("blockOverrides")
    return TraceOptions(
        tracer or "structLogger",
        options,
        seconds,
        None if state is None else state_overrides(state),
        None if block is None else block_overrides(block),
    )


def simulation(value: Any) -> Simulation:
    """The payload of eth_simulateV1."""
    if not isinstance(value, dict) or not isinstance(value.get("blockStateCalls"), list):
        raise bad("an object with blockStateCalls is expected")
    parts = value["blockStateCalls"]
    if not parts:
        raise bad("empty input")
    if len(parts) > MAX_BLOCKS:
        raise bad(f"at most {MAX_BLOCKS} blocks")
    flags = _flags(value, ("validation", "traceTransfers", "returnFullTransactions"))
    plans = tuple([_plan(part) for part in parts])
    if sum(len(plan.calls) for plan in plans) > MAX_CALLS:
        raise bad(f"at most {MAX_CALLS} calls")
    return Simulation(
        plans,
        flags.get("validation", False),
        flags.get("traceTransfers", False),
        flags.get("returnFullTransactions", False),
    )


def _plan(value: Any) -> Plan:
    if not isinstance(value, dict):
        raise bad("a block of calls is an object")
    block, state, calls = value.get("blockOverrides"), value.get("stateOverrides"), value.get("calls") or []
    if not isinstance(calls, list):
        raise bad("calls is a list")
    return Plan(
        None if block is None else block_overrides(block),
        None if state is None else state_overrides(state),
        tuple([(call_object(call), None if call.get("nonce") is None else nonce(call["nonce"])) for call in calls]),
    )


def _flags(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for name in names:
        if value.get(name) is not None:
            try:
                found[name] = boolean(value[name])
            except RequestError:
                raise bad(f"{name} is true or false") from None
    return found


PARSERS[BlockOverrides] = block_overrides
PARSERS[TraceOptions] = trace_options
PARSERS[Simulation] = simulation
