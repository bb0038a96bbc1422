"""The image: linted, and its steps carried out in order in a clean root, where the node then starts as process 1."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mondoshawan.env import PROJECT_ROOT, registry
from tests.docker.image import Builder, Stage, context_files, ignored, parse
from tests.e2e.node import wait_for
from tests.tools.ports import free_port

DOCKERFILE = PROJECT_ROOT / "docker" / "Dockerfile"


def test_the_dockerfile_is_clean() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, str(DOCKERFILE)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_base_is_a_tag_and_the_digest_is_left_to_the_publisher() -> None:
    text = DOCKERFILE.read_text()
    bases = [step.rest for step in parse(text) if step.name == "FROM"]
    assert bases == ["${BASE} AS build", "${BASE}"]
    assert "ARG BASE=python:3.11-slim-bookworm\n" in text
    assert "pins the digest" in text


def test_it_runs_as_nobody_in_particular() -> None:
    steps = parse(DOCKERFILE.read_text())
    users = [place for place, step in enumerate(steps) if step.name == "USER"]
    assert [steps[place].rest for place in users] == ["10001:10001"]
    assert not [step for step in steps[users[0] :] if step.name in ("RUN", "COPY", "ADD")]
    assert {"HEALTHCHECK", "ENTRYPOINT", "STOPSIGNAL", "VOLUME"} <= {step.name for step in steps}


def test_every_setting_of_the_image_is_one() -> None:
    known = {entry.name for entry in registry()}
    env = [step.rest for step in parse(DOCKERFILE.read_text()) if step.name == "ENV"]
    named = {pair.partition("=")[0] for rest in env for pair in rest.split() if pair.startswith("MDS_")}
    assert named
    assert named <= known


def test_the_context_holds_the_node_and_nothing_else() -> None:
    files = context_files(PROJECT_ROOT)
    assert {"manage.py", "requirements.txt", "docker/entrypoint/entrypoint.sh", "chain/core/errors.py"} <= files
    assert {path.split("/")[0] for path in files} == {
        "admin_ui", "chain", "docker", "explorer", "manage.py", "mondoshawan", "requirements.txt"
    }  # fmt: skip
    assert not [path for path in files if path.startswith("docker/") and not path.startswith("docker/entrypoint/")]


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("var/devnet/keys/vrf.key", True),
        ("chain/core/errors.py", False),
        ("chain/core/__pycache__/errors.pyc", True),
        ("chain/x.pyc", True),
        (".git/config", True),
        ("docker/.env", True),
        ("docker/entrypoint/health.py", False),
    ],
)
def test_what_dockerignore_leaves_out(path: str, out: bool) -> None:
    rules = [line for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line]
    assert ignored(path, rules) is out


def test_an_instruction_that_nobody_carries_out_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("ONBUILD RUN x\n")
    with pytest.raises(NotImplementedError):
        Builder(file, PROJECT_ROOT, tmp_path).build()


# ---- the image itself ----

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts an overlay: needs root")


@pytest.fixture(scope="module")
def built() -> Iterator[tuple[Builder, Stage]]:
    work = Path(tempfile.mkdtemp(prefix="mds-image-", dir="/tmp"))
    work.chmod(0o755)
    builder = Builder(DOCKERFILE, PROJECT_ROOT, work)
    try:
        yield builder, builder.build()
    finally:
        builder.close()
        shutil.rmtree(work, ignore_errors=True)


@pytest.mark.long
@needs_root
def test_every_step_can_be_carried_out_and_the_node_runs_as_process_one(built: tuple[Builder, Stage]) -> None:
    builder, stage = built
    web, rpc = free_port(), free_port()
    stage.env |= {"MDS_WEB_BIND": f"127.0.0.1:{web}", "MDS_RPC_BIND": f"127.0.0.1:{rpc}", "HOME": "/tmp"}
    output = stage.root.parent / "up.out"
    with output.open("w") as out:
        process = builder.run_in(stage, [*stage.entrypoint, *stage.command], stdout=out, stderr=out)
    try:
        wait_for(lambda: process.poll() is not None or "Ctrl-C" in output.read_text(), "the node starts", 300)
        assert process.poll() is None, output.read_text()
        first = psutil.Process(process.pid).children()[0]
        assert Path(first.exe()).name == "tini"
        family = first.children(recursive=True)
        assert {one.uids().effective for one in family} == {10001}
        said: list[str] = []
        wait_for(lambda: said.append(health(builder, stage)) or said[-1] == "well", "the health check passes", 300)
        begun = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        print(f"stopped within {time.monotonic() - begun:.1f} s")
        assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    finally:
        if process.poll() is None:
            print(output.read_text())
        process.kill()
        process.wait()


def health(builder: Builder, stage: Stage) -> str:
    """What the image's own check says."""
    command = json.loads(stage.metadata["HEALTHCHECK"].partition("CMD ")[2])
    checked = builder.run_in(stage, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = checked.communicate(timeout=60)[0].strip()
    print(said)
    return said
