"""Honest miners who hear of each other late, with contracts in their blocks, end in one state and blame nobody."""

from __future__ import annotations

import random

import pytest
import rlp

from chain.core.errors import NotYet, WaitCode
from chain.core.genesis import genesis_lattices
from chain.core.transactions import keccak
from chain.core.types import Block, BlockStatus, StateDiff, Stream
from tests.core.consensus.mini import Mini, dev, name, transfer

SENDERS = range(1, 6)
AUTHORITIES = range(6, 9)
# slot 0 += 1, slot[first word of the input] := TIMESTAMP
COUNTER = bytes.fromhex("600054600101600055426000355500")
# a child with storage by CREATE2, its salt the first word of the input
FACTORY = (
    b"\x6e" + bytes.fromhex("6001600055600060005360016000f3") + bytes.fromhex("600052600035600f60116000f560005500")
)
# writes, then destroys itself in its constructor
DOOMED = bytes.fromhex("600160005533ff")


def deploying(code: bytes) -> bytes:
    """Init code that writes slot 1 and returns ``code``."""
    head = bytes.fromhex("60ff600155")
    size = len(code)
    return head + bytes([0x60, size, 0x80, 0x60, len(head) + 11, 0x60, 0, 0x39, 0x60, 0, 0xF3]) + code


def address(index: int) -> bytes:
    return bytes.fromhex(dev(index).address[2:])


def created_by(index: int, nonce: int) -> bytes:
    return keccak(rlp.encode([address(index), nonce]))[12:]


class Network:
    """Miners with queues of blocks that they have not heard of yet."""

    def __init__(self, seed: int, miners: int = 3) -> None:
        self.rng = random.Random(seed)
        self.nodes = [Mini() for _ in range(miners)]
        self.queues: list[list[Block]] = [[] for _ in self.nodes]
        self.blocks: list[Block] = []
        self.envelopes: list[bytes] = []
        self.nonces = dict.fromkeys(SENDERS, 0)

    def envelope(self) -> bytes:
        """A random transaction: creations, calls of what others may have created, delegations, transfers."""
        rng, spec = self.rng, self.nodes[0].spec
        sender = rng.choice(SENDERS)
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        other = created_by(rng.choice(SENDERS), rng.randint(0, 5))
        kind = rng.choice(["counter", "factory", "doomed", "call", "call", "transfer", "delegate"])
        if kind == "transfer":
            return transfer(spec, sender, nonce, rng.choice([other, address(rng.choice(SENDERS))]), value=3)
        fields = {
            "type": 2, "chainId": spec.chain_id, "nonce": nonce, "maxPriorityFeePerGas": 10**9,
            "maxFeePerGas": 100 * 10**9, "gas": 300_000, "to": b"", "value": 0, "data": b"",
        }  # fmt: skip
        if kind == "call":
            fields |= {"to": other, "data": rng.randint(0, 3).to_bytes(32, "big")}
        elif kind == "delegate":
            authority = rng.choice(AUTHORITIES)
            word = {"chainId": spec.chain_id, "address": other, "nonce": rng.randint(0, 2)}
            signed = dev(authority).sign_authorization(word)
            fields |= {"type": 4, "to": address(authority), "authorizationList": [signed]}
        else:
            fields["data"] = {"counter": deploying(COUNTER), "factory": deploying(FACTORY), "doomed": DOOMED}[kind]
        return bytes(dev(sender).sign_transaction(fields).raw_transaction)

    def hear(self, who: int, share: float) -> None:
        """Deliver a random part of a queue in random order, committing now and then."""
        node, later = self.nodes[who], []
        self.rng.shuffle(self.queues[who])
        for block in self.queues[who]:
            if self.rng.random() >= share:
                later.append(block)
                continue
            try:
                node.deliver(block)
            except NotYet as wait:
                if wait.code != WaitCode.UNKNOWN_PARENTS:
                    raise
                later.append(block)
            if self.rng.random() < 0.4:
                node.settle()
        node.settle()
        self.queues[who] = later

    def mine(self, who: int) -> None:
        """One block on what the miner knows; a C block only where its key is in the lottery."""
        rng, node = self.rng, self.nodes[who]
        self.envelopes += [self.envelope() for _ in range(rng.randint(0, 3))]
        node.clock = max(other.clock for other in self.nodes)
        lottery = node.engine.virtual().lottery
        body = [raw for raw in self.envelopes[-25:] if rng.random() < 0.7]
        fast = lottery is not None and len(lottery.weights) == 1 and body and rng.random() < 0.25
        stream = Stream.C if fast else rng.choice([Stream.A, Stream.B, Stream.B])
        try:
            block = node.make(stream, body, after_ms=rng.randint(20, 700), coinbase=bytes([0xC0 + who]) * 20)
        except NotYet as wait:
            if wait.code not in (WaitCode.NO_TRANSACTIONS, WaitCode.TOO_EARLY):
                raise
            return
        node.take(block)
        self.blocks.append(block)
        for other, queue in enumerate(self.queues):
            if other != who:
                queue.append(block)


@pytest.mark.parametrize("seed", range(8))
def test_honest_miners_agree_and_disqualify_nobody(seed):
    network = Network(seed)
    for _ in range(12):
        for who in range(len(network.nodes)):
            if network.rng.random() < 0.75:
                network.hear(who, 0.5)
            network.mine(who)
    for who in range(len(network.nodes)):
        while waiting := len(network.queues[who]):
            network.hear(who, 1)
            assert len(network.queues[who]) < waiting

    first = network.nodes[0]
    blamed = (BlockStatus.DISQUALIFIED, BlockStatus.INVALID)
    for node in network.nodes:
        assert node.engine.sink.hash == first.engine.sink.hash
        assert node.engine.state.lattices == first.engine.state.lattices
        assert [name(block) for block in network.blocks if node.engine.statuses[name(block)] in blamed] == []
        # what was committed is what the lattices commit to
        stored = node.store.state
        slots = {(owner, slot): value for owner, held in stored.storage.items() for slot, value in held.items()}
        held = StateDiff(dict(stored.accounts), slots, {})
        assert genesis_lattices(node.spec, held) == node.engine.state.lattices
    updates = [update for node in network.nodes for update in node.store.updates]
    assert any(update.removed for update in updates)
    results = [epoch.result for update in updates for epoch in update.added]
    assert any(receipt.contract_address and receipt.status for result in results for receipt in result.receipts)
