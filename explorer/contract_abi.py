"""A contract's ABI as people hand it in: read strictly, kept in one form, and as tables for decoding.

Pure.  The JSON is that of Solidity's ABI specification, as compilers write it; what decoding does not need is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chain.core.errors import RequestCode, RequestError
from explorer.coding import parse
from explorer.signatures import Parameter, Signature

MAX_TEXT = 200_000
MAX_ENTRIES = 1_000
MAX_PARAMETERS = 64
MAX_DEPTH = 8
MAX_TYPE = 100
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_TUPLE = re.compile(r"tuple((?:\[[0-9]{0,6}\])*)")
_KINDS = frozenset({"function", "event", "error", "constructor", "fallback", "receive"})
_MUTABILITIES = ("view", "pure", "nonpayable", "payable")
_MAX_INDEXED = 3

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContractAbi:
    """Tables of one contract: functions and errors by selector, events by topic and number of indexed parameters.

    ``text`` is the ABI as it is kept.
    """

    text: str
    functions: Mapping[bytes, Signature]
    errors: Mapping[bytes, Signature]
    events: Mapping[tuple[bytes, int], Signature]


def read_abi(text: str) -> ContractAbi:
    """Read an ABI, or a compiler's artefact that holds one under ``abi``.

    Raises
    ------
    RequestError
        invalid_params, saying which entry is wrong and why; limit_exceeded.
    """
    if len(text) > MAX_TEXT:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, f"an ABI has at most {MAX_TEXT} characters", got=len(text))
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad(f"the ABI is no JSON: {str(error)[:100]}") from error
    entries = found.get("abi") if isinstance(found, dict) else found
    if not isinstance(entries, list) or not entries:
        raise _bad("an ABI is a list of functions, events and errors")
    if len(entries) > MAX_ENTRIES:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, f"an ABI has at most {MAX_ENTRIES} entries", got=len(entries))
    kept = [_entry(place, entry) for place, entry in enumerate(entries, start=1)]
    return _tables(kept)


def stored_abi(text: str) -> ContractAbi:
    """The tables of an ABI that was kept by ``read_abi``."""
    return _tables(orjson.loads(text))


def _tables(entries: list[Json]) -> ContractAbi:
    functions: dict[bytes, Signature] = {}
    errors: dict[bytes, Signature] = {}
    events: dict[tuple[bytes, int], Signature] = {}
    for entry in entries:
        kind = entry["type"]
        if kind not in ("function", "event", "error"):
            continue
        signature = Signature(entry["name"], tuple([_parameter(one) for one in entry["inputs"]]))
        if kind == "function":
            functions.setdefault(signature.selector, signature)
        elif kind == "error":
            errors.setdefault(signature.selector, signature)
        elif not entry.get("anonymous"):
            events.setdefault((signature.topic, signature.indexed), signature)
    return ContractAbi(orjson.dumps(entries).decode(), functions, errors, events)


def _parameter(one: Json) -> Parameter:
    return Parameter(canonical_type(one), one["name"], one.get("indexed", False))


def canonical_type(one: Json) -> str:
    """A parameter's type as signatures write it, tuples in brackets."""
    shape = _TUPLE.fullmatch(one["type"])
    if shape is None:
        return str(one["type"])
    return f"({','.join([canonical_type(part) for part in one['components']])}){shape[1]}"


def _entry(place: int, entry: Any) -> Json:
    """An entry of the list in the form in which it is kept."""
    if not isinstance(entry, dict):
        raise _bad(f"entry {place} is no object")
    kind, name = entry.get("type", "function"), entry.get("name", "")
    where = f"entry {place}" + (f" ({name[:60]})" if isinstance(name, str) and name else "")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _bad(f"{where}: its type is one of {', '.join(sorted(_KINDS))}")
    kept: Json = {"type": kind}
    if kind in ("function", "event", "error"):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _bad(f"{where}: a name is expected")
        kept["name"] = name
    if kind not in ("fallback", "receive"):
        kept["inputs"] = _parameters(where, entry.get("inputs", []), kind == "event")
    if kind == "function":
        kept["outputs"] = _parameters(where, entry.get("outputs", []), False)
    if kind == "event":
        anonymous = entry.get("anonymous", False) is True
        kept["anonymous"] = anonymous
        if sum(one["indexed"] for one in kept["inputs"]) > _MAX_INDEXED + anonymous:
            raise _bad(f"{where}: too many indexed parameters")
    elif kind != "error":
        kept["stateMutability"] = _mutability(where, entry)
    return kept


def _mutability(where: str, entry: Json) -> str:
    found = entry.get("stateMutability")
    if found is None:
        # compilers before Solidity 0.5 said it so
        return "view" if entry.get("constant") is True else "payable" if entry.get("payable") is True else "nonpayable"
    if found not in _MUTABILITIES:
        raise _bad(f"{where}: stateMutability is one of {', '.join(_MUTABILITIES)}")
    return str(found)


def _parameters(where: str, found: Any, is_event: bool, depth: int = 0) -> list[Json]:
    if not isinstance(found, list) or len(found) > MAX_PARAMETERS or depth > MAX_DEPTH:
        raise _bad(f"{where}: a list of at most {MAX_PARAMETERS} parameters is expected")
    return [_one(where, one, is_event, depth) for one in found]


def _one(where: str, one: Any, is_event: bool, depth: int) -> Json:
    kind, name = (one.get("type"), one.get("name") or "") if isinstance(one, dict) else (None, "")
    if not isinstance(kind, str) or not isinstance(name, str) or (name and not _NAME.fullmatch(name)):
        raise _bad(f"{where}: a parameter has a type, and a name of letters, digits, _ and $")
    if len(kind) > MAX_TYPE:
        raise _bad(f"{where}: {kind[:60]!r} is no ABI type")
    kept: Json = {"name": name, "type": kind}
    if _TUPLE.fullmatch(kind):
        kept["components"] = _parameters(where, one.get("components"), False, depth + 1)
        if not kept["components"]:
            raise _bad(f"{where}: a tuple has components")
        if depth == 0:
            # its parts were looked at by themselves; this is what decoding will go by
            _check_spelling(where, canonical_type(kept))
    else:
        _check_type(where, kind)
    if is_event:
        kept["indexed"] = one.get("indexed", False) is True
    return kept


def _check_type(where: str, kind: str) -> None:
    if kind.startswith(("(", "fixed", "ufixed")):
        raise _bad(f"{where}: {kind[:60]!r} is no ABI type")
    _check_spelling(where, kind)


def _check_spelling(where: str, kind: str) -> None:
    if _spelled(kind) != kind:
        raise _bad(f"{where}: {kind[:60]!r} is no ABI type")


def _spelled(kind: str) -> str:
    """A type as it is hashed, where ``uint`` is uint256; empty for what is none."""
    try:
        return str(parse(kind).to_type_str())
    except (RequestError, RecursionError):
        return ""


def _bad(message: str) -> RequestError:
    return RequestError(RequestCode.INVALID_PARAMS, message)
