"""A pool in a real Redis, and what tests of it offer and tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio

from chain.core.pool import (
    AddCode,
    BlockLimits,
    CodeKind,
    PoolPolicy,
    SenderState,
)
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff, Transaction
from chain.services.pool import Pool
from tests.chain.pool_model import raw_of

GWEI = 10**9
ETHER = 10**18
BASE_FEE = GWEI
NOW = 1_800_000_000_000
ALICE, BOB, CAROL = (bytes([n]) * 20 for n in (0xA1, 0xB2, 0xC3))
RICH = SenderState(0, 1000 * ETHER, CodeKind.NONE, 5)
WIDE = BlockLimits(10_000, 30_000_000, 4_000_000)
SEED = b"\x07" * 32


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture
def pool(client: redis.Redis) -> Pool:
    return Pool(client, PoolPolicy())


def offer(pool: Pool, tx: Transaction, state: SenderState | None = RICH) -> AddCode:
    return pool.add(tx, raw_of(tx), BASE_FEE, NOW, state).code


def update(
    sequence: int,
    accounts: dict[bytes, tuple[int, int]],
    in_flight: Sequence[bytes] = (),
    returned: Sequence[Transaction] = (),
    codes: Mapping[bytes, bytes] | None = None,
    code_hash: bytes = EMPTY_CODE_HASH,
) -> Any:
    """The part of a ChainUpdate that the pool reads."""
    diff = StateDiff({a: Account(n, b, code_hash) for a, (n, b) in accounts.items()}, {}, dict(codes or {}))
    virtual = SimpleNamespace(in_flight=tuple(in_flight), base_fee=BASE_FEE)
    return SimpleNamespace(sequence=sequence, state=diff, returned=tuple(returned), virtual=virtual)


def hashes(pool: Pool, limits: BlockLimits = WIDE, base_fee: int = BASE_FEE) -> list[bytes]:
    return [entry.hash for entry in pool.select(limits, base_fee)]
