"""An appliance that is not there: what the operator's web asks of one, answered from memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from admin_ui.doors import Backup, Process, RefusedServers, ServerChoice, Service, Variable
from chain.core.errors import RequestError

SECRET = "deadbeef" * 8


class FakeDoor:
    """See ``admin_ui.doors.NodeDoor``; ``restarted`` and ``backups_begun`` tell what was done."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mds-fake-door-"))
        self.log = self.folder / "web.log"
        self.log.write_text("2026-11-22T00:00:00Z [info     ] started\n")
        self.reset()

    def reset(self) -> None:
        self.restarted: list[str] = []
        self.backups_begun = 0
        self.waiting: dict[str, str] = {}
        self.chosen: dict[str, str | None] = {}
        self.carried: dict[str, Any] = {}
        self.went_back: RefusedServers | None = None
        self.pid = 100
        self.state = "RUNNING"
        self.ready: dict[str, dict[str, Any]] = {
            "database": {"status": "ok", "value": 0.6, "threshold": 1000},
            "disk": {"status": "ok", "value": 10**10, "threshold": 5 * 10**8},
            "workers": {"status": "ok", "value": {"virtual": 1}, "threshold": 15.0},
        }

    def processes(self) -> list[Process] | None:
        return [
            Process("postgres", "RUNNING", 7, 100, 10**7, restartable=False),
            Process("rpc", self.state, self.pid, 100, 10**8, restartable=True),
        ]

    def restart(self, name: str) -> None:
        if name != "rpc":
            raise RequestError("not_found", "no such process", got=name)
        self.restarted.append(name)
        self.pid += 1

    def queues(self) -> Mapping[str, tuple[str, ...]]:
        return {"virtual": ("virtual",), "mine": ("mine.a", "mine.b", "mine.c"), "shards": ("shards",)}

    def queue_ages(self) -> dict[str, int | None]:
        return {"virtual": 1, "shards": None}

    def checks(self) -> dict[str, dict[str, Any]]:
        return self.ready

    def logs(self) -> dict[str, Path]:
        return {"web": self.log}

    def secrets(self) -> Iterable[str]:
        return (SECRET, "")

    def environment(self) -> list[Variable]:
        return [Variable("MDS_DATABASE_URL", "URL", "External `PostgreSQL`.", "hidden", is_set=True, secret=True)]

    def services(self) -> list[Service]:
        own = Service("PostgreSQL", "embedded", "/run/pg", "18", ok=True)
        return [own, Service("Redis", "external", "r.example", "does not answer", ok=False)]

    def backups(self) -> list[Backup]:
        return [Backup("devnet-1.tar", 12_345, 1_800_000_000_000)]

    def start_backup(self) -> None:
        self.backups_begun += 1

    def backup_state(self) -> dict[str, Any]:
        return {"running": False, "ok": True, "said": "devnet", "ended_ms": 1_800_000_000_000}

    def server_choices(self) -> list[ServerChoice] | None:
        return [
            ServerChoice("database_url", "PostgreSQL", False, False, self.waiting.get("database_url")),
            ServerChoice("redis_url", "Redis", True, False, self.waiting.get("redis_url")),
        ]

    def try_servers(self, urls: Mapping[str, str | None]) -> list[str]:
        if urls.get("database_url") == "postgres://away":
            raise RequestError("invalid_params", "PostgreSQL does not answer")
        return [f"{name} answers" for name, url in urls.items() if url is not None]

    def choose_servers(self, urls: Mapping[str, str | None], first_run: Mapping[str, Any]) -> list[str]:
        said = self.try_servers(urls)
        if not said:
            raise RequestError("invalid_params", "nothing would change")
        self.chosen, self.carried = dict(urls), dict(first_run)
        self.waiting = dict.fromkeys(urls, "the next")
        return said

    def forget_servers(self) -> None:
        if not self.waiting and self.went_back is None:
            raise RequestError("not_found", "nothing waits for the next start")
        self.waiting, self.went_back = {}, None

    def refused_servers(self) -> RefusedServers | None:
        return self.went_back

    def restart_node(self) -> None:
        self.restarted.append("the node")

    def facts(self) -> dict[str, str]:
        return {"version": "0", "network": "devnet", "data folder": "/srv/x"}
