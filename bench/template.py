"""What a template costs: full bodies of each stream, and the virtual block's way through bytes.

Run: ``python -m bench.template``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from chain.core.consensus.model import VirtualSnapshot
from chain.core.genesis import network_spec
from chain.core.seals.eligibility import Lottery
from chain.core.template import build_template
from chain.core.transactions import keccak
from chain.core.types import Stream
from chain.stores.virtual import pack_virtual, unpack_virtual

NOW = 1_800_000_000_050
KEY = bytes([1]) * 32
TRANSFER_BYTES = 112


class Pooled(NamedTuple):
    """A simple transfer as the pool hands it over."""

    raw: bytes
    hash: bytes
    sender: bytes
    gas_limit: int = 21_000
    is_simple: bool = True


def snapshot(in_flight: int) -> VirtualSnapshot:
    """A virtual block in the middle of devnet's life that merges this many transactions."""
    return VirtualSnapshot(
        sequence=1, sink=bytes(32), parents=(bytes(32),), stream_counts=(1, 2, 3), blue_score=7, blue_work=2**60,
        number=6, latest_parent_timestamp=NOW - 500, latest_parent_slot=(NOW - 500) // 100,
        sink_timestamp_ms=NOW - 500, version=1, target_a=0x1E1EFC80, target_b=0x1F04FC30, state_root=bytes(32),
        receipts_root=bytes(32), gas_used=0, base_fee=10**9, gas_left=0, tx_left=0,
        lottery=Lottery(bytes(32), {KEY: 600}, 600),
        in_flight=tuple(keccak(n.to_bytes(4, "big")) for n in range(in_flight)), mergeset_blue=1, mergeset_red=0,
    )  # fmt: skip


def best(work: Callable[[], object], rounds: int = 7) -> float:
    """The least of several times, in ms."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """Print one line for each question."""
    spec = network_spec("devnet")
    raws = [n.to_bytes(4, "big") + bytes(TRANSFER_BYTES - 4) for n in range(10_000)]
    pool = [Pooled(raw, keccak(raw), raw[:20]) for raw in raws]
    for stream in (Stream.A, Stream.B, Stream.C):
        for count in (0, 1, 100, spec.stream(stream).max_txs):
            if stream == Stream.C and count == 0:
                continue
            chosen, virtual = pool[:count], snapshot(0)
            took = best(lambda: build_template(spec, virtual, stream, bytes(20), KEY, NOW, chosen))  # noqa: B023
            print(f"template {stream.name} {count:6d} transactions {took:8.3f} ms")
    for count in (0, 1_000, 10_000):
        virtual = snapshot(count)
        data = pack_virtual(virtual)
        print(
            f"virtual {count:6d} in flight: {len(data):7d} bytes, pack {best(lambda: pack_virtual(virtual)):.3f} ms, "  # noqa: B023
            f"unpack {best(lambda: unpack_virtual(data)):.3f} ms"  # noqa: B023
        )


if __name__ == "__main__":
    main()
