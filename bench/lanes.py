"""When shard workers pay: whole epochs with their lanes in the writer, and with 1 and 2 workers beside it.

Run from the project root: ``python -m bench.lanes [--repeat N] [--kinds transfers,token,work] [--workers 0,1,2]``.

transfers: native, recipient in the sender's shard, so that all of them are lane work; token: an ERC-20-like transfer
(two slots, one log) in a token of the sender's shard; work: a call that hashes in a loop (about 300 000 gas).  State
is warm where the node keeps it warm: accounts in the writer, slots in writer and workers.  Best of ``--repeat``.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial

from bench._database import chain_database
from bench._workers import redis_server, workers

SHARDS = 10
COUNTS = {"transfers": (1_000, 5_000), "token": (100, 200, 500, 1_000, 2_000, 5_000), "work": (10, 20, 50, 100)}
GAS_LIMIT = {"transfers": 21_000, "token": 60_000, "work": 300_000}
# for 400 rounds: hash the first word of memory into itself
WORK_CODE = bytes.fromhex("6101905b60206000206000526001900380600357" + "00")


def main() -> None:
    """Print one line for each kind, size and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--kinds", default="transfers,token,work")
    parser.add_argument("--workers", default="0,1,2")
    args = parser.parse_args()
    with chain_database() as conn, redis_server():
        scene = Scene(conn)
        found: dict[tuple[str, int], dict[int, Sample]] = {}
        for count in [int(part) for part in args.workers.split(",")]:
            with workers("shards", count):
                for kind in args.kinds.split(","):
                    for size in COUNTS[kind]:
                        found.setdefault((kind, size), {})[count] = scene.measure(kind, size, count, args.repeat)
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; best of {args.repeat}, ms an epoch")
        for (kind, size), samples in found.items():
            gas = GAS_LIMIT[kind] * size / 1e6
            shown = ", ".join(f"{count} workers {sample}" for count, sample in samples.items())
            print(f"{kind} x {size} ({gas:.1f} Mgas by limits): {shown}")
        for (kind, size), samples in found.items():
            if kind == "work" and {0, 1} <= samples.keys():
                alone, shared = samples[0].lanes, samples[1].lanes
                more = ", ".join(f"{count} workers {model(alone, count):.0f}" for count in (3, 7))
                print(
                    f"model {kind} x {size}: 1 worker {model(alone, 1):.0f} (measured {shared:.0f}), {more} ms of lanes"
                )


def model(alone_ms: float, count: int) -> float:
    """Lanes of an epoch with ``count`` workers on as many cores and one more, in ms.

    Equal lanes, taken one by one: the busiest process runs ceil(SHARDS / (count + 1)) of them, each slowed by what
    processes beside it cost, and the message costs a constant.  Both numbers are fitted to runs with one worker.
    """
    message_ms, slowed = 5.0, 1.34
    return message_ms + -(-SHARDS // (count + 1)) * alone_ms / SHARDS * slowed


class Sample:
    """Times in ms: the whole epoch, the lanes in it, and how many lanes ran elsewhere."""

    def __init__(self) -> None:
        self.whole = self.lanes = float("inf")
        self.remote = 0

    def __str__(self) -> str:
        return f"{self.whole:.1f} (lanes {self.lanes:.1f}, {self.remote} elsewhere)"


class Scene:
    """A committed state with users, tokens and contracts in every shard."""

    def __init__(self, conn) -> None:
        from bench.execution import TOKEN_CODE, address_of
        from chain.core.execution.memory_state import MemoryState
        from chain.core.genesis import make_genesis, network_spec
        from chain.core.lthash import EMPTY_LATTICE, update_lattices
        from chain.core.shards import shard_of
        from chain.core.types import StateDiff
        from chain.stores import genesis
        from tests.factories.lanes import base_hash, write_state

        spec = network_spec("devnet")
        genesis.initialise(conn, spec, make_genesis(spec))
        self.conn = conn
        self.users = [address_of(f"user {n}") for n in range(1_000)]
        self.homes = {user: shard_of(user, SHARDS) for user in self.users}
        self.targets: dict[str, dict[int, bytes]] = {"token": {}, "work": {}}
        state = MemoryState()
        for user in self.users:
            state.put(user, 10**24)
        for kind, code in (("token", TOKEN_CODE), ("work", WORK_CODE)):
            for n in range(400):
                address = address_of(f"{kind} {n}")
                shard = shard_of(address, SHARDS)
                if shard not in self.targets[kind]:
                    self.targets[kind][shard] = address
                    owners = [user for user in self.users if self.homes[user] == shard] if kind == "token" else []
                    state.put(address, 0, 1, code, {int.from_bytes(user, "big"): 10**18 for user in owners})
        self.base = base_hash(1)
        write_state(conn, 1, self.base, state.as_diff(), SHARDS)
        self.lattices = update_lattices((EMPTY_LATTICE,) * SHARDS, StateDiff({}, {}, {}), state.as_diff(), SHARDS)
        self.friends = {shard: [u for u in self.users if self.homes[u] == shard] for shard in range(SHARDS)}

    def blocks(self, kind: str, size: int):
        """An epoch of so many transactions, the same at every call."""
        from bench.execution import transaction
        from chain.core.types import EpochBlock

        nonces: dict[bytes, int] = {}
        txs = []
        for n in range(size):
            user = self.users[n % len(self.users)]
            shard, nonce = self.homes[user], nonces.get(user, 0)
            nonces[user] = nonce + 1
            friend = self.friends[shard][(7 * n + 3) % len(self.friends[shard])]
            if kind == "transfers":
                txs.append(transaction(user, nonce, friend, 1))
                continue
            data = friend.rjust(32, b"\x00") + (1).to_bytes(32, "big") if kind == "token" else b"\x01"
            txs.append(transaction(user, nonce, self.targets[kind][shard], 0, data, GAS_LIMIT[kind]))
        return [EpochBlock(bytes(32), 2, b"\xcc" * 20, True, True, 0, tuple(txs))]

    def measure(self, kind: str, size: int, count: int, repeat: int) -> Sample:
        """Execute the same epoch over the same state ``repeat`` times."""
        from bench.execution import PARAMS
        from chain.core.consensus.hot_state import HotState
        from chain.core.consensus.ports import LaneBase
        from chain.core.execution.epoch import execute_epoch
        from chain.core.execution.lanes import run_lane
        from chain.core.types import EpochEnv
        from chain.kick import TaskName, kick
        from chain.services.lanes import LaneDispatch, LanePolicy
        from chain.services.redis_client import redis_client
        from chain.stores.state import PostgresState

        hot = HotState(PostgresState(self.conn, shard_count=SHARDS))
        policy = LanePolicy(count, min_gas=1, min_txs=1 if kind == "transfers" else 0, deadline_s=60)
        dispatch = LaneDispatch(redis_client(), policy, lambda r, life: kick(TaskName.SHARD, r, expires=life))
        runner = partial(dispatch, LaneBase(1, self.base, hot))
        sample, blocks = Sample(), self.blocks(kind, size)
        env = EpochEnv(1000, 1_000_000, bytes(32), 10**9, b"\xcc" * 20, 10**12, 10**9, 10**24)

        def timed(tasks, reader, block_hashes):
            began = time.perf_counter()
            if count:
                outcomes = runner(tasks, reader, block_hashes)
            else:
                outcomes = [run_lane(task, reader, block_hashes) for task in tasks]
            sample.lanes = min(sample.lanes, 1000 * (time.perf_counter() - began))
            return outcomes

        # workers meet the state, and their messages, before it counts
        for turn in range(repeat + 3):
            remote = dispatch.counts.remote
            began = time.perf_counter()
            sample.lanes = sample.lanes if turn > 2 else float("inf")
            result = execute_epoch(env, blocks, hot, self.lattices, PARAMS, {}.get, lane_runner=timed)
            took = 1000 * (time.perf_counter() - began)
            assert all(receipt.status == 1 and receipt.phase == 1 for receipt in result.receipts)
            assert len(result.receipts) == size
            if took < sample.whole and turn > 2:
                sample.whole, sample.remote = took, dispatch.counts.remote - remote
        return sample


if __name__ == "__main__":
    main()
