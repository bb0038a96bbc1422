"""verify_chain on what a whole network makes: partitions, contracts, fast blocks, blocks with false commitments.

The writer took the blocks in batches of one size, the verification takes them in others: both must end in
the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chain.core.codec import encode_block, header_hash
from chain.core.errors import NotYet
from chain.core.spec import AllocAccount
from chain.core.types import BlockStatus, Stream
from chain.services.rebuild import rebuild_by_execution
from chain.services.verify import verify_chain
from chain.services.writer import dedicated_connection
from chain.stores import candidates
from tests.chain import test_writer
from tests.chain.test_writer import Bench
from tests.core.consensus.mini import dev, transfer
from tests.core.execution import asm
from tests.factories.database import dump, fetch
from tests.simulation.engines import EngineNetwork, EngineNode
from tests.simulation.execution import call
from tests.simulation.miners import HashRate
from tests.simulation.rules import simulated_spec

# counts its calls in slot 0, keeps the last caller under the count, logs the count
COUNTER = b"\xcc" * 20
COUNTING = asm.asm(
    asm.push(0), asm.SLOAD, asm.push(1), asm.ADD, asm.DUP1, asm.push(0), asm.SSTORE,
    asm.CALLER, asm.DUP2, asm.SSTORE, asm.push(0), asm.push(0), asm.LOG1,
)  # fmt: skip
SPEC = replace(
    simulated_spec(merge_depth=30, finality_depth=60, vrf_window=20, vrf_lag=2, vrf_era=2),
    alloc=(*simulated_spec().alloc, AllocAccount(COUNTER, 0, 1, COUNTING)),
)
DEPLOY = asm.deployer(asm.asm(asm.push(7), asm.push(1), asm.SSTORE))

bench = test_writer.bench


class Traffic:
    """Both sides send with accounts of their own and, parted, spend the nonces of one account twice."""

    def __init__(self, network: EngineNetwork) -> None:
        self.network = network
        self.nonces: dict[str, int] = {}

    def __call__(self, node: EngineNode) -> Sequence[bytes]:
        side = node.name == "right"
        spec, own, shared = SPEC, 1 + side, f"shared {node.name if self.network.parted else ''}"
        body = [transfer(spec, own, self.next(f"own {own}"), bytes([0x40 + side]) * 20)]
        body.append(call(spec, 3 + side, self.next(f"call {side}"), COUNTER, 120_000))
        if self.network.parted:
            body.append(transfer(spec, 5, self.next(shared), bytes([0x50 + side]) * 20))
        if self.nonces[f"own {own}"] % 4 == 0:
            body.append(deploy(6 + side, self.next(f"deploy {side}")))
        return body

    def next(self, key: str) -> int:
        self.nonces[key] = self.nonces.get(key, 0) + 1
        return self.nonces[key] - 1


def deploy(index: int, nonce: int) -> bytes:
    fields = {
        "type": 2, "chainId": SPEC.chain_id, "nonce": nonce, "maxPriorityFeePerGas": 10**9,
        "maxFeePerGas": 10**11, "gas": 200_000, "value": 0, "data": DEPLOY,
    }  # fmt: skip
    return bytes(dev(index).sign_transaction(fields).raw_transaction)


def lie(network: EngineNetwork, node: EngineNode) -> bytes:
    """A block whose state root is false: taken into the DAG, never onto the chain."""
    block = node.make(Stream.B, after_ms=0, coinbase=node.coinbase, seed=node.secret, state_root=b"\x01" * 32)
    network.publish(node, block)
    return header_hash(block.header)


def fast(network: EngineNetwork, node: EngineNode, traffic: Traffic) -> int:
    """Try some slots; how many C blocks were made."""
    made = 0
    for _ in range(8):
        network.run_s(0.1)
        snapshot = node.engine.virtual()
        if node.wins(snapshot):
            try:
                network.publish(node, node.draft(Stream.C, traffic(node), snapshot=snapshot))
                made += 1
            except NotYet:
                continue
    return made


@pytest.mark.parametrize("bench", [SPEC], indirect=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_network_with_everything(bench: Bench, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = EngineNetwork(SPEC, seed, ["left", "right"], HashRate(1, 1))
    traffic = Traffic(network)
    left, right = network.nodes
    network.run_s(12)
    network.bodies = traffic
    lies, drawn = [], 0
    for round_number in range(3):
        network.parted = True
        network.run_s(6 + round_number)
        drawn += fast(network, left, traffic) + fast(network, right, traffic)
        network.heal()
        network.run_s(3)
        lies.append(lie(network, right))
        network.run_s(15)
        drawn += fast(network, left, traffic)
    assert drawn > 2
    assert any(update.removed for update in left.updates)

    writer, _ = bench.writer()
    for place, (name, block) in enumerate(left.blocks.items()):
        senders = b"".join([tx.sender for tx in left.deliverable(block)])
        candidates.add_candidate(
            bench.connection, name, encode_block(block), senders=senders, source="test", received_ms=place
        )
        if place % 7 == 6 or place % 11 == 10:
            writer.drain()
    writer.drain()
    assert writer.engine.sink.hash == left.engine.sink.hash
    assert any(writer.engine.statuses.get(name) is BlockStatus.DISQUALIFIED for name in lies)
    writer.close()
    for table in ("chain_log", "chain_slot_version", "chain_skipped"):
        assert fetch(bench.connection, f"SELECT count(*) FROM {table}")[0][0] > 0, table

    for batch in (256, 13):
        monkeypatch.setattr("chain.services.verify.chain.BATCH_BLOCKS", batch)
        connection = dedicated_connection()
        found = verify_chain(connection, SPEC, left.genesis, seals=False)
        connection.close()
        assert [str(error) for error in found.differences] == []
        assert found.sink == left.engine.sink.hash

    told = ("chain_node_state", "chain_writer_term", "chain_block", "chain_undone_log")
    before = dump(bench.connection, told)
    # the nonces were drawn
    monkeypatch.setattr("chain.services.verify.stored.check_work_seal", lambda *seal: None)
    connection = dedicated_connection()
    rebuild_by_execution(connection, SPEC, left.genesis)
    connection.close()
    assert dump(bench.connection, told) == before
