"""A compiled ERC-20 through whole epochs, and transfers through the native path beside py-evm.

    PYTHONPATH=. python bench/contracts.py [--epochs 5] [--calls 1000] [--profile]

The token is tests/e2e/token.vy, compiled by vyper; its owner gives tokens to 1 000 senders, who then send them on.
The share that is py-evm's own (computation and opcodes) is read off a profile of one more epoch.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import subprocess
import sys
import time
from pathlib import Path

from bench.execution import GWEI, PARAMS, SHARDS, address_of, environment, transaction
from chain.core.execution.epoch import execute_epoch
from chain.core.execution.memory_state import MemoryState
from chain.core.lthash import EMPTY_LATTICE, update_lattices
from chain.core.transactions import keccak
from chain.core.types import EpochBlock, EpochResult, StateDiff, Transaction

ROOT = Path(__file__).resolve().parents[1]
TRANSFER = keccak(b"transfer(address,uint256)")[:4]
GAS = 100_000


def compiled_token() -> bytes:
    """Creation code of the token, in a process of its own: vyper changes Python's decimals."""
    command = [sys.executable, "-m", "vyper", "-f", "bytecode", str(ROOT / "tests/e2e/token.vy")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return bytes.fromhex(answer.stdout.strip()[2:])


class Chain:
    """Epochs of one block each over a state in memory."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.lattices: tuple[bytes, ...] = (EMPTY_LATTICE,) * SHARDS
        self.number = 0

    def begin(self) -> None:
        """Take the present state's lattices."""
        nothing = StateDiff({}, {}, {})
        self.lattices = update_lattices((EMPTY_LATTICE,) * SHARDS, nothing, self.state.as_diff(), SHARDS)

    def block(self, txs: list[Transaction]) -> EpochBlock:
        """The block of the next epoch."""
        self.number += 1
        return EpochBlock(self.number.to_bytes(32, "big"), 2, b"\xcc" * 20, True, True, 25 * 10**18, tuple(txs))

    def run(self, txs: list[Transaction]) -> tuple[EpochResult, float]:
        """Execute one epoch; its result and CPU seconds."""
        block = self.block(txs)
        began = time.process_time()
        result = execute_epoch(environment(self.number), [block], self.state, self.lattices, PARAMS, lambda _: None)
        took = time.process_time() - began
        assert len(result.receipts) == len(txs), result.skipped[:3]
        assert all(receipt.status == 1 for receipt in result.receipts)
        self.state.apply(result.diff)
        self.lattices = result.lattices
        return result, took


def move(sender: bytes, nonce: int, token: bytes, to: bytes, amount: int) -> Transaction:
    """A token transfer."""
    data = TRANSFER + to.rjust(32, b"\x00") + amount.to_bytes(32, "big")
    return transaction(sender, nonce, token, 0, data, GAS)


def erc20(epochs: int, calls: int, profile: bool) -> None:
    """Token transfers a second."""
    chain = Chain()
    owner, senders = address_of("owner"), [address_of(f"holder {at}") for at in range(1_000)]
    for account in (owner, *senders):
        chain.state.put(account, 10**24)
    chain.begin()
    creation = compiled_token() + (10**30).to_bytes(32, "big")
    deploy = transaction(owner, 0, None, 0, creation, 5_000_000)  # type: ignore[arg-type]
    (receipt,) = chain.run([deploy])[0].receipts
    token = receipt.contract_address
    assert token is not None
    chain.run([move(owner, 1 + at, token, sender, 10**20) for at, sender in enumerate(senders)])
    nonces = dict.fromkeys(senders, 0)

    def epoch() -> list[Transaction]:
        txs = []
        for at in range(calls):
            sender = senders[at % len(senders)]
            txs.append(move(sender, nonces[sender], token, address_of(f"friend {chain.number} {at}"), 1))
            nonces[sender] += 1
        return txs

    runs = [chain.run(epoch()) for _ in range(epochs)]
    times = sorted(took for _, took in runs)
    middle = times[len(times) // 2]
    print(
        f"ERC-20 (vyper): {calls / middle:,.0f} transfers/s in the median, {calls / times[0]:,.0f} best,"
        f" {runs[-1][0].gas_used / middle / 1e6:.1f} Mgas/s, {calls} an epoch, one process"
    )
    profiler = cProfile.Profile()
    profiler.enable()
    chain.run(epoch())
    profiler.disable()
    stats = pstats.Stats(profiler)
    rows = stats.stats.items()  # type: ignore[attr-defined]
    total = sum(row[2] for _, row in rows)
    inside = sum(row[2] for (file, _, _), row in rows if "/eth/" in file or "/eth_utils/" in file)
    ours = sum(row[2] for (file, _, _), row in rows if "/chain/core/execution/evm/" in file)
    print(f"  of a profiled epoch: py-evm itself {inside / total:.0%}, our code in place of it {ours / total:.0%}")
    if profile:
        stats.sort_stats("tottime").print_stats(25)


def native_beside_py_evm(epochs: int, count: int) -> None:
    """Transfers through whole epochs, and through py-evm's own Prague state and trie; senders known to both."""
    chain = Chain()
    senders = [address_of(f"sender {at}") for at in range(1_000)]
    for sender in senders:
        chain.state.put(sender, 10**24)
    chain.begin()
    native = []
    for number in range(epochs):
        txs = [
            transaction(senders[at % 1_000], number * (count // 1_000) + at // 1_000, address_of(f"r {number} {at}"), 1)
            for at in range(count)
        ]
        native.append(chain.run(txs)[1])
    theirs = [py_evm_transfers(count // 5) for _ in range(epochs)]
    fast, slow = count / sorted(native)[epochs // 2], sorted(theirs)[epochs // 2]
    print(f"transfers: native {fast:,.0f}/s, py-evm's own state {slow:,.0f}/s, ratio {fast / slow:.0f}")


def py_evm_transfers(count: int) -> float:
    """Transfers a CPU second of unmodified py-evm, without consensus, lattices or receipts' roots."""
    from eth.constants import BLANK_ROOT_HASH
    from eth.db.atomic import AtomicDB
    from eth.vm.execution_context import ExecutionContext
    from eth.vm.forks.prague.state import PragueState
    from eth.vm.forks.prague.transactions import PragueTransactionBuilder
    from eth_keys import keys

    context = ExecutionContext(b"\xcc" * 20, 1_000, 1, 0, bytes(32), 10**12, (), 1, GWEI, 0)
    state = PragueState(AtomicDB(), context, BLANK_ROOT_HASH)
    signers = [keys.PrivateKey((at + 1).to_bytes(32, "big")) for at in range(200)]
    for signer in signers:
        state.set_balance(signer.public_key.to_canonical_address(), 10**24)
    signed = []
    for at in range(count):
        unsigned = PragueTransactionBuilder.create_unsigned_transaction(
            nonce=at // 200, gas_price=3 * GWEI, gas=21_000, to=address_of(f"p {at}"), value=1, data=b""
        )
        signed.append(unsigned.as_signed_transaction(signers[at % 200], chain_id=1))
        assert signed[-1].sender
    began = time.process_time()
    for one in signed:
        state.apply_transaction(one)
    state.persist()
    return count / (time.process_time() - began)


def main() -> None:
    """Read the arguments and run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    native_beside_py_evm(args.epochs, 5_000)
    erc20(args.epochs, args.calls, args.profile)


if __name__ == "__main__":
    main()
