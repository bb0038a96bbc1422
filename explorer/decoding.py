"""Input data and logs in words, by known signatures or a contract's ABI.  What does not decode is left as hex."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chain.core.errors import RequestError
from chain.core.types import Log
from explorer import coding
from explorer.signatures import Parameter, Signature, events, functions

# a value is cut here when shown; the raw data is shown beside it
MAX_TEXT = 600
_SELECTOR = 4
_WORD = 32
_MAX_DECODED = 64_000


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; ``address`` is set where it is one, so that it can be a link."""

    name: str
    type: str
    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A call or an event by name."""

    name: str
    canonical: str
    arguments: tuple[Argument, ...]


def decode_input(data: bytes, abi: Mapping[bytes, Signature] | None = None) -> Decoded | None:
    """The call that ``data`` is: by the contract's own ABI first, then by known signatures; None where unknown.

    Known signatures count only where every byte is accounted for, since four bytes prove little.
    """
    if len(data) < _SELECTOR or len(data) > _MAX_DECODED:
        return None
    for table in (abi or {}, functions()):
        signature = table.get(data[:_SELECTOR])
        if signature is not None:
            values = _values(signature.parameters, data[_SELECTOR:])
            if values is not None:
                return Decoded(signature.name, signature.canonical, _arguments(signature.parameters, values))
    return None


def method_name(data: bytes, abi: Mapping[bytes, Signature] | None = None) -> str:
    """A short name of what a call does, for lists: its function's name or its selector; empty without input."""
    if not data:
        return ""
    if len(data) < _SELECTOR:
        return "0x" + data.hex()
    for table in (abi or {}, functions()):
        signature = table.get(data[:_SELECTOR])
        if signature is not None:
            return signature.name
    return "0x" + data[:_SELECTOR].hex()


def decode_log(log: Log, abi: Mapping[tuple[bytes, int], Signature] | None = None) -> Decoded | None:
    """The event that a log is; None where unknown."""
    if not log.topics or len(log.data) > _MAX_DECODED:
        return None
    key = (log.topics[0], len(log.topics) - 1)
    for table in (abi or {}, events()):
        signature = table.get(key)
        if signature is None:
            continue
        plain = [parameter for parameter in signature.parameters if not parameter.is_indexed]
        inside = _values(plain, log.data)
        if inside is None:
            continue
        topics, rest = iter(log.topics[1:]), iter(inside)
        values: list[Any] = []
        for parameter in signature.parameters:
            values.append(_topic(parameter, next(topics)) if parameter.is_indexed else next(rest))
        return Decoded(signature.name, signature.canonical, _arguments(signature.parameters, values))
    return None


def revert_reason(output: bytes, errors: Mapping[bytes, Signature] | None = None) -> str:
    """What a revert says: a text, a panic's code, or a contract's own error with its arguments; else empty."""
    found = decode_input(output, errors)
    if found is None:
        return ""
    if found.canonical == "Error(string)":
        return found.arguments[0].text
    if found.canonical == "Panic(uint256)":
        return f"panic {found.arguments[0].text}"
    if errors is None or output[:_SELECTOR] not in errors:
        # four bytes that happen to be a function's are no error
        return ""
    return f"{found.name}({', '.join([f'{part.name}: {part.text}' for part in found.arguments])})"


def _values(parameters: Sequence[Parameter], data: bytes) -> tuple[Any, ...] | None:
    if not parameters:
        return () if not data else None
    if len(data) % _WORD:
        return None
    try:
        return coding.decode([parameter.type for parameter in parameters], data)
    except RequestError:
        return None


def _topic(parameter: Parameter, topic: bytes) -> Any:
    """An indexed argument; of a dynamic type only its hash is in the log."""
    if parameter.type in ("string", "bytes") or parameter.type.endswith("]") or parameter.type.startswith("("):
        return topic
    try:
        return coding.decode([parameter.type], topic)[0]
    except RequestError:
        return topic


def _arguments(parameters: Sequence[Parameter], values: Sequence[Any]) -> tuple[Argument, ...]:
    found = []
    for place, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
        is_address = parameter.type == "address" and isinstance(value, str)
        text = _text(value)
        found.append(Argument(parameter.name or f"#{place}", parameter.type, text, value if is_address else ""))
    return tuple(found)


def _text(value: Any) -> str:
    kinds: dict[type, Callable[[Any], str]] = {
        bool: lambda v: "true" if v else "false",
        bytes: lambda v: "0x" + v.hex(),
        tuple: lambda v: "[" + ", ".join(map(_text, v)) + "]",
        list: lambda v: "[" + ", ".join(map(_text, v)) + "]",
    }
    text = kinds.get(type(value), str)(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
