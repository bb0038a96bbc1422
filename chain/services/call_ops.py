"""What a call worker can do: calls, estimates, access lists, simulated blocks, traces.

A request and its answer are plain values; integers that may be wider than 64 bits travel as 32 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from chain.core.errors import RequestCode, RequestError
from chain.core.execution import call_tree
from chain.core.execution.access_lists import create_access_list
from chain.core.execution.call import CallResult, CallSession, estimate_gas, simulate_call
from chain.core.execution.overrides import AccountOverride
from chain.core.execution.params import BlockEnv, ExecutionParams, block_env
from chain.core.execution.simulate import BlockOverrides, BlockPlan, SimulatedCall, simulate_blocks
from chain.core.execution.trace import Placed, trace_call, trace_transactions
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction
from chain.core.types import AccessEntry, Authorization, EpochEnv
from chain.stores.connection import Connection, cursor
from chain.stores.state import CodeCache, PostgresState

_ENV = (
    "SELECT b.timestamp_ms, b.lot, b.base_fee, b.coinbase, b.hash FROM chain_selected_chain c"
    " JOIN chain_block b ON b.hash = c.hash WHERE c.number = %s"
)
_BLOCK_HASH = "SELECT hash FROM chain_selected_chain WHERE number = %s"
_PLACE = "SELECT number FROM chain_acceptance WHERE tx = %s"
_ACCEPTED = (
    "SELECT t.raw, t.sender, b.coinbase, o.is_blue FROM chain_acceptance a JOIN chain_transaction t ON t.hash = a.tx"
    " JOIN chain_block b ON b.hash = a.block LEFT JOIN chain_consensus_order o ON o.hash = a.block"
    ' WHERE a.number = %s ORDER BY a."index"'
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a request runs: the state after the epoch of ``number``, on a connection that sees one commit."""

    spec: ChainSpec
    params: ExecutionParams
    codes: CodeCache
    connection: Connection
    number: int

    def state(self, number: int) -> PostgresState:
        """The state after an epoch."""
        return PostgresState(self.connection, number, shard_count=self.spec.shard_count, codes=self.codes)

    def env(self, number: int, block_hash: bytes | None = None) -> EpochEnv:
        """The environment of a block.

        Raises
        ------
        RequestError
            not_found where the selected chain has no such number, or another block there than was meant.
        """
        row = cursor(self.connection).execute(_ENV, (number,), binary=True).fetchone()
        if row is None:
            raise RequestError(RequestCode.NOT_FOUND, "header not found", number=number)
        if block_hash is not None and row[4] != block_hash:
            raise RequestError(RequestCode.NOT_FOUND, "hash is not currently canonical", hash=block_hash)
        return EpochEnv(number, row[0], row[1], int(row[2]), row[3], 0, 0, 0)

    def block_hashes(self, number: int) -> Callable[[int], bytes | None]:
        """BLOCKHASH for a block."""

        def block_hash(wanted: int) -> bytes | None:
            if not number - 256 <= wanted < number:
                return None
            found = cursor(self.connection).execute(_BLOCK_HASH, (wanted,), binary=True).fetchone()
            return found[0] if found else None

        return block_hash


def run(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    """Do what ``request["op"]`` names.

    Raises
    ------
    RequestError
        As the operation's function says.
    """
    return _OPERATIONS[request["op"]](site, request)


def _arguments(site: Site, request: dict[str, Any]) -> tuple[EpochEnv, dict[str, Any]]:
    env = site.env(site.number, request.get("hash"))
    overrides = _block_overrides(request.get("block"))
    if overrides.coinbase is not None:
        env = replace(env, coinbase=overrides.coinbase)
    call = request["call"]
    return env, {
        "sender": call["from"],
        "to": call["to"],
        "value": int.from_bytes(call["value"], "big"),
        "data": call["data"],
        "gas": call["gas"],
        "gas_price": int.from_bytes(call["price"], "big"),
        "overrides": _overrides(request.get("overrides")),
        "block_hashes": site.block_hashes(site.number),
        "access_list": _access_list(call["access_list"]),
        "authorizations": _authorizations(call.get("authorizations", ())),
        "block": overrides.apply(block_env(env, site.params)),
    }


def _call(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    env, arguments = _arguments(site, request)
    return _result(simulate_call(site.params, env, site.state(site.number), **arguments))


def _estimate(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    env, arguments = _arguments(site, request)
    estimate = estimate_gas(site.params, env, site.state(site.number), **arguments)
    if estimate.gas is not None:
        return {"gas": estimate.gas}
    assert estimate.failure is not None
    return _result(estimate.failure)


def _create_access_list(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    env, arguments = _arguments(site, request)
    found = create_access_list(site.params, env, site.state(site.number), **arguments)
    entries = [[entry.address, [slot.to_bytes(32, "big") for slot in entry.slots]] for entry in found.access_list]
    return {**_result(found.result), "access_list": entries}


def _trace_call(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    env, arguments = _arguments(site, request)
    session = CallSession(
        site.params,
        env,
        site.state(site.number),
        arguments.pop("overrides"),
        block_hashes=arguments.pop("block_hashes"),
        block=arguments.pop("block"),
    )
    if arguments["gas"] is None:
        arguments["gas"] = site.params.epoch_call_gas
    return {"json": orjson.dumps(trace_call(session, request["tracer"], request["options"], arguments))}


def _trace_transactions(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    number, wanted = site.number, None
    if request["tx"] is not None:
        row = cursor(site.connection).execute(_PLACE, (request["tx"],), binary=True).fetchone()
        if row is None:
            raise RequestError(RequestCode.NOT_FOUND, "transaction not found", hash=request["tx"])
        number, wanted = row[0], {request["tx"]}
    shape = _SHAPES[request.get("shape")]
    traces = _traces(site, number, wanted, request)
    parts = [(tx, orjson.dumps(shape(trace))) for tx, trace in traces]
    if wanted is not None:
        return {"json": parts[0][1]}
    bodies = [b'{"txHash":"0x%s","result":%s}' % (tx.hex().encode(), trace) for tx, trace in parts]
    return {"json": b"[" + b",".join(bodies) + b"]"}


def _internal(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    """Calls inside some transactions of one epoch that took effect.

    ``rows`` are (transaction, ordinal, depth, kind, from, to, value as 32 bytes, selector, whether it moved something),
    in order.  Of those that moved nothing each transaction has ``request["plain_of_tx"]`` at most, and all together
    ``request["plain"]``; ``left`` are (transaction, how many more it had).

    Raises
    ------
    RequestError
        limit_exceeded for more than ``request["most"]`` that moved something; not_found as ``Site.env``.
    """
    rows: list[list[Any]] = []
    left: list[tuple[bytes, int]] = []
    asked = {**request, "tracer": "callTracer", "options": {}}
    moved, plain = 0, request["plain"]
    for tx, trace in _traces(site, site.number, set(request["txs"]), asked):
        room = min(plain, request["plain_of_tx"])
        kept = over = 0
        for one in call_tree.inner_calls(trace):
            if one.moved:
                moved += 1
            elif kept < room:
                kept += 1
            else:
                over += 1
                continue
            rows.append([tx, *one[:5], one.value.to_bytes(32, "big"), one.selector, one.moved])
        plain -= kept
        if over:
            left.append((tx, over))
        if moved > request["most"]:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "too many operations", limit=request["most"])
    return {"rows": rows, "left": left}


def _creation(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    """Which transaction of an epoch made a contract, and who: nulls where none did."""
    for tx, trace in _traces(site, site.number, None, {**request, "tracer": "callTracer", "options": {}}):
        creator = call_tree.creator_in(trace, request["address"])
        if creator is not None:
            return {"tx": tx, "creator": bytes.fromhex(creator[2:])}
    return {"tx": None, "creator": None}


def _traces(site: Site, number: int, wanted: set[bytes] | None, request: dict[str, Any]) -> Iterator[tuple[bytes, Any]]:
    env = site.env(number, request.get("hash"))
    rows = cursor(site.connection).execute(_ACCEPTED, (number,), binary=True).fetchall()
    order = [
        Placed(decode_transaction(raw, sender), coinbase if is_blue else env.coinbase)
        for raw, sender, coinbase, is_blue in rows
    ]
    state = site.state(number - 1)
    state.prefetch({address for tx, _ in order for address in (tx.sender, tx.to) if address is not None}, ())
    return trace_transactions(
        env, order, wanted, state, site.params, site.block_hashes(number), request["tracer"], request["options"]
    )


def _simulate(site: Site, request: dict[str, Any]) -> dict[str, Any]:
    env = site.env(site.number, request.get("hash"))
    plans = [
        BlockPlan(
            _block_overrides(plan["block"]), _overrides(plan["state"]) or {}, [_simulated(c) for c in plan["calls"]]
        )
        for plan in request["plans"]
    ]
    blocks = simulate_blocks(
        site.params,
        env,
        block_env(env, site.params),
        site.state(site.number),
        plans,
        site.block_hashes(site.number + 1),
        validation=request["validation"],
        transfers=request["transfers"],
    )
    return {
        "blocks": [
            {
                **_shown(block.block),
                "plan": block.plan,
                "coinbase": block.coinbase,
                "gas_used": block.gas_used,
                "calls": [
                    {**_result(result), "logs": [[log.address, list(log.topics), log.data] for log in logs]}
                    for result, logs in block.results
                ],
            }
            for block in blocks
        ]
    }


def _simulated(call: dict[str, Any]) -> SimulatedCall:
    return SimulatedCall(
        call["from"],
        call["to"],
        int.from_bytes(call["value"], "big"),
        call["data"],
        call["gas"],
        int.from_bytes(call["price"], "big"),
        call["nonce"],
    )


def _shown(block: BlockEnv) -> dict[str, Any]:
    return {
        "number": block.number,
        "timestamp": block.timestamp,
        "gas_limit": block.gas_limit,
        "base_fee": block.base_fee.to_bytes(32, "big"),
        "prevrandao": block.prevrandao,
    }


def _result(result: CallResult) -> dict[str, Any]:
    return {
        "success": result.success,
        "output": result.output,
        "gas": result.gas_used,
        "failure": result.error,
    }


def _block_overrides(raw: dict[str, Any] | None) -> BlockOverrides:
    if not raw:
        return BlockOverrides()
    wide = {name: int.from_bytes(raw[name], "big") for name in ("base_fee", "blob_base_fee") if name in raw}
    return BlockOverrides(**{**raw, **wide})


def _access_list(raw: list[Any]) -> tuple[AccessEntry, ...]:
    return tuple(
        [AccessEntry(address, tuple([int.from_bytes(slot, "big") for slot in slots])) for address, slots in raw]
    )


def _authorizations(raw: Iterable[Any]) -> tuple[Authorization, ...]:
    wide = int.from_bytes
    return tuple(
        [
            Authorization(wide(chain, "big"), address, nonce, parity, wide(r, "big"), wide(s, "big"))
            for chain, address, nonce, parity, r, s in raw
        ]
    )


def _overrides(raw: list[Any] | None) -> dict[bytes, AccountOverride] | None:
    if not raw:
        return None
    return {
        address: AccountOverride(
            balance=None if balance is None else int.from_bytes(balance, "big"),
            nonce=nonce,
            code=code,
            storage=None if storage is None else _slots(storage),
            slots=_slots(slots or []),
        )
        for address, balance, nonce, code, storage, slots in raw
    }


def _slots(pairs: list[tuple[bytes, bytes]]) -> dict[int, int]:
    return {int.from_bytes(slot, "big"): int.from_bytes(value, "big") for slot, value in pairs}


# what becomes of a trace before it travels; all but the first want the callTracer
_SHAPES: dict[str | None, Callable[[Any], Any]] = {
    None: lambda trace: trace,
    "operations": call_tree.operations,
    "entries": call_tree.entries,
    "error": call_tree.error_output,
}
_OPERATIONS: dict[str, Callable[[Site, dict[str, Any]], dict[str, Any]]] = {
    "call": _call,
    "estimate": _estimate,
    "access_list": _create_access_list,
    "trace_call": _trace_call,
    "trace_transactions": _trace_transactions,
    "creation": _creation,
    "internal": _internal,
    "simulate": _simulate,
}
