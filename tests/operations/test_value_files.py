"""The folder of value files: counts of ended processes stay, their gauges go, and many files become one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chain.metrics import process_identity
from mondoshawan.metrics import files
from tests.tools import children

CHILD = """
import sys
from chain import metrics
metrics.REORGS.inc(2)
metrics.BLOCKS_MINED.labels("A").inc(3)
for seconds in (0.002, 0.002, 4):
    metrics.EPOCH_SECONDS.observe(seconds)
metrics.observe_total(metrics.SHARD_TRANSACTIONS.labels("4"), 21_000, 2)
metrics.WS_CONNECTIONS.set(5)
if len(sys.argv) > 1:
    sys.stdin.read()
"""


def run(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A process that counts; with an argument it lives until its input ends."""
    return children.start(
        [sys.executable, "-c", CHILD, *arguments],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
    )


def samples(folder: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in files.read(folder).collect():
        for sample in family.samples:
            found[sample.name.removeprefix("mondoshawan_"), tuple(sorted(sample.labels.items()))] = sample.value
    return found


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """What three ended processes left."""
    for child in [run(tmp_path) for _ in range(3)]:
        assert child.wait(60) == 0
    return tmp_path


def test_counts_of_ended_processes_stay_and_their_gauges_go(counted: Path) -> None:
    live = run(counted, "stay")
    try:
        while len(list(counted.glob(f"*-{live.pid}.db"))) < 4:
            assert live.poll() is None
        shown = samples(counted)
        # of the living one alone; it may be between its counts
        assert shown["ws_connections", ()] in (0, 5)
        assert shown["reorgs_total", ()] in (6, 8)
    finally:
        assert live.stdin is not None
        live.stdin.close()
        assert live.wait(60) == 0
    shown = samples(counted)
    assert shown["reorgs_total", ()] == 8
    assert ("ws_connections", ()) not in shown


def test_files_are_named_after_host_and_process(counted: Path) -> None:
    host = process_identity().rpartition("-")[0]
    owners = {path.stem.rpartition("_")[2].rpartition("-") for path in counted.glob("*.db")}
    assert len(owners) == 3
    assert {owner[0] for owner in owners} == {host}
    assert all(owner[2].isdigit() for owner in owners)


def test_many_files_become_one_and_say_the_same(counted: Path) -> None:
    before = samples(counted)
    assert before["blocks_mined_total", (("stream", "A"),)] == 9
    assert before["epoch_execution_seconds_bucket", (("le", "0.0025"),)] == 6
    assert before["epoch_execution_seconds_count", ()] == 9
    assert before["shard_transaction_count", (("shard", "4"),)] == 6
    for _ in range(2):
        files.tidy(counted, max_dead=0)
        assert {path.name for path in counted.iterdir()} == {
            f"{kind}_ended.db" for kind in ("counter", "histogram", "summary")
        }
        assert samples(counted) == before
    # what comes later is added to it
    assert run(counted).wait(60) == 0
    files.tidy(counted, max_dead=0)
    after = samples(counted)
    assert len(list(counted.iterdir())) == 3
    assert after["blocks_mined_total", (("stream", "A"),)] == 12
    assert after["epoch_execution_seconds_sum", ()] == pytest.approx(before["epoch_execution_seconds_sum", ()] * 4 / 3)


def test_files_of_other_hosts_are_left_alone(counted: Path) -> None:
    """Whether their processes live cannot be known from here."""
    stranger = counted / "gauge_livesum_elsewhere-1.db"
    next(counted.glob("counter_*.db")).rename(counted / "counter_elsewhere-1.db")
    stranger.write_bytes(b"")
    files.tidy(counted, max_dead=0)
    assert stranger.exists()
    assert (counted / "counter_elsewhere-1.db").exists()
