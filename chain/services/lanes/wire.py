"""What the writer and the shard workers say to each other through Redis: msgpack of plain data.

A request lives under ``mds:lanes:<id>:``: ``todo`` is the list of units that nobody has taken yet, the heaviest
first; ``parts`` is a hash of the head, which all units share, and of each unit; ``answers`` is a list.
Whoever takes a unit off ``todo`` runs it, so none runs twice unless its answer is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack

from chain.core.errors import StoreError
from chain.core.execution.lane_codec import (
    pack_outcome,
    pack_task,
    pack_values,
    unpack_outcome,
    unpack_task,
    unpack_values,
)
from chain.core.execution.lanes import LaneOutcome, LaneTask
from chain.core.types import StateDiff

HEAD = b"head"
_NOT_MSGPACK = (ValueError, TypeError, msgpack.UnpackException)


@dataclass(frozen=True, slots=True)
class Keys:
    """The Redis keys of one request."""

    todo: str
    parts: str
    answers: str

    @classmethod
    def of(cls, request: str) -> Keys:
        """The keys of a request id (hex)."""
        return cls(f"mds:lanes:{request}:todo", f"mds:lanes:{request}:parts", f"mds:lanes:{request}:answers")


@dataclass(frozen=True, slots=True)
class Head:
    """What every unit of a request needs.

    ``uncommitted`` are the values that differ from the state after the committed epoch ``number`` of block
    ``hash``, in all shards; ``block_hashes`` are those of BLOCKHASH.
    """

    number: int
    hash: bytes
    uncommitted: StateDiff
    block_hashes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Unit:
    """One lane, with the rows that it will surely read."""

    task: LaneTask
    rows: StateDiff


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a unit; without an outcome it was declined, and ``code`` says why."""

    request: str
    base: bytes
    unit: int
    outcome: LaneOutcome | None
    code: str | None = None


def pack_head(head: Head) -> bytes:
    """A head as bytes."""
    hashes = sorted(head.block_hashes.items())
    return _pack([head.number, head.hash, pack_values(head.uncommitted), [list(pair) for pair in hashes]])


def unpack_head(data: bytes) -> Head:
    """The head of a request.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    number, block_hash, values, hashes = _unpack(data, 4)
    return Head(number, block_hash, unpack_values(values), dict(hashes))


def pack_unit(unit: Unit) -> bytes:
    """A unit as bytes."""
    return _pack([pack_task(unit.task), pack_values(unit.rows)])


def unpack_unit(data: bytes) -> Unit:
    """One unit of a request.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    task, rows = _unpack(data, 2)
    return Unit(unpack_task(task), unpack_values(rows))


def pack_answer(answer: Answer) -> bytes:
    """An answer as bytes."""
    outcome = None if answer.outcome is None else pack_outcome(answer.outcome)
    return _pack([answer.request, answer.base, answer.unit, outcome, answer.code])


def unpack_answer(data: bytes) -> Answer:
    """An answer of a worker.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    request, base, unit, outcome, code = _unpack(data, 5)
    return Answer(request, base, unit, None if outcome is None else unpack_outcome(outcome), code)


def _pack(data: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(data)
    return packed


def _unpack(data: bytes, length: int) -> list[Any]:
    try:
        found = msgpack.unpackb(data)
    except _NOT_MSGPACK as error:
        raise StoreError("malformed_lane", "no message about lanes") from error
    if not isinstance(found, list) or len(found) != length:
        raise StoreError("malformed_lane", "no message about lanes")
    return found
