"""How many transactions a second one process executes, whole epochs, lattices and roots included.

    python bench/execution.py [--epochs 5] [--txs 5000] [--senders 1000] [--profile]

Transfers: distinct recipients in all shards; the state is in memory, so this is the processor's share alone.
Tokens: calls of an ERC-20-like transfer (two storage slots, one log) on the EVM, in the lanes of its callers' shard.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blake3 import blake3

from chain.core.execution.epoch import execute_epoch
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.params import ExecutionParams
from chain.core.lthash import EMPTY_LATTICE, update_lattices
from chain.core.shards import shard_of
from chain.core.types import EpochBlock, EpochEnv, StateDiff, Transaction

SHARDS = 10
GWEI = 10**9
PARAMS = ExecutionParams(0x4D534858, SHARDS, 30_000_000, 50_000, 10**28)
TOKEN = blake3(b"token").digest()[:20]
# slot[caller] -= word 1; slot[word 0] += word 1; LOG1(word 1, topic = word 0)
TOKEN_CODE = bytes.fromhex(
    "60203533540333556020356000355401600035556020356000526000356020600060a1".replace("60a1", "a1")
)


def address_of(name: str) -> bytes:
    """A made-up address."""
    return blake3(name.encode()).digest()[:20]


def transaction(sender: bytes, nonce: int, to: bytes, value: int, data: bytes = b"", gas_limit: int = 21_000):
    """A transaction as the decoder gives it."""
    digest = blake3(b"tx" + sender + nonce.to_bytes(8, "big")).digest()
    return Transaction(
        type=2,
        chain_id=PARAMS.chain_id,
        nonce=nonce,
        max_priority_fee=GWEI,
        max_fee=3 * GWEI,
        gas_limit=gas_limit,
        to=to,
        value=value,
        data=data,
        access_list=(),
        authorizations=(),
        v=0,
        r=1,
        s=1,
        hash=digest,
        sender=sender,
        size=120,
        is_simple=not data,
    )


def environment(number: int) -> EpochEnv:
    """The environment of the nth epoch."""
    return EpochEnv(number, number * 1000, bytes(32), GWEI, b"\xcc" * 20, 10**12, 10**9, 10**24)


def measure(title: str, txs_of, state: MemoryState, epochs: int, profile: bool) -> None:
    """Execute epochs one on another; print the best and the mean."""
    lattices = update_lattices((EMPTY_LATTICE,) * SHARDS, StateDiff({}, {}, {}), state.as_diff(), SHARDS)
    profiler = cProfile.Profile()
    times, phases = [], [0, 0, 0]
    count = gas = 0
    for number in range(1, epochs + 1):
        txs = txs_of(number)
        block = EpochBlock(number.to_bytes(32, "big"), 2, b"\xcc" * 20, True, True, 25 * 10**18, tuple(txs))
        if profile:
            profiler.enable()
        start = time.process_time()
        result = execute_epoch(environment(number), [block], state, lattices, PARAMS, lambda _: None)
        times.append(time.process_time() - start)
        profiler.disable()
        assert len(result.receipts) == len(txs), result.skipped[:3]
        assert all(receipt.status == 1 for receipt in result.receipts)
        state.apply(result.diff)
        lattices = result.lattices
        count, gas = len(txs), result.gas_used
        for receipt in result.receipts:
            phases[receipt.phase - 1] += 1
    mean = sum(times) / len(times)
    print(
        f"{title}: {count / mean:,.0f} tx/s mean, {count / min(times):,.0f} best, {gas / mean / 1e6:,.1f} Mgas/s, "
        f"phases {phases}, {count} an epoch"
    )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


def main() -> None:
    """Read the arguments and run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--txs", type=int, default=5_000)
    parser.add_argument("--senders", type=int, default=1_000)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()

    senders = [address_of(f"sender {n}") for n in range(args.senders)]
    state = MemoryState()
    for sender in senders:
        state.put(sender, 10**24)
    nonces = dict.fromkeys(senders, 0)

    def transfers(number: int) -> list[Transaction]:
        txs = []
        for n in range(args.txs):
            sender = senders[n % len(senders)]
            txs.append(transaction(sender, nonces[sender], address_of(f"recipient {number} {n}"), 1))
            nonces[sender] += 1
        return txs

    measure("transfers", transfers, state, args.epochs, args.profile)

    home = shard_of(TOKEN, SHARDS)
    holders = [sender for sender in senders if shard_of(sender, SHARDS) == home]
    state.put(TOKEN, 0, 1, TOKEN_CODE, {int.from_bytes(holder, "big"): 10**18 for holder in holders})

    def tokens(number: int) -> list[Transaction]:
        txs = []
        for n in range(args.calls):
            sender = holders[n % len(holders)]
            data = address_of(f"holder {number} {n}").rjust(32, b"\x00") + (1).to_bytes(32, "big")
            txs.append(transaction(sender, nonces[sender], TOKEN, 0, data, 100_000))
            nonces[sender] += 1
        return txs

    measure("token calls", tokens, state, args.epochs, args.profile)


if __name__ == "__main__":
    main()
