"""``/ready`` of a whole node: green, red while a worker hangs, green again."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
import requests

from tests.e2e.node import Node, running_node, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def checks(node: Node, status: int) -> dict[str, Any] | None:
    answer = requests.get(f"{node.web_url}/ready", timeout=10)
    return answer.json()["checks"] if answer.status_code == status else None


def test_a_worker_that_hangs_is_seen() -> None:
    with running_node(MDS_PROCESSES="-mine") as node:
        green = wait_for(lambda: checks(node, 200), "ready")
        assert set(green["workers"]["value"]) == {"virtual", "validate", "shards", "index", "default"}
        assert {"writer_lag", "chain_identity", "clock"} <= set(green)
        assert node.process is not None
        family = psutil.Process(node.process.pid).children(recursive=True)
        writers = [process for process in family if "virtual@mondoshawan" in " ".join(process.cmdline())]
        for process in writers:
            process.suspend()
        red = wait_for(lambda: checks(node, 503), "not ready")
        assert [name for name, check in red.items() if check["status"] != "ok"] == ["workers"]
        for process in writers:
            process.resume()
        wait_for(lambda: checks(node, 200), "ready again")
        assert node.stop() == 0
