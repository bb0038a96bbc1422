"""What Prometheus scrapes from a running node, judged by Prometheus' own linter."""

from __future__ import annotations

import subprocess

import pytest
import requests

from tests.e2e.node import Node
from tests.tools import require

pytestmark = pytest.mark.e2e


def test_prometheus_accepts_every_metric(mining_node: Node) -> None:
    promtool = require("promtool")
    requests.get(mining_node.web_url + "/", timeout=30)
    answer = requests.get(mining_node.web_url + "/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "django_http_responses_total_by_status" in answer.text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=answer.text, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
