"""What the events of token contracts say (EIP-20, EIP-721, EIP-1155).  Pure; whatever is malformed says nothing."""

from __future__ import annotations

from typing import NamedTuple

from chain.core.transactions import keccak
from chain.core.types import Log

TRANSFER = keccak(b"Transfer(address,address,uint256)")
SINGLE = keccak(b"TransferSingle(address,address,address,uint256,uint256)")
BATCH = keccak(b"TransferBatch(address,address,address,uint256[],uint256[])")
TOPICS = (TRANSFER, SINGLE, BATCH)
# one log's movements; its gas bounds them far above what anybody sends
MAX_BATCH = 10_000
_WORD = 32
_PAD = bytes(12)


class Moved(NamedTuple):
    """Something went from one address to another; ``token_id`` is None for ERC-20."""

    standard: int
    sender: bytes
    recipient: bytes
    token_id: int | None
    amount: int


def movements(log: Log) -> list[Moved]:
    """The movements that a log tells of, in order; none where it is no transfer of a known standard."""
    topics, data = log.topics, log.data
    if not topics:
        return []
    if topics[0] == TRANSFER:
        if len(topics) == 3 and len(data) == _WORD:
            return _between(20, topics[1], topics[2], [(None, _number(data))])
        if len(topics) == 4 and not data:
            return _between(721, topics[1], topics[2], [(_number(topics[3]), 1)])
    elif topics[0] == SINGLE:
        if len(topics) == 4 and len(data) == 2 * _WORD:
            return _between(1155, topics[2], topics[3], [(_number(data[:_WORD]), _number(data[_WORD:]))])
    elif topics[0] == BATCH and len(topics) == 4:
        ids, amounts = _array(data, 0), _array(data, 1)
        if ids is not None and amounts is not None and len(ids) == len(amounts):
            return _between(1155, topics[2], topics[3], list(zip(ids, amounts, strict=True)))
    return []


def _between(
    standard: int, sender: bytes, recipient: bytes, moved: list[tuple[int | None, int]] | list[tuple[int, int]]
) -> list[Moved]:
    if sender[:12] != _PAD or recipient[:12] != _PAD:
        return []
    return [Moved(standard, sender[12:], recipient[12:], token_id, amount) for token_id, amount in moved]


def _array(data: bytes, place: int) -> list[int] | None:
    """The ABI's dynamic array of words whose offset is word number ``place``; None where it does not lie within."""
    if len(data) < 2 * _WORD:
        return None
    start = _number(data[place * _WORD : (place + 1) * _WORD])
    if start + _WORD > len(data):
        return None
    count = _number(data[start : start + _WORD])
    first = start + _WORD
    if count > MAX_BATCH or first + count * _WORD > len(data):
        return None
    return [_number(data[at : at + _WORD]) for at in range(first, first + count * _WORD, _WORD)]


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")
