"""A real Prometheus with the project's configuration and rules, on ports and in a folder of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import yaml

from tests.e2e.node import PATIENCE_S, ROOT, Node, wait_for
from tests.tools import children, require
from tests.tools.ports import free_port

HERE = ROOT / "docker" / "prometheus"
# a scrape may take as long, on a machine that does other things too
EVERY_S = 4


class Prometheus:
    """Its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=PATIENCE_S).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that a query gives now."""
        return [(one["metric"], float(one["value"][1])) for one in self.get("query", query=expr)["result"]]


@contextmanager
def running_prometheus(node: Node) -> Iterator[Prometheus]:
    """Scrape ``node`` every few seconds, with everything else as in ``docker/prometheus``."""
    config = yaml.safe_load((HERE / "prometheus.yml").read_text())
    config["global"].update(
        scrape_interval=f"{EVERY_S}s", scrape_timeout=f"{EVERY_S}s", evaluation_interval=f"{EVERY_S}s"
    )
    config["rule_files"] = [str(HERE / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{node.web_port}"]}]
    port = free_port()
    with children.temporary_folder("prometheus") as folder:
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        with (folder / "out").open("w") as out:
            process = children.start(
                [require("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
                 f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
                 "--log.level=warn"],
                cwd=folder, stdout=out, stderr=out,
            )  # fmt: skip
        server = Prometheus(f"http://127.0.0.1:{port}")
        try:
            wait_for(lambda: requests.get(f"{server.url}/-/ready", timeout=30).ok, "Prometheus is ready")
            yield server
        except BaseException:
            print((folder / "out").read_text()[-4000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
