"""Lane tasks and outcomes as plain data, for lanes in other processes (protocol §8; phase 1).

Plain means integers, bytes, text, None and lists of them, so msgpack carries it unchanged; integers beyond 64 bits
travel as big-endian bytes.
"""

from __future__ import annotations

from typing import Any

from chain.core.errors import StoreError
from chain.core.execution.lanes import LaneItem, LaneOutcome, LaneTask, run_lane
from chain.core.execution.params import BlockEnv
from chain.core.execution.transfer import Executed
from chain.core.ports import BlockHashes, StateReader
from chain.core.types import AccessEntry, Account, Authorization, Log, StateDiff, Transaction

Plain = list[Any]


def run_plain_lane(request: Plain, state: StateReader, block_hashes: BlockHashes) -> Plain:
    """Run a packed task over the state before the epoch and pack what it did.

    Raises
    ------
    StoreError
        ``malformed_lane`` for data that is no packed task.
    """
    return pack_outcome(run_lane(unpack_task(request), state, block_hashes))


def pack_task(task: LaneTask) -> Plain:
    """A task as plain data."""
    env = task.env
    return [
        task.shard,
        task.shard_count,
        [
            env.chain_id,
            env.number,
            env.timestamp,
            env.prevrandao,
            _wide(env.base_fee),
            env.gas_limit,
            _wide(env.blob_base_fee),
            env.evm_fork,
        ],
        [[item.position, item.coinbase, _pack_tx(item.tx)] for item in task.items],
        [[address, position] for address, position in sorted(task.foreign.items())],
    ]


def unpack_task(data: Plain) -> LaneTask:
    """A packed task.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    try:
        shard, shard_count, env, items, foreign = data
        chain_id, number, timestamp, prevrandao, base_fee, gas_limit, blob_base_fee, fork = env
        return LaneTask(
            shard,
            shard_count,
            BlockEnv(chain_id, number, timestamp, prevrandao, _int(base_fee), gas_limit, _int(blob_base_fee), fork),
            tuple(LaneItem(position, _unpack_tx(tx), coinbase) for position, coinbase, tx in items),
            dict(foreign),
        )
    except (ValueError, TypeError) as error:
        raise StoreError("malformed_lane", "no packed lane task") from error


def pack_outcome(outcome: LaneOutcome) -> Plain:
    """An outcome as plain data."""
    return [
        outcome.shard,
        [
            [
                done.position,
                done.status,
                done.gas_used,
                _wide(done.price),
                [[log.address, list(log.topics), log.data] for log in done.logs],
                done.contract_address,
            ]
            for done in outcome.executed
        ],
        list(outcome.deferred),
        pack_values(outcome.diff),
        _wide(outcome.destroyed),
    ]


def unpack_outcome(data: Plain) -> LaneOutcome:
    """A packed outcome.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    try:
        shard, executed, deferred, diff, destroyed = data
        return LaneOutcome(
            shard,
            tuple(
                Executed(
                    position,
                    status,
                    gas_used,
                    _int(price),
                    tuple(Log(address, tuple(topics), body) for address, topics, body in logs),
                    contract_address,
                )
                for position, status, gas_used, price, logs, contract_address in executed
            ),
            tuple(deferred),
            unpack_values(diff),
            _int(destroyed),
        )
    except (ValueError, TypeError) as error:
        raise StoreError("malformed_lane", "no packed lane outcome") from error


def pack_values(values: StateDiff) -> Plain:
    """Accounts, slots and codes as plain data, sorted by key."""
    return [
        [
            [address, None if account is None else [account.nonce, _wide(account.balance), account.code_hash]]
            for address, account in sorted(values.accounts.items())
        ],
        [[address, _wide(slot), _wide(value)] for (address, slot), value in sorted(values.slots.items())],
        [[code_hash, code] for code_hash, code in sorted(values.codes.items())],
    ]


def unpack_values(data: Plain) -> StateDiff:
    """Packed accounts, slots and codes.

    Raises
    ------
    StoreError
        ``malformed_lane``.
    """
    try:
        accounts, slots, codes = data
        return StateDiff(
            {address: _unpack_account(account) for address, account in accounts},
            {(address, _int(slot)): _int(value) for address, slot, value in slots},
            dict(codes),
        )
    except (ValueError, TypeError) as error:
        raise StoreError("malformed_lane", "no packed values") from error


def _unpack_account(data: Plain | None) -> Account | None:
    if data is None:
        return None
    nonce, balance, code_hash = data
    return Account(nonce, _int(balance), code_hash)


def _pack_tx(tx: Transaction) -> Plain:
    return [
        tx.type,
        tx.chain_id,
        tx.nonce,
        _wide(tx.max_priority_fee),
        _wide(tx.max_fee),
        tx.gas_limit,
        tx.to,
        _wide(tx.value),
        tx.data,
        [[entry.address, [_wide(slot) for slot in entry.slots]] for entry in tx.access_list],
        [[_wide(a.chain_id), a.address, a.nonce, a.y_parity, _wide(a.r), _wide(a.s)] for a in tx.authorizations],
        tx.v,
        _wide(tx.r),
        _wide(tx.s),
        tx.hash,
        tx.sender,
        tx.size,
        tx.is_simple,
    ]


def _unpack_tx(data: Plain) -> Transaction:
    (kind, chain_id, nonce, priority, max_fee, gas_limit, to, value, body, entries, authorizations, *rest) = data
    v, r, s, tx_hash, sender, size, is_simple = rest
    return Transaction(
        type=kind,
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee=_int(priority),
        max_fee=_int(max_fee),
        gas_limit=gas_limit,
        to=to,
        value=_int(value),
        data=body,
        access_list=tuple(AccessEntry(address, tuple(_int(slot) for slot in slots)) for address, slots in entries),
        authorizations=tuple(
            Authorization(_int(chain), address, at, parity, _int(one), _int(two))
            for chain, address, at, parity, one, two in authorizations
        ),
        v=v,
        r=_int(r),
        s=_int(s),
        hash=tx_hash,
        sender=sender,
        size=size,
        is_simple=is_simple,
    )


def _wide(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")
