"""How many state changes a second the lattice hash commits to on one core.

Run from the project root: ``python -m bench.lthash [--elements N]``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from chain.core import lthash
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff

_SHARDS = 10


def best_rate(count: int, repeats: int, run: Callable[[], object]) -> float:
    """Items a second of the fastest of several runs: the one that was disturbed least."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return count / best


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    count, repeats = args.elements, args.repeats

    addresses = [i.to_bytes(20, "big") for i in range(count)]
    accounts = [Account(i, 10**18 + i, EMPTY_CODE_HASH) for i in range(count)]
    elements = [lthash.account_element(address, account) for address, account in zip(addresses, accounts)]
    half = count // 2

    def encode() -> None:
        for address, account in zip(addresses, accounts):
            lthash.account_element(address, account)

    def batch() -> bytes:
        return lthash.update(lthash.EMPTY_LATTICE, elements[:half], elements[half:])

    def one_by_one() -> None:
        lattice = lthash.EMPTY_LATTICE
        for element in elements[:2_000]:
            lattice = lthash.update(lattice, added=(element,))

    before = StateDiff(dict(zip(addresses[:half], accounts)), {}, {})
    after = StateDiff(dict(zip(addresses[:half], accounts[1:])), {}, {})
    lattices = (lthash.EMPTY_LATTICE,) * _SHARDS

    print(f"account_element            {best_rate(count, repeats, encode):>12,.0f} elements/s")
    print(f"update, batch              {best_rate(count, repeats, batch):>12,.0f} elements/s")
    print(f"update, one by one         {best_rate(2_000, repeats, one_by_one):>12,.0f} elements/s")
    rate = best_rate(half, repeats, lambda: lthash.update_lattices(lattices, before, after, _SHARDS))
    print(f"update_lattices, {_SHARDS} shards {rate:>12,.0f} changed accounts/s (two elements each)")
    print(f"state_root, {_SHARDS} shards      {best_rate(1_000, repeats, lambda: roots(lattices)):>12,.0f} roots/s")


def roots(lattices: tuple[bytes, ...]) -> None:
    """A thousand state roots."""
    for minted in range(1_000):
        lthash.state_root(minted, lattices)


if __name__ == "__main__":
    main()
