"""What can be read off the tree of frames of a ``CallTracer``: value moved, contracts made, the list of calls.

Trees may be a thousand frames deep, so nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

ZERO_ADDRESS = "0x" + "00" * 20
_CREATIONS = ("CREATE", "CREATE2")
# Otterscan's numbers of internal operations
_OPERATIONS = {"CALL": 0, "SELFDESTRUCT": 1, "CREATE": 2, "CREATE2": 3}
_VALUELESS = ("DELEGATECALL", "STATICCALL")
# the index's numbers of inner calls: Otterscan's, and of those that move nothing
_KINDS = {**_OPERATIONS, "DELEGATECALL": 4, "STATICCALL": 5, "CALLCODE": 6}
# 0x and four bytes
_SELECTOR_END = 10


class Frame(NamedTuple):
    """A frame with its depth, 0 for the transaction's own; ``is_lost``: it, or one that it lies in, failed."""

    entry: Json
    depth: int
    is_lost: bool


def frames(root: Json) -> Iterator[Frame]:
    """Every frame in the order in which they began."""
    pending = [Frame(root, 0, "error" in root)]
    while pending:
        frame = pending.pop()
        yield frame
        for child in reversed(frame.entry.get("calls", ())):
            pending.append(Frame(child, frame.depth + 1, frame.is_lost or "error" in child))


def operations(root: Json) -> list[Json]:
    """Transfers of value, creations and destructions inside a transaction, as ``ots_getInternalOperations`` names them.

    What failed, or was undone with a frame that failed, did not happen and is left out.
    """
    return [
        {"type": kind, "from": entry["from"], "to": entry["to"], "value": entry["value"]}
        for entry, _, kind in _that_took_effect(root)
        if entry["type"] in _OPERATIONS and (kind != 0 or entry["value"] != "0x0")
    ]


class InnerCall(NamedTuple):
    """A frame inside a transaction that took effect.

    ``ordinal`` is its place among those of its transaction in the order in which they began, ``kind`` as the index
    numbers it (``explorer.selectors.internal``), ``value`` wei that moved, ``selector`` four bytes or none.
    """

    ordinal: int
    depth: int
    kind: int
    sender: bytes
    recipient: bytes
    value: int
    selector: bytes

    @property
    def moved(self) -> bool:
        """Whether it is one of ``operations``: it moved value, made a contract or ended one."""
        return self.kind in (1, 2, 3) or (self.kind == 0 and self.value > 0)


def inner_calls(root: Json) -> Iterator[InnerCall]:
    """Every frame inside a transaction in order, without what failed or was undone with a frame that failed."""
    for ordinal, (entry, depth, kind) in enumerate(_that_took_effect(root)):
        # of the others the value stays where it is
        value = int(entry["value"], 16) if kind <= 3 else 0
        given = entry["input"] if kind in (0, 4, 5, 6) else ""
        yield InnerCall(
            ordinal=ordinal,
            depth=depth,
            kind=kind,
            sender=bytes.fromhex(entry["from"][2:]),
            recipient=bytes.fromhex(entry["to"][2:]),
            value=value,
            selector=bytes.fromhex(given[2:_SELECTOR_END]) if len(given) >= _SELECTOR_END else b"",
        )


def _that_took_effect(root: Json) -> Iterator[tuple[Json, int, int]]:
    """Frames inside a transaction with their depth and number, without what failed or was undone by a failure."""
    for entry, depth, is_lost in frames(root):
        kind = _KINDS.get(entry["type"])
        if depth and not is_lost and kind is not None:
            yield entry, depth, kind


def entries(root: Json) -> list[Json]:
    """Every frame as ``ots_traceTransaction`` lists them; a creation that failed has no address and shows zero."""
    return [
        {
            "type": entry["type"],
            "depth": depth,
            "from": entry["from"],
            "to": entry.get("to", ZERO_ADDRESS),
            "value": None if entry["type"] in _VALUELESS else entry.get("value"),
            "input": entry["input"],
            "output": entry.get("output", "0x"),
        }
        for entry, depth, _ in frames(root)
    ]


def error_output(root: Json) -> str:
    """What a failed transaction returned; ``0x`` for one that succeeded or returned nothing."""
    return str(root.get("output", "0x")) if "error" in root else "0x"


def creator_in(root: Json, address: bytes) -> str | None:
    """Who made the contract at ``address`` in this transaction, if it was made here."""
    wanted = "0x" + address.hex()
    for entry, _, is_lost in frames(root):
        if not is_lost and entry["type"] in _CREATIONS and entry.get("to") == wanted:
            return str(entry["from"])
    return None
