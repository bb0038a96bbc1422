"""How fast one core searches, checks and draws the three kinds of seal.

Run from the project root: ``python -m bench.seals [--seconds S]``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from hashlib import sha256

from chain.core.seals import Lottery, blake3, check_vrf_seal, kheavyhash, sign_c, vrf
from chain.core.seals.eligibility import vrf_alpha

_IMPOSSIBLE = 1  # a target that no nonce of a bench reaches
_TIMESTAMP = 1_700_000_000_000


def best_rate(seconds: float, items: int, run: Callable[[int], object]) -> float:
    """Items a CPU second of the fastest of several runs (at least three); ``run`` gets the run's number."""
    best = float("inf")
    deadline = time.perf_counter() + seconds
    number = 0
    while number < 3 or time.perf_counter() < deadline:
        start = time.process_time()
        run(number)
        best = min(best, time.process_time() - start)
        number += 1
    return items / best


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each line")
    seconds = parser.parse_args().seconds

    def hash_of(number: int) -> bytes:
        return sha256(number.to_bytes(8, "big")).digest()

    secret = hash_of(0)
    key = vrf.public_key(secret)
    alphas = [vrf_alpha(bytes(32), slot) for slot in range(50)]
    proofs = [vrf.prove(secret, alpha) for alpha in alphas]
    lottery = Lottery.of_window([(bytes(32), key)])
    assert lottery is not None
    seal = sign_c(secret, bytes(32), vrf.prove(secret, vrf_alpha(lottery.seed, 0)))

    def check_c(_: int) -> None:
        for _ in range(50):
            check_vrf_seal(bytes(32), key, seal, slot=0, lottery=lottery, c_num=1, c_den=1)

    def single(number: int) -> None:
        for nonce in range(1000):
            blake3.digest(hash_of(number), nonce)

    def verify(_: int) -> None:
        for alpha, proof in zip(alphas, proofs, strict=True):
            vrf.verify(key, proof, alpha)

    size_a, size_b = 1 << 18, 1 << 15
    lines: list[tuple[str, int, Callable[[int], object]]] = [
        ("A: search, nonces", size_a, lambda n: blake3.search(hash_of(n), _IMPOSSIBLE, 0, size_a)),
        ("A: single digests", 1000, single),
        ("B: search, nonces", size_b, lambda n: kheavyhash.search(hash_of(n), _TIMESTAMP, _IMPOSSIBLE, 0, size_b)),
        (
            "B: headers verified, each with its own matrix",
            1,
            lambda n: kheavyhash.digest(hash_of(n + 10**9), _TIMESTAMP, 0),
        ),
        ("C: proofs made", 50, lambda _: [vrf.prove(secret, alpha) for alpha in alphas]),
        ("C: proofs verified", 50, verify),
        ("C: whole seals checked", 50, check_c),
    ]
    for label, items, run in lines:
        rate = best_rate(seconds, items, run)
        print(f"{label:48} {rate:14,.0f} a second {1e6 / rate:12,.2f} µs each")


if __name__ == "__main__":
    main()
