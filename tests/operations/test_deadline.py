"""Work that hangs is waited for once, and never blocks those who ask."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from mondoshawan import health
from mondoshawan.deadline import Lane
from mondoshawan.metrics.collector import NodeCollector, families
from mondoshawan.metrics.sources import Source


@pytest.fixture
def gate() -> Any:
    """Work waits for it; open at the end, so that no thread stays."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_a_result_and_an_error_come_back() -> None:
    lane = Lane("test")
    assert lane.begin("one", lambda: 7, 5)() == 7
    with pytest.raises(ZeroDivisionError):
        lane.begin("two", lambda: 1 / 0, 5)()


def test_who_asks_meanwhile_shares_the_answer(gate: threading.Event) -> None:
    lane, calls = Lane("test"), []

    def work() -> int:
        calls.append(1)
        gate.wait(30)
        return len(calls)

    waits = [lane.begin("same", work, 30) for _ in range(10)]
    gate.set()
    assert [wait() for wait in waits] == [1] * 10
    assert lane.begin("same", work, 30)() == 2


def test_what_hangs_is_overdue_for_everybody_at_once(gate: threading.Event) -> None:
    lane = Lane("test")
    with pytest.raises(TimeoutError):
        lane.begin("stuck", lambda: gate.wait(30), 0.05)()
    # it began long ago: nobody waits again
    with pytest.raises(TimeoutError):
        lane.begin("stuck", lambda: gate.wait(30), 0.05)()
    gate.set()
    while True:
        try:
            assert lane.begin("stuck", lambda: "well", 30)() in (True, "well")
        except TimeoutError:
            time.sleep(0.01)
        else:
            break
    assert lane.begin("stuck", lambda: "well", 30)() == "well"


def test_ready_answers_though_a_server_hangs(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane("test")
    checks = {
        "stuck": (lambda: gate.wait(30), lane),
        "fine": (lambda: {"ok": True, "value": 1, "threshold": 2}, None),
    }
    monkeypatch.setattr(health, "all_checks", lambda: checks)
    monkeypatch.setattr(health, "PATIENCE_S", 0.05)
    passed, results = health.run_checks()
    assert not passed
    assert results["stuck"] == {"status": "failed", "value": None, "threshold": None, "overdue_s": 0.05}
    assert results["fine"]["status"] == "ok"


def shown(collector: NodeCollector) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in collector.collect()
    }


def test_a_source_that_fails_costs_its_own_facts_only(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        yield "blue_score", (), 1
        raise OSError("secret path")

    sources = {
        "broken": Source("broken", broken, None),
        "fine": Source("fine", lambda: iter([("dag_tips", (), 3), ("dag_blocks_total", ("A",), 4)]), Lane("test")),
    }
    found = shown(NodeCollector(sources))
    assert found == {
        "mondoshawan_dag_tips": {(): 3},
        "mondoshawan_dag_blocks": {("A",): 4},
        "mondoshawan_scrape_source_up": {("broken",): 0, ("fine",): 1},
    }
    assert "OSError" in caplog.text
    assert "secret path" not in caplog.text


def test_a_sample_that_is_no_fact_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        families([("no_such_fact", (), 1)])
