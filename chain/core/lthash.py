"""LtHash of the state: a sum of expanded elements that moves with every change (protocol §8).

Each shard's state is a set of byte strings (*elements*), one for every account that is not empty and
every slot that is not zero.  Its lattice is the sum, word by word mod 2^16, of the elements' 2048-byte
expansions (Bellare and Micciancio 1997; Lewi, Kim, Maykov and Weis, eprint 2019/227).  Adding and
removing commute and undo each other, so an epoch costs what it changes and lanes need no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from chain.core.errors import RuleCode, RuleViolation, StoreError
from chain.core.shards import shard_of
from chain.core.types import Account, StateDiff

WORDS = 1024
LATTICE_BYTES = 2 * WORDS
EMPTY_LATTICE = bytes(LATTICE_BYTES)

_WORD = np.dtype("<u2")
# 128 expansions fill 256 KiB: joined and summed while they are still in the core's own cache
_BATCH = 128


def account_element(address: bytes, account: Account) -> bytes:
    """The element of an account: ``"mds/account" ‖ address ‖ RLP[nonce, balance, code_hash]``.

    Raises
    ------
    RuleViolation
        ``field_range`` for a nonce or balance that is negative or does not fit 256 bits.
    """
    fields = _rlp_uint(account.nonce) + _rlp_uint(account.balance) + b"\xa0" + account.code_hash
    size = len(fields)
    head = bytes((0xC0 + size,)) if size < 56 else bytes((0xF8, size))
    return b"mds/account" + address + head + fields


def slot_element(address: bytes, slot: int, value: int) -> bytes:
    """The element of a storage slot: ``"mds/slot" ‖ address ‖ slot32 ‖ value32``.

    Raises
    ------
    RuleViolation
        ``field_range`` for a slot or value that is negative or does not fit 256 bits.
    """
    try:
        return b"mds/slot" + address + slot.to_bytes(32) + value.to_bytes(32)
    except OverflowError:
        raise RuleViolation(RuleCode.FIELD_RANGE, (slot, value), "256 bits each") from None


def expand(element: bytes) -> bytes:
    """2048 bytes of BLAKE3 output for an element: 1024 little-endian 16-bit words."""
    return blake3(element).digest(LATTICE_BYTES)


def update(lattice: bytes, removed: Iterable[bytes] = (), added: Iterable[bytes] = ()) -> bytes:
    """The lattice after some elements left the set and others joined it.

    Parameters
    ----------
    lattice : bytes
        2048 bytes.
    removed, added : iterable of bytes
        Elements as ``account_element`` and ``slot_element`` make them, in any order.

    Returns
    -------
    bytes
        2048 bytes.

    Raises
    ------
    StoreError
        ``lattice_length`` when ``lattice`` is not 2048 bytes.
    """
    words = _words(lattice)
    return (words - _sum(removed) + _sum(added)).tobytes()


def update_lattices(
    lattices: Sequence[bytes], before: StateDiff, after: StateDiff, shard_count: int
) -> tuple[bytes, ...]:
    """Move every shard's lattice from the values ``before`` to the values ``after``.

    Called with an epoch's ``(undo, diff)`` it executes, with ``(diff, undo)`` it undoes.  Both diffs name
    the same keys: an account that vanishes must bring the zeros of its slots with it.

    Parameters
    ----------
    lattices : sequence of bytes
        One lattice a shard, in order of shard.
    before, after : StateDiff
        Values of the changed keys; empty accounts and zero slots are absent from the set.
    shard_count : int
        Number of shards, equal to ``len(lattices)``.

    Raises
    ------
    StoreError
        ``lattice_length`` for a lattice that is not 2048 bytes, ``lattice_count`` for a wrong number of them.
    """
    if len(lattices) != shard_count:
        raise StoreError("lattice_count", got=len(lattices), expected=shard_count)
    removed: list[list[bytes]] = [[] for _ in lattices]
    added: list[list[bytes]] = [[] for _ in lattices]
    for diff, elements in ((before, removed), (after, added)):
        for address, account in diff.accounts.items():
            if account is not None and not account.is_empty:
                elements[shard_of(address, shard_count)].append(account_element(address, account))
        for (address, slot), value in diff.slots.items():
            if value:
                elements[shard_of(address, shard_count)].append(slot_element(address, slot, value))
    return tuple(
        update(lattice, gone, new) if gone or new else lattice for lattice, gone, new in zip(lattices, removed, added)
    )


def digest(lattice: bytes) -> bytes:
    """32-byte hash of a lattice.

    Raises
    ------
    StoreError
        ``lattice_length`` when it is not 2048 bytes.
    """
    _check_length(lattice)
    return blake3(lattice).digest()


def state_root(minted: int, lattices: Iterable[bytes]) -> bytes:
    """``BLAKE3("mds/state" ‖ minted32 ‖ digest(lattice_0) ‖ …)``.

    Parameters
    ----------
    minted : int
        Wei ever created, after the epoch.
    lattices : iterable of bytes
        One lattice a shard, in order of shard.
    """
    return blake3(b"mds/state" + minted.to_bytes(32) + b"".join(map(digest, lattices))).digest()


def _check_length(lattice: bytes) -> None:
    if len(lattice) != LATTICE_BYTES:
        raise StoreError("lattice_length", got=len(lattice), expected=LATTICE_BYTES)


def _words(lattice: bytes) -> npt.NDArray[np.uint16]:
    _check_length(lattice)
    return np.frombuffer(lattice, dtype=_WORD)


def _sum(elements: Iterable[bytes]) -> npt.NDArray[np.uint16]:
    """Sum of the expansions mod 2^16; uint16 addition wraps, which is the group's own arithmetic."""
    total = np.zeros(WORDS, dtype=_WORD)
    stream = iter(elements)
    while batch := [blake3(element).digest(LATTICE_BYTES) for element in islice(stream, _BATCH)]:
        rows = np.frombuffer(b"".join(batch), dtype=_WORD).reshape(-1, WORDS)
        total += np.add.reduce(rows, axis=0, dtype=_WORD)
    return total


def _rlp_uint(value: int) -> bytes:
    """Canonical RLP of an unsigned integer of at most 256 bits."""
    if 0 < value < 0x80:
        return bytes((value,))
    if value == 0:
        return b"\x80"
    if value < 0 or value >> 256:
        raise RuleViolation(RuleCode.FIELD_RANGE, value, "0 ≤ value < 2^256")
    size = (value.bit_length() + 7) // 8
    return bytes((0x80 + size,)) + value.to_bytes(size)
