"""Calls of contracts from texts that people type, and their answers as texts (Solidity ABI, by eth-abi)."""

from __future__ import annotations

import re
from typing import Any

import orjson
from eth_abi.exceptions import EncodingError
from eth_abi.grammar import ABIType, BasicType, TupleType

from chain.core.errors import RequestCode, RequestError
from chain.core.transactions import keccak
from explorer import coding

MAX_PARAMETERS = 64
MAX_TYPE = 2_000
# all together: reading types takes far longer than reading values
MAX_TYPES = 10_000
MAX_DATA = 100_000
MAX_SHOWN = 4_000
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,255}")
_BITS = 256


def encode_call(name: Any, types: Any, values: Any) -> str:
    """The input of a call as 0x hex: selector and arguments.

    Parameters
    ----------
    name : str
        Of the function; empty for plain arguments, without selector.
    types : list of str
        Canonical ABI types; tuples as ``(uint256,address)``.
    values : list
        One for each: texts as typed (numbers decimal or 0x hex, ``true``, arrays and tuples as JSON), or JSON values.

    Raises
    ------
    RequestError
        invalid_params, saying which argument is wrong.
    """
    if not isinstance(name, str) or (name and not _NAME.fullmatch(name)):
        raise _bad("a function's name is expected")
    kinds = _types(types)
    if not isinstance(values, list) or len(values) != len(kinds):
        raise _bad(f"{len(kinds)} arguments are expected")
    read = []
    for place, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        try:
            read.append(_read(kind, value))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _bad(f"argument {place + 1} is no {kind.to_type_str()}") from error
    try:
        body = coding.encode([kind.to_type_str() for kind in kinds], read)
    except (EncodingError, OverflowError, TypeError, ValueError, RecursionError) as error:
        raise _bad("an argument does not fit its type") from error
    selector = keccak(f"{name}({','.join([kind.to_type_str() for kind in kinds])})".encode())[:4] if name else b""
    return "0x" + (selector + body).hex()


def decode_values(types: Any, data: Any) -> list[str]:
    """What data holds, one text for each type.

    Raises
    ------
    RequestError
        invalid_params; limit_exceeded where the data stands for far more than its size.
    """
    kinds = _types(types)
    if not isinstance(data, str) or not data.startswith("0x") or len(data) > 2 * MAX_DATA:
        raise _bad("data is 0x hex")
    try:
        raw = bytes.fromhex(data[2:])
    except ValueError as error:
        raise _bad("data is 0x hex") from error
    found = coding.decode([kind.to_type_str() for kind in kinds], raw)
    return [_shown(value)[:MAX_SHOWN] for value in found]


def _types(types: Any) -> list[ABIType]:
    if not isinstance(types, list) or len(types) > MAX_PARAMETERS:
        raise _bad("a list of types is expected")
    for text in types:
        if not isinstance(text, str) or len(text) > MAX_TYPE or text.count("(") + text.count("[") > 16:
            raise _bad("a type is expected")
    if sum(map(len, types)) > MAX_TYPES:
        raise _bad(f"types have at most {MAX_TYPES} characters")
    return [coding.parse(text) for text in types]


def _read(kind: ABIType, value: Any) -> Any:
    """A value of a type from what was typed; raises ValueError or TypeError where it is none."""
    is_list = kind.is_array or isinstance(kind, TupleType)
    if is_list:
        items = orjson.loads(value) if isinstance(value, str) else value
        if not isinstance(items, list):
            raise ValueError(kind)
        if kind.is_array:
            inner = kind.item_type
            return [_read(inner, item) for item in items]
        assert isinstance(kind, TupleType)
        if len(items) != len(kind.components):
            raise ValueError(kind)
        return tuple([_read(part, item) for part, item in zip(kind.components, items, strict=True)])
    assert isinstance(kind, BasicType)
    if kind.base in ("uint", "int"):
        if isinstance(value, bool):
            raise ValueError(kind)
        text = str(value).strip().replace("_", "")
        if len(text) > _BITS:
            raise ValueError(kind)
        return int(text, 16 if text.lower().startswith(("0x", "-0x")) else 10)
    if kind.base == "bool":
        choices = {"true": True, "false": False, "1": True, "0": False}
        return choices[str(value).strip().lower()] if str(value).strip().lower() in choices else _refuse(kind)
    if kind.base == "address":
        text = str(value).strip()
        return text if re.fullmatch(r"0x[0-9a-fA-F]{40}", text) else _refuse(kind)
    if kind.base == "bytes":
        text = str(value).strip()
        return bytes.fromhex(text[2:]) if text[:2].lower() == "0x" else _refuse(kind)
    if kind.base == "string":
        return str(value)
    return _refuse(kind)


def _refuse(kind: ABIType) -> Any:
    raise ValueError(kind)


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bad(message: str) -> RequestError:
    return RequestError(RequestCode.INVALID_PARAMS, message)
