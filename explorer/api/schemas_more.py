"""Shapes of what is told beside blocks, transactions, addresses and tokens."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from explorer.api.schemas import ADDRESS, HASH, Wei


class Internal(Schema):
    """A call, creation or destruction inside a transaction, by its own code at ``depth`` 1.

    ``ordinal`` is its place among those of its transaction, ``method`` the name of what it called where that is known,
    else the selector.
    """

    transaction: str = Field(pattern=HASH)
    number: int
    index: int
    ordinal: int
    timestamp_ms: int
    depth: int
    type: Literal["call", "selfdestruct", "create", "create2", "delegatecall", "staticcall", "callcode"]
    sender: str = Field(pattern=ADDRESS)
    recipient: str = Field(pattern=ADDRESS)
    selector: str | None = Field(pattern="^0x[0-9a-f]{8}$")
    method: str | None
    value: Wei


class InternalOf(Schema):
    """Those of one transaction; ``traced``: its block has been run again.

    ``left_out`` of those that moved nothing were too many to be kept.
    """

    traced: bool
    left_out: int
    items: list[Internal]
    next: int | None


class Abi(Schema):
    """What an operator published of a contract; ``functions_in_code`` of its functions are in the contract's code."""

    address: str = Field(pattern=ADDRESS)
    name: str
    published_ms: int
    functions: int
    functions_in_code: int
    abi: list[dict[str, Any]]


class StreamOf(Schema):
    """A stream: rates of ten minutes, what the chain paid for its blocks within an hour.

    ``difficulty`` is hashes that a block takes in the mean, ``hashrate`` hashes a second; null for the lottery.
    """

    stream: Literal["A", "B", "C"]
    wanted_interval_ms: int
    blocks: int
    blocks_ten_minutes: int
    red_ten_minutes: int
    difficulty: str | None
    hashrate: float | None
    rewards_hour: Wei
    tips_hour: Wei
    last_block: str | None
    last_timestamp_ms: int | None
