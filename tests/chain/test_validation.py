"""Bodies validated where they arrive and by a worker: the same candidates, the same refusals, the same chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chain.core.codec import decode_block, encode_block, header_hash, tx_root
from chain.core.errors import RuleViolation
from chain.core.transactions import keccak
from chain.core.types import Block, Stream
from chain.kick import TaskName
from chain.services.submit_block import submit_block
from chain.services.validation import validate_candidate
from chain.stores import candidates, genesis, load
from chain.stores.connection import raw_connection
from tests.chain import test_writer
from tests.chain.test_writer import BOB, Bench, grow, truncate
from tests.core.consensus.mini import START, Mini, dev, transfer

bench = test_writer.bench
SEED = b"\x01" * 32


@pytest.fixture
def kicks(bench, monkeypatch, settings) -> list[tuple[object, ...]]:
    """The bench's network for the services, and what they kicked; nothing runs by itself."""
    sent: list[tuple[object, ...]] = []
    for module in ("submit_block", "validation"):
        monkeypatch.setattr(f"chain.services.{module}.current_spec", lambda: bench.spec)
        monkeypatch.setattr(f"chain.services.{module}.kick", lambda *message: sent.append(message))
    monkeypatch.setattr("chain.services.submit_block.now_ms", lambda: START)
    return sent


def submit(block: Block, inline: bool, settings, kicks) -> None:
    """Through the door; where a worker is asked, do what it would do, twice as a repeated message would."""
    settings.MDS_VALIDATE_INLINE_TXS = 10_000 if inline else -1
    kicks.clear()
    result = submit_block(encode_block(block), "rpc")
    assert result.hash == header_hash(block.header)
    if inline:
        assert all(name is TaskName.VIRTUAL for name, *_ in kicks)
        return
    assert result.status == "validating"
    assert kicks == [(TaskName.VALIDATE, result.hash.hex())]
    assert result.hash not in [work.hash for work in candidates.fetch_work(raw_connection(), START + 10**9)]
    assert validate_candidate(result.hash)
    assert not validate_candidate(result.hash)
    assert kicks[1:] == [(TaskName.VIRTUAL,)]


def rows(bench: Bench) -> list[tuple[object, ...]]:
    return bench.connection.execute(
        "SELECT hash, state, code, raw, senders, missing, until_ms, source, received_ms, size FROM chain_candidate"
    ).fetchall()


def with_body(node: Mini, envelopes: Sequence[bytes]) -> Block:
    """A block whose work and root are good, whatever it carries."""
    block = node.make(Stream.B)
    header = replace(block.header, tx_root=tx_root([keccak(envelope) for envelope in envelopes]), seal=())
    return Block(replace(header, seal=node.seal(header, SEED, None)), tuple(envelopes))


def call(node: Mini, nonce: int, gas: int, **fields: object) -> bytes:
    """A signed call with data."""
    transaction = {
        "type": 2, "chainId": node.spec.chain_id, "nonce": nonce, "maxPriorityFeePerGas": 1,
        "maxFeePerGas": 10**10, "gas": gas, "to": BOB, "value": 0, "data": b"\x01", **fields,
    }  # fmt: skip
    return bytes(dev(2).sign_transaction(transaction).raw_transaction)


BODIES: dict[str, tuple[Callable[[Mini], list[bytes]], str | None]] = {
    "one transfer": (lambda node: [transfer(node.spec, 1, 0, BOB)], None),
    "many": (lambda node: [transfer(node.spec, 1 + n % 3, n // 3, BOB) for n in range(30)], None),
    "calls": (lambda node: [call(node, n, 100_000) for n in range(3)], None),
    "junk": (lambda node: [transfer(node.spec, 1, 0, BOB), b"\x02\xc0"], "field_count"),
    "another chain": (lambda node: [call(node, 0, 100_000, chainId=1)], "tx_chain_id"),
    "too little gas": (lambda node: [call(node, 0, 21_001)], "tx_intrinsic_gas"),
    "more call gas than the stream's": (lambda node: [call(node, n, 6_000_000) for n in range(2)], "body_call_gas"),
}


@pytest.mark.parametrize("body", BODIES)
def test_both_ways_judge_a_body_alike(bench, kicks, settings, body):
    envelopes, code = BODIES[body]
    node = Mini(bench.spec)
    block = with_body(node, envelopes(node))
    submit(block, False, settings, kicks)
    by_worker = rows(bench)
    bench.connection.execute("DELETE FROM chain_candidate")
    if code is None:
        submit(block, True, settings, kicks)
        assert rows(bench) == by_worker
        ((_, state, _, raw, senders, *_),) = by_worker
        assert state == "validated"
        assert raw == encode_block(block)
        assert senders == b"".join([tx.sender for tx in node.deliverable(decode_block(raw))])
    else:
        with pytest.raises(RuleViolation) as refused:
            submit(block, True, settings, kicks)
        assert rows(bench) == []
        ((_, state, by_worker_code, raw, senders, *_),) = by_worker
        assert (state, by_worker_code, raw, senders) == ("refused", refused.value.code, None, None)
        assert refused.value.code == code


def test_both_ways_wait_for_the_time_of_an_early_block(bench, kicks, settings):
    node = Mini(bench.spec)
    block = node.make(Stream.B, [transfer(node.spec, 1, 0, BOB)], after_ms=60_000)
    submit(block, False, settings, kicks)
    by_worker = rows(bench)
    bench.connection.execute("DELETE FROM chain_candidate")
    submit(block, True, settings, kicks)
    assert rows(bench) == by_worker
    assert by_worker[0][1] == "parked"
    assert by_worker[0][6] == block.header.timestamp_ms - bench.spec.future_drift_ms


def test_both_ways_lead_to_the_same_chain(bench, kicks, settings, monkeypatch):
    monkeypatch.setattr("chain.services.submit_block.now_ms", lambda: START + 10**6)
    bench.now = START + 10**6
    node = Mini(bench.spec)
    blocks = grow(node, 12)
    seen = []
    for inline in (False, True):
        writer, recorder = bench.writer()
        for block in blocks:
            submit(block, inline, settings, kicks)
        assert writer.drain() == len(blocks)
        (update,) = recorder.updates
        seen.append((writer.engine.records, update, load.load_lattices(bench.connection)))
        writer.close()
        if not inline:
            truncate(bench.connection)
            genesis.initialise(bench.connection, bench.spec, Mini(bench.spec).genesis)
    assert seen[0] == seen[1]
    assert seen[0][0].keys() == node.engine.records.keys()
    assert seen[0][1].virtual.sink == node.engine.sink.hash
    assert seen[0][2] == node.engine.state.lattices
