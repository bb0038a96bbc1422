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
    found = []
    for entry, depth, is_lost in frames(root):
        kind = _OPERATIONS.get(entry["type"])
        if depth == 0 or is_lost or kind is None or (kind == 0 and entry["value"] == "0x0"):
            continue
        found.append({"type": kind, "from": entry["from"], "to": entry["to"], "value": entry["value"]})
    return found


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
