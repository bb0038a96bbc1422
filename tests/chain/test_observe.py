"""From commits of a real writer to the counters of metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chain import metrics
from chain.core.shards import shard_of
from chain.core.spec import WEI
from chain.core.types import Block, Stream
from chain.pipeline.writer import Writer
from chain.rpc.meter import INVALID, OK, Meter
from chain.services.observe import CommitObserver, OwnCoinbase
from chain.services.writer import dedicated_connection
from tests.chain.test_writer import BOB, SMALL, Bench, bench, grow  # noqa: F401 - a fixture
from tests.core.consensus.mini import Mini, dev, transfer

OURS = b"\xc0" * 20


class Observing:
    """A publisher that only counts."""

    def __init__(self) -> None:
        self._observer = CommitObserver(lambda: OURS)

    def opened(self, engine: Any) -> None:
        pass

    def committed(self, update: Any, engine: Any) -> None:
        self._observer.committed(update, engine.records.get)

    def is_current(self, engine: Any) -> bool:
        return True


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"mondoshawan_{name}", labels) or 0.0


class Gains:
    """Differences since it was made."""

    def __init__(self) -> None:
        self._before = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in REGISTRY.collect()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return value(name, **labels) - self._before.get((f"mondoshawan_{name}", tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def writer(bench: Bench) -> Iterator[Writer]:  # noqa: F811
    made = Writer(bench.spec, dedicated_connection, Observing(), lambda: bench.now, "test")
    bench.writers.append(made)
    return made


def take(bench: Bench, writer: Writer, *blocks: Block) -> None:  # noqa: F811
    for block in blocks:
        assert bench.offer(block)
    writer.drain()


def test_epochs_transactions_and_rewards(bench: Bench, writer: Writer) -> None:  # noqa: F811
    gains, node = Gains(), Mini(bench.spec)
    blocks = grow(node, 6)
    take(bench, writer, *blocks)
    assert gains("epoch_execution_seconds_count") == 6
    assert gains("epoch_gas_used_count") == 6
    assert gains("epoch_gas_used_sum") == gains("shard_transaction_sum", shard=shard_of_sender(node)) == 6 * 21_000
    assert gains("transactions_processed_total", outcome="succeeded") == 6
    assert gains("shard_transaction_count", shard=shard_of_sender(node)) == 6
    phases = {phase: gains("epoch_transactions_sum", phase=phase) for phase in metrics.PHASES}
    assert sum(phases.values()) == 6
    assert phases["transfer"] == gains("cross_shard_transactions_total", phase="transfer")
    assert gains("block_validation_seconds_count", stage="context") == 6
    for stage in ("resolve", "commit", "publish"):
        assert gains("block_validation_seconds_count", stage=stage) == 1
    # `grow` mines A each fifth time; every reward goes to the coinbase that is ours here
    paid = {stream: gains("mining_rewards_mshw_total", stream=stream) for stream in "AB"}
    assert paid["A"] == pytest.approx(bench.spec.stream_a.reward / WEI)
    assert paid["B"] == pytest.approx(5 * bench.spec.stream_b.reward / WEI)
    assert gains("reorgs_total") == 0


def shard_of_sender(node: Mini) -> str:
    """Of the account that `grow` sends from."""
    return str(shard_of(bytes.fromhex(dev(1).address[2:]), node.spec.shard_count))


def test_a_reorganisation(bench: Bench, writer: Writer) -> None:  # noqa: F811
    gains, one, two = Gains(), Mini(bench.spec), Mini(bench.spec)
    short = one.make(Stream.B, [transfer(one.spec, 1, 0, BOB)], coinbase=b"\x01" * 20)
    one.take(short)
    take(bench, writer, short)
    assert gains("transactions_processed_total", outcome="undone") == 0
    long = []
    for _ in range(3):
        block = two.make(Stream.B, coinbase=b"\x02" * 20)
        two.take(block)
        long.append(block)
    take(bench, writer, *long)
    assert gains("reorgs_total") == 1
    assert gains("reorg_depth_blocks_sum") == 1
    assert gains("transactions_processed_total", outcome="undone") == 1
    assert gains("mining_rewards_mshw_total", stream="B") == 0, "nothing of it was ours"


@pytest.mark.parametrize("bench", [SMALL], indirect=True)
def test_a_finality_conflict(bench: Bench, writer: Writer) -> None:  # noqa: F811
    gains, node, stranger = Gains(), Mini(bench.spec), Mini(bench.spec)
    conflict = stranger.make(Stream.B, coinbase=b"\x0f" * 20)
    take(bench, writer, *grow(node, 14))
    assert gains("finality_conflicts_total") == 0
    take(bench, writer, conflict)
    assert gains("finality_conflicts_total") == 1


def test_the_coinbase_is_asked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import ConnectionError as Away

    from chain.services import observe

    asked, now = [], [0.0]

    class Settings:
        coinbase = OURS

    def read(redis: Any) -> Settings:
        asked.append(1)
        if len(asked) == 2:
            raise Away
        return Settings()

    monkeypatch.setattr(observe, "mining_settings", read)
    monkeypatch.setattr(observe, "redis_client", lambda: None)
    own = OwnCoinbase(lambda: now[0])
    assert [own(), own()] == [OURS, OURS]
    assert len(asked) == 1
    now[0] = 6
    assert own() == OURS, "Redis is away: the last one that was read"
    assert len(asked) == 2


# ---- calls ----


def test_calls_are_summed_and_handed_on() -> None:
    asyncio.run(check_meter(Gains(), Meter({"eth_call", "eth_chainId"})))


async def check_meter(gains: Gains, meter: Meter) -> None:
    for seconds in (0.0002, 0.0002, 0.3):
        meter.note("eth_call", OK, seconds)
    meter.note("eth_call", -32602, 0.001)
    for name in ("nonsense", "eth_" + "x" * 5000, "other"):
        meter.note(name, -32601, 0.0)
    meter.note(INVALID, -32700, 0.0)
    assert gains("rpc_requests_total", method="eth_call", code="ok") == 0
    meter.flush()
    assert gains("rpc_requests_total", method="eth_call", code="ok") == 3
    assert gains("rpc_requests_total", method="eth_call", code="-32602") == 1
    assert gains("rpc_requests_total", method="other", code="-32601") == 3
    assert gains("rpc_requests_total", method="invalid", code="-32700") == 1
    assert gains("rpc_request_seconds_count", method="eth_call") == 4
    assert gains("rpc_request_seconds_sum", method="eth_call") == pytest.approx(0.3014)
    assert gains("rpc_request_seconds_bucket", method="eth_call", le="0.00025") == 2
    assert gains("rpc_request_seconds_bucket", method="eth_call", le="0.25") == 3
    meter.flush()
    assert gains("rpc_requests_total", method="eth_call", code="ok") == 3


def test_what_strangers_send_is_no_label() -> None:
    gains = Gains()
    metrics.block_received("rpc:203.0.113.7", 10)
    metrics.block_received("<script>", 10)
    metrics.block_rejected("no such code")
    assert gains("blocks_received_total", source="rpc") == 1
    assert gains("blocks_received_total", source="other") == 1
    assert gains("blocks_rejected_total", code="other") == 1
