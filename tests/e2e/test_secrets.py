"""No secret of a running node shows where strangers or other users of the machine could see it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests

from tests.e2e.node import PATIENCE_S, ROOT, Node, wait_for
from tests.e2e.survival import data_folder, family

pytestmark = pytest.mark.e2e
WRONG_PASSWORD = "correct-horse-battery-9171"
STRANGERS_KEY = "mds_strangers_key_5f1d7c"


@pytest.fixture(scope="module")
def secrets(mining_node: Node) -> dict[str, str]:
    """What must not be seen, by its name."""
    folder = data_folder(mining_node)
    found = {f"keys/{path.name}": path.read_text().strip() for path in folder.keys.iterdir()}
    assert {"keys/vrf.key", "keys/django.key", "keys/postgres.key"} <= set(found)
    supervisor = re.search(r"^password = (\S+)$", (folder.run / "supervisord.conf").read_text(), re.MULTILINE)
    assert supervisor
    found["supervisor"] = supervisor[1]
    # `up` says it when everything runs
    pattern = re.compile(r"user operator, password (\S+)")
    operator = wait_for(lambda: pattern.search(mining_node.output.read_text()), "the operator's password is told", 300)
    found["operator"] = operator[1]
    made = subprocess.run(
        [sys.executable, "manage.py", "api_key", "create", "secret-test", "--scope", "mining"], cwd=ROOT,
        env=mining_node.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    key = re.search(r"^(\S{30,})$", made.stdout, re.MULTILINE)
    assert key, made.stdout + made.stderr
    found["api key"] = key[0]
    return found


def shown(text: str, secrets: dict[str, str]) -> list[str]:
    """Names of the secrets that a text holds, as they are or in another case."""
    return [name for name, value in secrets.items() if value in text or value.lower() in text.lower()]


def content(path: Path) -> bytes:
    """Of a file, nothing where it is gone by now: processes replace theirs."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def provoke(node: Node, secrets: dict[str, str]) -> list[str]:
    """Requests that handle secrets or fail; every answer."""
    answers = []
    bearer = {"Authorization": f"Bearer {secrets['api key']}"}
    for headers in ({}, bearer, {"Authorization": f"Bearer {STRANGERS_KEY}"}, {"X-Api-Key": secrets["api key"]}):
        for method, params in (
            ("mds_stopMining", ["X"]),
            ("mds_setMiningShare", ["A", "much"]),
            ("mds_getMiningStatus", []),
            ("eth_call", [{"to": "0x12"}, "latest"]),
            ("nonsense", []),
        ):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answers.append(requests.post(node.rpc_url, json=body, headers=headers, timeout=PATIENCE_S).text)
    answers.append(requests.post(node.rpc_url, data=b"{" * 50, timeout=PATIENCE_S).text)
    session = requests.Session()
    for path in ("/", "/health", "/ready", "/metrics", "/admin/login/", "/nowhere", "/operator/", "/api/v1/nothing"):
        answers.append(session.get(node.web_url + path, timeout=PATIENCE_S).text)
    session.post(
        node.web_url + "/admin/login/",
        data={
            "username": "operator",
            "password": WRONG_PASSWORD,
            "csrfmiddlewaretoken": session.cookies.get("csrftoken"),
        },
        timeout=PATIENCE_S,
    )
    return answers


def test_answers_metrics_and_logs_hold_no_secret(mining_node: Node, secrets: dict[str, str]) -> None:
    answers = provoke(mining_node, secrets)
    assert [name for answer in answers for name in shown(answer, secrets)] == []
    folder = data_folder(mining_node)
    hidden = {**secrets, "a wrong password": WRONG_PASSWORD, "a stranger's key": STRANGERS_KEY}
    logs = sorted(folder.log.iterdir())
    assert {"web.log", "rpc.log", "virtual.log", "postgres.log", "redis.log"} <= {path.name for path in logs}
    for path in logs:
        assert shown(path.read_text(errors="replace"), hidden) == [], path.name
    for path in folder.metrics.iterdir():
        assert shown(content(path).decode("latin-1"), secrets) == [], path.name


def test_lists_of_processes_hold_no_secret(mining_node: Node, secrets: dict[str, str]) -> None:
    """Neither titles nor environments, which other programs of the same user can read."""
    processes = wait_for(lambda: family(mining_node) or None, "there are processes")
    assert len(processes) > 10
    for process in processes:
        try:
            title, environment = " ".join(process.cmdline()), process.environ()
        except psutil.Error:
            continue
        assert shown(title, secrets) == [], title
        assert shown("\n".join(f"{name}={value}" for name, value in environment.items()), secrets) == [], title


def test_files_with_secrets_are_the_owners_alone(mining_node: Node, secrets: dict[str, str]) -> None:
    folder = data_folder(mining_node)
    holders = []
    # servers make and remove folders of their own all the time
    others = [path for path in folder.root.iterdir() if path.name not in ("postgres", "redis")]
    for path in sorted(file for place in others for file in (place, *place.rglob("*")) if file.is_file()):
        if shown(content(path).decode("latin-1"), secrets):
            holders.append(path.relative_to(folder.root).as_posix())
            closed = path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
            assert closed, f"{path} can be read by others"
    # a backup that another test made holds the keys, as it must to be restored
    assert {name.split("/")[0] for name in holders} <= {"keys", "run", "backup"}
    for name in ("keys", "backup", "postgres", "redis"):
        assert (folder.root / name).stat().st_mode & 0o077 == 0, name


def test_the_database_holds_keys_as_digests_only(mining_node: Node, secrets: dict[str, str]) -> None:
    """What a dump would show: the password of the server itself and every secret are not in any table."""
    script = (
        "from django.db import connection\n"
        "cursor = connection.cursor()\n"
        "cursor.execute(\"SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        " AND table_type = 'BASE TABLE'\")\n"
        "for (table,) in cursor.fetchall():\n"
        "    if table.startswith(('auth_', 'chain_api', 'chain_node_setting', 'chain_operator', 'django_', 'axes_')):\n"
        "        cursor.execute(f'SELECT t::text FROM \"{table}\" t')\n"
        "        print(table, cursor.fetchall())\n"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", script], cwd=ROOT, env=mining_node.environment,
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert "auth_user" in done.stdout, done.stderr
    assert "chain_api_key" in done.stdout
    assert shown(done.stdout, {**secrets, "a wrong password": WRONG_PASSWORD}) == []


def test_the_grep_would_find_one(mining_node: Node, secrets: dict[str, str], tmp_path: Path) -> None:
    for name, value in secrets.items():
        assert shown(f"x={value.upper()};", secrets) == [name]
