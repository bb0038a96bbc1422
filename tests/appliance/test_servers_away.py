"""Servers that an operator chose are away when the node starts again: it goes back to those of before, by itself."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mondoshawan import chosen_servers
from tests.appliance.test_up import Node, until

pytestmark = pytest.mark.e2e

NOBODY = {"database_url": "postgres://me:hunter22@127.0.0.1:1/x", "redis_url": "redis://:hunter22@127.0.0.1:1/0"}
LABELS = {"database_url": "PostgreSQL", "redis_url": "Redis"}
TRAIL = (
    "import json; from chain.models import OperatorAction;"
    "print(json.dumps(list(OperatorAction.objects.filter(action='servers.go_back')"
    ".order_by('id').values_list('actor', 'door', 'target', 'outcome', 'detail'))))"
)


@pytest.fixture
def node() -> Iterator[Node]:
    base = Path(tempfile.mkdtemp(prefix="mds-away-", dir="/tmp"))
    base.chmod(0o755)
    made = Node(base, "web")
    made.env["MDS_SERVERS_WAIT_S"] = "1"
    try:
        yield made
    finally:
        made.discard()


def test_the_node_goes_back_to_the_servers_that_it_had(node: Node) -> None:
    node.start()
    assert node.process is not None
    root, pid = node.folder.root, node.process.pid
    for name, label in LABELS.items():
        lives = node.output.read_text().count("Ctrl-C")
        chosen = {other: NOBODY[other] if other == name else "" for other in chosen_servers.NAMES}
        chosen_servers.choose(root, chosen, {"name": "ann", "password": "x", "settings": {}})
        node.folder.restart_file.touch()
        # one life with the chosen server, which ends before it is announced, and one with those of before
        until(lambda lives=lives: node.output.read_text().count("Ctrl-C") > lives)
        said = node.output.read_text()
        assert f"WARNING: the {label} that was chosen does not do: {label} does not answer" in said
        assert f"works with its servers of before; the {label} that was chosen" in said
        assert "hunter22" not in said
        # whoever watches over the node saw no end
        assert (node.process.pid, node.process.poll()) == (pid, None)
        status, ready = node.get("/ready")
        assert ready["checks"]["database"]["status"] == ready["checks"]["redis"]["status"] == "ok", (status, ready)
        assert chosen_servers.read(root) == dict.fromkeys(chosen_servers.NAMES, "")
        told = chosen_servers.refused(root)
        assert told is not None
        assert told.server == name
        assert {path.name for path in root.glob("*.json")} == {chosen_servers.CURRENT, chosen_servers.REFUSED}
    # the chain that was there is there, and its trail has it once each
    told_trail = node.command("shell", "--no-imports", "-c", TRAIL)
    rows = json.loads(told_trail.stdout.splitlines()[-1])
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("system", "PostgreSQL", "refused"), ("system", "Redis", "refused"),
    ]  # fmt: skip
    assert rows[0][4].startswith("postgres_unready: ")
    assert node.stop() == 0


def test_servers_that_the_node_has_worked_with_are_not_left(node: Node) -> None:
    """Only a trial ends so: else an hour's outage would start another chain elsewhere."""
    node.folder.root.mkdir(parents=True)
    (node.folder.root / chosen_servers.CURRENT).write_text(json.dumps({**NOBODY, "redis_url": ""}))
    done = node.command("up")
    assert done.returncode == 2
    assert "PostgreSQL does not answer" in done.stderr
    assert "goes back" not in done.stdout
    assert chosen_servers.read(node.folder.root) == {**NOBODY, "redis_url": ""}
