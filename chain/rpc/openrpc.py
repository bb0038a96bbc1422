"""The methods described from their own registration: as an OpenRPC document and as docs/rpc.md."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from chain.core.types import Stream
from chain.rpc import errors, fairness
from chain.rpc.call_params import BlockOverrides, Simulation, TraceOptions
from chain.rpc.methods.eth_fees import Percentiles
from chain.rpc.methods.eth_filters import FilterId
from chain.rpc.methods.eth_subscribe import Detail, Kind
from chain.rpc.methods.mds_mining import TemplateOptions
from chain.rpc.methods.mds_operator import LogLevel, Share
from chain.rpc.methods.net import client_version
from chain.rpc.params import (
    Address,
    BlockRef,
    CallObject,
    Data,
    Hash32,
    LogFilter,
    Quantity,
    Slot,
    StateOverrides,
)
from chain.rpc.registry import METHODS, Method, Parameter
from chain.services.deferred import Deferred

VERSION = "1.2.6"

Json = dict[str, Any]

# each kind of parameter: what a person reads, and its JSON schema
KINDS: dict[Any, tuple[str, Json]] = {
    Address: ("address", {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}),
    Hash32: ("hash", {"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$"}),
    Data: ("bytes", {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"}),
    Quantity: ("quantity", {"type": "string", "pattern": "^0x(0|[1-9a-fA-F][0-9a-fA-F]*)$"}),
    Slot: ("storage key", {"type": "string", "pattern": "^0x[0-9a-fA-F]{0,64}$"}),
    BlockRef: ("block", {"title": "number, tag, hash or EIP-1898 object", "type": ["string", "object"]}),
    CallObject: ("message", {"title": "transaction object", "type": "object"}),
    LogFilter: ("filter", {"title": "log filter", "type": "object"}),
    StateOverrides: ("state overrides", {"type": "object"}),
    BlockOverrides: ("block overrides", {"type": "object"}),
    TraceOptions: ("trace options", {"type": "object"}),
    Simulation: ("blocks of calls", {"type": "object", "required": ["blockStateCalls"]}),
    Percentiles: ("percentiles", {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 100}}),
    FilterId: ("filter id", {"type": "string", "pattern": "^0x[0-9a-fA-F]+$"}),
    Kind: ("subscription", {"type": "string"}),
    Detail: ("filter or flag", {"type": ["object", "boolean"]}),
    TemplateOptions: ("miner", {"type": "object", "required": ["coinbase"]}),
    Stream: ("stream", {"type": "string", "enum": ["A", "B", "C"]}),
    Share: ("share", {"type": "number", "minimum": 0.01, "maximum": 1}),
    LogLevel: ("level", {"type": "string"}),
    bool: ("boolean", {"type": "boolean"}),
    str: ("text", {"type": "string"}),
}
_RESULTS: dict[Any, Json] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    dict: {"type": "object"},
    list: {"type": "array"},
    types.NoneType: {"type": "null"},
}
_INTRODUCTION = """# JSON-RPC

`python manage.py rpc_docs --write` generates this file from the registry of methods; `rpc.discover` answers the same
as an OpenRPC document, with the types of parameters and results. Who begins is led by the
[quickstart](rpc-quickstart.md).

HTTP POST and WebSocket on `MDS_RPC_BIND` (127.0.0.1:8545 unless set), and under `/rpc` and `/ws/rpc` of the web
process. JSON-RPC 2.0 with batches and notifications. A block is given by number, by tag (`latest`, `pending`, `safe`,
`finalized`, `earliest`), by hash, or by an EIP-1898 object. Quantities are hex without leading zeros. Parameters may
also be given by name. In the `mds_` namespace amounts of wei and work are hex, and counts, scores, numbers and times
in milliseconds are JSON integers.

*Cost* is in points of the rate limit (`MDS_RPC_RATE`, `MDS_RPC_BURST`). Methods with a *scope* need an API key
(`python manage.py api_key create NAME --scope SCOPE`), sent as `Authorization: Bearer …` or `X-API-Key: …`; or, with
`MDS_RPC_LOCAL_OPERATOR=1`, a program on the node's own machine. Every limit is in
[operations/configuration.md](operations/configuration.md).
"""
_TITLES = {
    "eth": "Ethereum",
    "net": "Network",
    "web3": "Client",
    "txpool": "Pool",
    "debug": "Traces and raw bytes",
    "ots": "Otterscan",
    "erigon": "Erigon",
    "mds": "The node and its DAG",
    "rpc": "Description",
}
_AFTER = """## Subscriptions

`eth_subscribe` over WebSocket: `newHeads`, `logs` (with a filter), `newPendingTransactions` (with `true`: whole
transactions), `syncing`, `mds_dag` (blocks as they join the DAG, and how the selected chain moved) and `mds_stats`
(figures once a second). When the chain reorganises, logs of undone blocks come again with `removed: true`, last told
first, then the new branch's; `newHeads` tells the new branch from the fork on. Filters behave likewise between two
polls. A connection that does not read what waits for it is closed with 1013.

## Traces

Tracers are `structLogger` (when none is named), `callTracer` (`onlyTopCall`, `withLog`) and `prestateTracer`
(`diffMode`, `disableCode`, `disableStorage`). An accepted transaction is run again in its block's canonical order over
the state before its epoch; tips and rewards, which are paid after all transactions, are part of no trace.
"""


def namespace(name: str) -> str:
    """``eth`` of ``eth_chainId``."""
    return name.partition("_")[0].partition(".")[0]


def summary(method: Method) -> str:
    """What a method does, in the first sentence or line of its own words."""
    text = inspect.getdoc(method.handler) or ""
    return " ".join(text.partition("\n\n")[0].split())


def discover() -> Json:
    """The OpenRPC document."""
    return {
        "openrpc": VERSION,
        "info": {"title": "Mondoshawan JSON-RPC", "version": client_version().split("/")[1]},
        "methods": [_described(METHODS[name]) for name in sorted(METHODS)],
    }


def markdown() -> str:
    """The text of docs/rpc.md."""
    titles = {**_TITLES, **{space: space for space in sorted({namespace(name) for name in METHODS} - set(_TITLES))}}
    spaces = [space for space in titles if any(namespace(name) == space for name in METHODS)]
    parts = [_INTRODUCTION]
    for space in spaces:
        methods = [METHODS[name] for name in sorted(METHODS) if namespace(name) == space]
        parts += [f"## {titles[space]}: `{space}`", "", *_table(methods), ""]
    parts += [_AFTER, "## Fairness and MEV figures", "", *_formulas(), "", "## Errors", "", *_errors()]
    return "\n".join(parts) + "\n"


def _table(methods: Iterable[Method]) -> list[str]:
    lines = ["| method | parameters | does | cost | scope |", "| --- | --- | --- | --- | --- |"]
    for method in methods:
        shown = ", ".join([_shown(parameter) for parameter in method.parameters])
        text = summary(method).replace("|", "\\|").replace("``", "`")
        lines.append(f"| `{method.name}` | {shown} | {text} | {method.cost} | {method.scope or ''} |")
    return lines


def _shown(parameter: Parameter) -> str:
    items = _items(parameter.kind)
    kind = f"{_kind(items)[0]}s" if items else _kind(_plain(parameter.kind))[0]
    label = parameter.name if parameter.name.lower() == kind else f"{parameter.name} ({kind})"
    return label if parameter.is_required else f"[{label}]"


def _described(method: Method) -> Json:
    hints = typing.get_type_hints(method.handler)
    described: Json = {
        "name": method.name,
        "summary": summary(method),
        "params": [
            {"name": parameter.name, "required": parameter.is_required, "schema": _schema(parameter.kind)}
            for parameter in method.parameters
        ],
        "result": {"name": "result", "schema": _results().get(method.name) or _result(hints.get("return"))},
        "x-cost": method.cost,
    }
    if method.scope is not None:
        described["x-scope"] = method.scope
    return described


@cache
def _results() -> dict[str, Json]:
    """Schemas of results that are this network's own; tests hold answers against them."""
    found: dict[str, Json] = json.loads(Path(__file__).with_name("results.json").read_text())
    return found


def _schema(hint: Any) -> Json:
    items = _items(hint)
    return {"type": "array", "items": _kind(items)[1]} if items else _kind(_plain(hint))[1]


def _kind(kind: Any) -> tuple[str, Json]:
    """How a kind of parameter is described; apps that add kinds describe them in ``KINDS``."""
    return KINDS.get(kind) or (str(getattr(kind, "__name__", kind)).lower(), {})


def _result(hint: Any) -> Json:
    if typing.get_origin(hint) is Deferred:
        (hint,) = typing.get_args(hint)
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    options = typing.get_args(hint) if union else (hint,)
    known = [_RESULTS[kind] for option in options if (kind := typing.get_origin(option) or option) in _RESULTS]
    if not known:
        return {}
    return known[0] if len(known) == 1 else {"oneOf": known}


def _plain(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = [part for part in typing.get_args(hint) if part is not types.NoneType]
    return hint


def _items(hint: Any) -> Any:
    hint = _plain(hint)
    return typing.get_args(hint)[0] if typing.get_origin(hint) is list else None


def _formulas() -> list[str]:
    text = inspect.getdoc(fairness) or ""
    return text.partition("\n\n")[2].replace("``", "`").splitlines()


def _errors() -> list[str]:
    lines = ["| error | code | HTTP status of REST answers |", "| --- | --- | --- |"]
    lines += [f"| `{kind.__name__}` | {line.rpc} | {line.http} |" for kind, line in errors.BY_CLASS.items()]
    lines += [f"| `{code}` | {line.rpc} | {line.http} |" for code, line in errors.BY_REQUEST_CODE.items()]
    lines += [f"| `{code}` | {number} | 422 |" for code, number in errors.BY_SIMULATION.items()]
    return lines
