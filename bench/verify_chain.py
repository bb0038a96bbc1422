"""How fast a chain is verified, exported and executed again: blocks and transactions a second.

Run: ``python -m bench.verify_chain [blocks] [transfers a block]``
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chain.core.consensus.engine import Engine
from chain.core.consensus.model import ChainUpdate
from chain.core.types import Stream
from tests.core.consensus.mini import Mini, easy_spec, transfer

T = TypeVar("T")
TO = b"\xb0" * 20


class Silent:
    """A publisher that tells nobody."""

    def opened(self, engine: Engine) -> None:
        """See ``Publisher``."""

    def committed(self, update: ChainUpdate, engine: Engine) -> None:
        """See ``Publisher``."""

    def is_current(self, engine: Engine) -> bool:
        """See ``Publisher``."""
        return True


def timed(what: str, blocks: int, transactions: int, work: Callable[[], T]) -> T:
    """Do it and print its rates."""
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    rates = f"{blocks / took:7.0f} blocks/s  {transactions / took:7.0f} transactions/s"
    print(f"{what:30} {took:7.2f} s  {rates}  (CPU of this process {cpu:.2f} s)")
    return done


def main(blocks: int = 2_000, transfers: int = 5) -> None:
    """Grow a chain of work blocks in memory, store it, then read it in every way."""
    from bench._database import chain_database

    spec = easy_spec()
    with chain_database():
        from chain.core.codec import encode_block, header_hash
        from chain.pipeline.writer import Writer
        from chain.services.export_blocks import export_blocks
        from chain.services.rebuild import rebuild_by_execution, rebuild_from_versions
        from chain.services.verify import verify_chain
        from chain.services.writer import dedicated_connection
        from chain.stores import candidates, genesis

        node = Mini(spec)
        conn = dedicated_connection()
        genesis.initialise(conn, spec, node.genesis)
        writer = Writer(spec, dedicated_connection, Silent(), lambda: 2**50, "bench")
        nonce = 0
        for step in range(blocks):
            body = [transfer(spec, 1, nonce + more, TO) for more in range(transfers)]
            nonce += transfers
            block = node.make(Stream.A if step % 10 == 9 else Stream.B, body, after_ms=1_000)
            senders = b"".join([tx.sender for tx in node.deliverable(block)])
            node.take(block)
            candidates.add_candidate(
                conn, header_hash(block.header), encode_block(block), senders=senders, source="bench", received_ms=0
            )
            if step % 200 == 199:
                writer.drain()
        writer.drain()
        writer.close()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "blocks"
            timed("export_blocks", blocks, nonce, lambda: export_blocks(conn, file))
            print(f"{'':30} {file.stat().st_size / blocks:.0f} bytes a block")
        for seals in (True, False):
            what = "verify_chain" if seals else "verify_chain --skip-seals"
            conn = dedicated_connection()
            found = timed(what, blocks, nonce, lambda seals=seals, conn=conn: verify_chain(  # type: ignore[misc]
                conn, spec, node.genesis, seals=seals))  # fmt: skip
            assert found.differences == (), found.differences
        conn = dedicated_connection()
        timed("rebuild_state", blocks, nonce, lambda: rebuild_from_versions(conn, spec))
        timed("rebuild_state --re-execute", blocks, nonce, lambda: rebuild_by_execution(conn, spec, node.genesis))
        conn.close()


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:]])
