"""Lines that a block or a transaction causes name it, however deep they are written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog
import structlog.testing

from chain.core.codec import encode_block, header_hash
from chain.core.errors import PoolCode, PoolRejection, RuleViolation, StoreError
from chain.core.types import Stream
from chain.pipeline.writer import Round, Writer
from chain.services import submit_block, submit_transaction, validation
from chain.services.deferred import Deferred
from chain.services.mining import run
from chain.services.network import current_spec
from chain.tasks import mine
from tests.core.consensus.mini import Mini, easy_spec
from tests.factories import wallets


def seen() -> dict[str, Any]:
    return dict(structlog.contextvars.get_contextvars())


def test_a_transaction_that_a_failure_keeps_out_is_named() -> None:
    raw, tx = wallets.transfer(0, 0, b"\x01" * 20, 1, chain_id=current_spec().chain_id)

    class Pool:
        def offer(self, tx: Any, raw: bytes) -> Deferred[Any]:
            answer: Deferred[Any] = Deferred()
            answer.fail(self.error)
            return answer

    async def submit(error: Exception) -> None:
        pool = Pool()
        pool.error = error
        with pytest.raises(type(error)):
            await submit_transaction.submit_transaction(raw, current_spec(), pool)

    with structlog.testing.capture_logs() as lines:
        asyncio.run(submit(StoreError("pool_state_behind", "behind")))
    assert [line["tx"] for line in lines] == [tx.hash.hex()]
    with structlog.testing.capture_logs() as lines:
        asyncio.run(submit(PoolRejection(PoolCode.POOL_FULL)))
    assert lines == []


def test_a_block_is_named_while_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Mini(easy_spec())
    block = node.make(Stream.B, [], coinbase=b"\xc0" * 20)
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(submit_block, "current_spec", lambda: node.spec)
    monkeypatch.setattr(submit_block, "check_header", lambda *_: found.append(seen()))
    monkeypatch.setattr(submit_block, "raw_connection", lambda: None)
    monkeypatch.setattr(submit_block.candidates, "add_candidate", lambda *_, **__: False)
    assert submit_block.submit_block(encode_block(block), "rpc").status == "known"
    assert found == [{"source": "rpc", "block": header_hash(block.header).hex()}]
    with pytest.raises(RuleViolation):
        submit_block.submit_block(b"\xc0", "rpc")
    assert seen() == {}


def test_a_block_is_named_while_it_is_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(validation, "raw_connection", lambda: None)
    monkeypatch.setattr(validation.candidates, "unvalidated", lambda *_: found.append(seen()))
    assert validation.validate_candidate(b"\x07" * 32) is False
    assert found == [{"block": "07" * 32}]
    assert seen() == {}


def test_a_block_is_named_while_the_writer_judges_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, Any]] = []

    class Candidate:
        hash, source = b"\x08" * 32, "rpc"

    writer = Writer(current_spec(), lambda: None, None, lambda: 0, "test")  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(writer, "_connection", object())
    monkeypatch.setattr(writer, "_engine", object())
    monkeypatch.setattr("chain.pipeline.writer.candidates.fetch_work", lambda *_: [Candidate()])
    monkeypatch.setattr(writer, "_admit", lambda candidate, done: found.append(seen()))
    assert isinstance(writer._round(), Round)
    assert found == [{"block": "08" * 32, "source": "rpc"}]
    assert seen() == {}


def test_a_slice_names_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(run, "mine_slice", lambda *_: found.append(seen()))
    assert mine._slice(Stream.B, None) == []
    assert found == [{"stream": "B"}]
