"""Receipts of an epoch in canonical order, their root and their bloom (protocol §8, commitments)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chain.core import rlp
from chain.core.execution.admission import Admitted
from chain.core.execution.transfer import TRANSFER_GAS, Executed
from chain.core.merkle import merkle_root
from chain.core.shards import shard_of
from chain.core.transactions import keccak
from chain.core.types import Log, Phase, Receipt

BLOOM_BYTES = 256
_BLOOM_BITS = 2047
# RLP[1, 21000, [], hash] up to the hash: what every successful transfer without logs has
_TRANSFER_HEAD = bytes.fromhex("e601825208c0a0")


class Placed(NamedTuple):
    """A transaction that ran, at its place in the canonical order."""

    executed: Executed
    phase: Phase


def receipt_item(status: int, gas_used: int, logs: Sequence[Log], tx_hash: bytes) -> bytes:
    """What receipts_root commits to: RLP[status, gas_used, [[address, [topics], data]…], tx hash]."""
    if status == 1 and gas_used == TRANSFER_GAS and not logs:
        return _TRANSFER_HEAD + tx_hash
    return rlp.encode([status, gas_used, [[log.address, list(log.topics), log.data] for log in logs], tx_hash])


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Ethereum's 2048-bit bloom of log addresses and topics (yellow paper, 4.3.1)."""
    bloom = 0
    for log in logs:
        for item in (log.address, *log.topics):
            digest = keccak(item)
            for at in (0, 2, 4):
                bloom |= 1 << (int.from_bytes(digest[at : at + 2], "big") & _BLOOM_BITS)
    return bloom.to_bytes(BLOOM_BYTES, "big")


def build_receipts(placed: Sequence[Placed], admitted: Sequence[Admitted], shard_count: int) -> tuple[Receipt, ...]:
    """Receipts in canonical order."""
    receipts: list[Receipt] = []
    cumulative = 0
    for (position, status, gas_used, price, logs, contract_address), phase in placed:
        tx, block = admitted[position]
        cumulative += gas_used
        receipts.append(
            Receipt(
                tx.hash,
                status,
                gas_used,
                cumulative,
                price,
                contract_address,
                logs,
                phase,
                shard_of(tx.sender, shard_count),
                block.hash,
                position,
            )
        )
    return tuple(receipts)


def receipts_root(receipts: Iterable[Receipt]) -> bytes:
    """Merkle root over the receipts' items."""
    return merkle_root([receipt_item(r.status, r.gas_used, r.logs, r.tx_hash) for r in receipts])
