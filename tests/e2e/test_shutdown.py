"""The node stops when it is asked to: in order, with exit code 0, with nothing lost, and only for as long as asked."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator

import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.node import PATIENCE_S, ROOT, Node, running_node, wait_for
from tests.e2e.survival import Load, alive, all_run, client, data_folder, family, grows, states, stop_program, verify
from tests.tools import children

pytestmark = pytest.mark.e2e

OWN = ("beat", "index", "mine", "rpc", "shards", "validate", "virtual", "web")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as running:
        is_ready(running)
        yield running


def is_ready(node: Node) -> None:
    """Everything runs, and every worker consumes: from then on a signal meets no process that still starts."""
    wait_for(lambda: all_run(node), "everything runs")
    wait_for(lambda: requests.get(f"{node.web_url}/ready", timeout=PATIENCE_S).status_code == 200, "ready")


def ends(node: Node, name: str) -> list[str]:
    """What the supervisor wrote of each end of a program."""
    log = (data_folder(node).log / "supervisord.log").read_text()
    return re.findall(rf"(?:exited|stopped): {name} \((.*?)[;)]", log)


def killed(node: Node, since: int = 0) -> list[str]:
    """Programs that had to be killed because they did not end, but for the first ``since`` of them."""
    return re.findall(r"killing '(\w+)'", (data_folder(node).log / "supervisord.log").read_text())[since:]


def close_of(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the other side closes."""
    with pytest.raises(ConnectionClosed) as closed:
        deque(iter(lambda: socket.recv(timeout=PATIENCE_S), None), maxlen=0)
    assert closed.value.rcvd is not None, "the connection broke without a word"
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_any_one_process_ends_in_order_and_is_started_again(node: Node) -> None:
    before_all = len(killed(node))
    with Load(node, range(2)) as load:
        wait_for(lambda: len(load.sent) > 10, "the load runs")
        for name in sorted(OWN):
            before = client(node).processes()[name]["pid"]
            count = len(ends(node, name))
            psutil.Process(before).send_signal(signal.SIGTERM)
            wait_for(lambda name=name, count=count: len(ends(node, name)) > count, f"{name} ends")
            assert ends(node, name)[-1] == "exit status 0", name
            wait_for(
                lambda name=name, before=before: (
                    (info := client(node).processes()[name])["statename"] == "RUNNING" and info["pid"] != before
                ),
                f"{name} runs again",
            )
        is_ready(node)
        grows(node)
    assert load.settle([]) == 0
    assert killed(node, before_all) == []


def test_sockets_are_told_why_they_are_closed(node: Node) -> None:
    is_ready(node)
    for name, url, expected in (
        ("rpc", f"ws://127.0.0.1:{node.rpc_port}", 1012),
        ("web", f"ws://127.0.0.1:{node.web_port}/ws/rpc", 1001),
    ):
        with connect(url, open_timeout=PATIENCE_S) as socket:
            socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')
            assert "result" in str(socket.recv(timeout=PATIENCE_S))
            psutil.Process(client(node).processes()[name]["pid"]).send_signal(signal.SIGTERM)
            code, reason = close_of(socket)
        assert code == expected, (name, code, reason)
    is_ready(node)


def test_what_the_operator_stopped_stays_stopped(node: Node) -> None:
    stop_program(node, "mine")
    # longer than `up` takes to look after its processes
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        assert states(node)["mine"] == "STOPPED"
        time.sleep(0.2)
    client(node).start("mine")
    is_ready(node)


def test_the_whole_node_stops_under_load_and_goes_on(node: Node) -> None:
    stop_and_go_on(node, random.Random("whole"), (signal.SIGTERM, signal.SIGINT))


@pytest.mark.long
def test_twelve_signals_at_random_moments(node: Node) -> None:
    rng = random.Random(os.environ.get("SHUTDOWN_SEED", "2026"))
    stop_and_go_on(node, rng, [rng.choice((signal.SIGTERM, signal.SIGINT)) for _ in range(12)])


def stop_and_go_on(node: Node, rng: random.Random, signals: object) -> None:
    """Stop the node at random moments under load; nothing that was acknowledged is missing afterwards."""
    is_ready(node)
    before_all, ended = len(killed(node)), {name: len(ends(node, name)) for name in OWN}
    with Load(node, range(4)) as load:
        for number in signals:  # type: ignore[attr-defined]
            sent = len(load.sent)
            wait_for(lambda sent=sent: len(load.sent) > sent + 10, "the load runs")
            time.sleep(rng.uniform(0, 3))
            children = family(node)
            begun = time.monotonic()
            assert node.process is not None
            node.process.send_signal(number)
            assert node.process.wait(PATIENCE_S) == 0
            print(f"{signal.Signals(number).name}: stopped within {time.monotonic() - begun:.1f} s")
            assert alive(children) == []
            node.start()
            is_ready(node)
    assert killed(node, before_all) == []
    assert {end for name in OWN for end in ends(node, name)[ended[name] :]} == {"exit status 0"}
    assert load.settle([]) == 0
    assert "good" in verify(node)


def test_a_second_signal_hurries(node: Node) -> None:
    is_ready(node)
    worker = psutil.Process(client(node).processes()["mine"]["pid"])
    # what is asleep cannot end in order: only a kill ends it before the supervisor's patience does
    worker.suspend()
    assert node.process is not None
    node.process.send_signal(signal.SIGTERM)

    def said() -> str:
        """Since the last start: earlier stops said the same."""
        return node.output.read_text().rsplit("Ctrl-C", 1)[1]

    # two signals before the first is heard are one
    wait_for(lambda: "stopping" in said(), "it stops")
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(PATIENCE_S) == 0
    assert "stopping at once" in said()
    node.start()
    is_ready(node)


@pytest.mark.long
def test_a_stop_during_the_start(node: Node) -> None:
    assert node.stop() == 0
    for patience in (0.5, 2.0, 4.0):
        with node.output.open("a") as out:
            up = children.start([sys.executable, "manage.py", "up"], cwd=ROOT, env=node.environment, stdout=out,
                                stderr=out)  # fmt: skip
            wait_for(lambda up=up: psutil.Process(up.pid).children() or None, "something was started")
            time.sleep(patience)
            below = psutil.Process(up.pid).children(recursive=True)
            up.send_signal(signal.SIGTERM)
            assert up.wait(PATIENCE_S) == 0
            assert alive(below) == []
    node.start()
    is_ready(node)
