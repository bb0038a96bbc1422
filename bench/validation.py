"""When a validate worker pays: checking bodies where they arrive, and with 1 and 2 workers.

Run from the project root: ``python -m bench.validation [--repeat N] [--sizes 64,256,...] [--blocks 4]``.

A body check decodes, hashes and recovers senders.  ``here``: one process, one block after another.  With workers:
candidates are stored, messages sent, and the clock stops when all are validated.  Best of ``--repeat``.
"""

from __future__ import annotations

import argparse
import os
import time

from bench._database import chain_database
from bench._workers import redis_server, workers


def main() -> None:
    """Print ms a block for each size: here, and by workers, alone and several at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--sizes", default="16,64,256,1000,10000")
    parser.add_argument("--blocks", type=int, default=4)
    args = parser.parse_args()
    with chain_database() as conn, redis_server():
        from chain.core.genesis import make_genesis, network_spec
        from chain.core.rules.body_in_isolation import check_body_bounds, check_body_delivery, check_body_in_isolation
        from chain.stores import genesis

        spec = network_spec("devnet")
        genesis.initialise(conn, spec, make_genesis(spec))
        sizes = [min(int(part), spec.stream_a.max_txs) for part in args.sizes.split(",")]
        blocks = {size: make_blocks(spec, size, args.blocks) for size in sizes}
        shown: dict[int, list[str]] = {}
        for size in sizes:
            here = best(args.repeat, lambda size=size: [check_body_in_isolation(b, spec) for b in blocks[size]])
            arrival = best(
                args.repeat,
                lambda size=size: [(check_body_delivery(b), check_body_bounds(b, spec)) for b in blocks[size]],
            )
            each = 1000 / args.blocks
            shown[size] = [f"here {here * each:.1f} ms a block ({arrival * each:.1f} of it before storing)"]
        for count in (1, 2):
            with workers("validate", count):
                for size in sizes:
                    alone = best(args.repeat, lambda size=size: submit(conn, blocks[size][:1]), lambda: clean(conn))
                    many = best(args.repeat, lambda size=size: submit(conn, blocks[size]), lambda: clean(conn))
                    shown[size].append(
                        f"{count} workers: one block {1000 * alone:.1f}, {args.blocks} at once"
                        f" {1000 * many / args.blocks:.1f} a block"
                    )
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; best of {args.repeat}")
        for size, parts in shown.items():
            print(f"{size} transactions: " + "; ".join(parts))


def make_blocks(spec, size: int, count: int):
    """Blocks of signed transfers; headers that only name their bodies."""
    from dataclasses import replace

    from chain.core.codec import tx_root
    from chain.core.genesis import make_genesis
    from chain.core.types import Block
    from tests.factories import wallets

    header, made = make_genesis(spec).header, []
    for block in range(count):
        signed = [
            wallets.transfer(n % 10, block * size + n, wallets.address(n % 10), 1, chain_id=spec.chain_id)
            for n in range(size)
        ]
        root = tx_root([tx.hash for _, tx in signed])
        envelopes = tuple([envelope for envelope, _ in signed])
        made.append(Block(replace(header, stream=1, tx_root=root, extra=bytes([block])), envelopes))
    return made


def submit(conn, blocks) -> None:
    """What the door does with large blocks; returns when workers have validated them all."""
    from chain.core.codec import encode_block, header_hash
    from chain.kick import TaskName, kick
    from chain.stores import candidates

    for block in blocks:
        block_hash = header_hash(block.header)
        candidates.add_candidate(
            conn, block_hash, encode_block(block), senders=None, source="bench", received_ms=time.time_ns() // 10**6
        )
        kick(TaskName.VALIDATE, block_hash.hex())
    deadline = time.monotonic() + 120
    while candidates.count_candidates(conn).get("validated", 0) < len(blocks):
        assert time.monotonic() < deadline, candidates.count_candidates(conn)
        time.sleep(0.001)


def clean(conn) -> None:
    """Forget the candidates and the messages to the writer."""
    from chain.kick import Queue
    from chain.services.redis_client import redis_client

    conn.execute("TRUNCATE chain_candidate")
    redis_client().delete(Queue.VIRTUAL)


def best(repeat: int, run, between=lambda: None) -> float:
    """Seconds of the fastest of several runs, after one that does not count."""
    times = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
        between()
    return min(times[1:])


if __name__ == "__main__":
    main()
