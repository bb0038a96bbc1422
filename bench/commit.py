"""How long one commit of the writer takes: an epoch of transfers, a reorganisation, a warm start.

Run from the project root: ``python -m bench.commit [--transfers N] [--epochs N] [--profile]``.
Every account that a transfer touches is one of ``--wallets``, so each epoch changes most of them.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import time

from bench._database import chain_database


def main() -> None:
    """Print medians in ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=5_000)
    parser.add_argument("--wallets", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    with chain_database() as conn:
        from chain.stores import load
        from chain.stores.commit import apply_update
        from chain.stores.state import PostgresState
        from tests.factories import wallets
        from tests.factories.chain import ChainFactory
        from tests.factories.database import StoredChain

        factory = ChainFactory(more_wallets=args.wallets)
        began = time.perf_counter()
        stored = StoredChain(conn, factory, joined=False)
        print(f"genesis of {args.wallets} accounts: {1000 * (time.perf_counter() - began):.0f} ms")
        tip, times, updates = factory.genesis.hash, [], []
        for epoch in range(args.epochs):
            senders = [10 + (epoch * args.transfers // 2 + i) % args.wallets for i in range(args.transfers)]
            body = [
                factory.send(tip, sender, wallets.address(10 + (sender * 7919) % args.wallets), 1 + epoch)
                for sender in senders
            ]
            update = factory.step(tip, body, stream=1)
            updates.append(update)
            tip = update.virtual.sink
            profile = cProfile.Profile() if args.profile and epoch == args.epochs - 1 else None
            began = time.perf_counter()
            if profile:
                profile.enable()
            apply_update(conn, update, stored.term)
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(14)
            times.append(1000 * (time.perf_counter() - began))
        shown = ", ".join(f"{ms:.0f}" for ms in times)
        rate = 1000 * args.transfers / statistics.median(times)
        print(
            f"commit of {args.transfers} transfers: median {statistics.median(times):.0f} ms ({shown}), {rate:.0f} tx/s"
        )

        empty = []
        for _ in range(50):
            update = factory.step(tip)
            tip = update.virtual.sink
            began = time.perf_counter()
            apply_update(conn, update, stored.term)
            empty.append(1000 * (time.perf_counter() - began))
        print(f"commit of an empty epoch: median {statistics.median(empty):.1f} ms")

        state = PostgresState(conn, shard_count=factory.spec.shard_count)
        everyone = [wallets.address(10 + i) for i in range(args.wallets)]
        began = time.perf_counter()
        state.prefetch(everyone, ())
        print(f"prefetch of {len(everyone)} accounts: {1000 * (time.perf_counter() - began):.0f} ms")
        began = time.perf_counter()
        load.load_bodies(conn, [updates[-1].blocks[0].record.hash])
        print(f"body of {args.transfers} transactions, decoded: {1000 * (time.perf_counter() - began):.0f} ms")
        began = time.perf_counter()
        load.load_undo(conn, args.epochs)
        print(f"undo data of an epoch of transfers: {1000 * (time.perf_counter() - began):.0f} ms")
        began = time.perf_counter()
        blocks = load.load_records(conn)
        print(f"records of {len(blocks)} blocks: {1000 * (time.perf_counter() - began):.1f} ms")

        removed = [h for _, h in load.load_selected_chain(conn, args.epochs)][::-1]
        fork = factory.records[removed[-1]].selected_parent
        assert fork is not None
        other = factory.extend(fork, stream=1)
        over = factory.update([factory.blocks[other]], sink=other, removed=removed, added=[other])
        began = time.perf_counter()
        apply_update(conn, over, stored.term)
        print(f"undo of {len(removed)} epochs, one full of transfers: {1000 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main()
