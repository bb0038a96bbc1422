"""A small interpreter of Dockerfiles: it carries the steps out in order, without an engine, on this machine.

A stage's file system is an overlay over the machine's own, which stands for the base image, so the base should be of
the same distribution; the project's folder is hidden in it.  What the file writes stays in the overlay.  RUN is a
chroot with nothing of the caller's environment but where packages come from.  Known limits: no build cache, no ONBUILD,
ADD, SHELL or heredocs (refused), no limits of memory or system calls, the machine's kernel and network.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools import children

METADATA = {"LABEL", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK"}
# where packages come from is the machine's business, not the image's
PASSED = re.compile(r"^(PIP_|https?_proxy$|no_proxy$|HTTPS?_PROXY$|NO_PROXY$|SSL_CERT_FILE$|REQUESTS_CA_BUNDLE$)")


@dataclass(frozen=True)
class Step:
    """One instruction with its arguments as they stand."""

    name: str
    rest: str


@dataclass
class Stage:
    """What a stage has become."""

    name: str
    root: Path
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> list[Step]:
    """The instructions of a Dockerfile."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", kept)
    steps = []
    for line in joined.splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            steps.append(Step(name.upper(), rest.strip()))
    return steps


def context_files(context: Path) -> set[str]:
    """Files of the build context after .dockerignore, relative; the last line that matches a file decides."""
    rules = [line.strip() for line in (context / ".dockerignore").read_text().splitlines() if line.strip()]
    found = set()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=context, capture_output=True,
                            text=True, check=True).stdout.splitlines()  # fmt: skip
    for path in listed:
        if (context / path).is_file() and not ignored(path, rules):
            found.add(path)
    return found


def ignored(path: str, rules: list[str]) -> bool:
    """Whether .dockerignore leaves a path out."""
    parents = ["/".join(path.split("/")[: depth + 1]) for depth in range(path.count("/") + 1)]
    out = False
    for rule in rules:
        pattern, keeps = rule.removeprefix("!"), rule.startswith("!")
        if any(fnmatch.fnmatch(part, pattern.removeprefix("**/")) or fnmatch.fnmatch(part, pattern)
               or (pattern.startswith("**/") and fnmatch.fnmatch(part.rpartition("/")[2], pattern[3:]))
               for part in parents):  # fmt: skip
            out = not keeps
    return out


class Builder:
    """Builds the stages of one file below a work folder; ``close`` unmounts all of it."""

    def __init__(self, dockerfile: Path, context: Path, work: Path) -> None:
        self._steps = parse(dockerfile.read_text())
        self._context = context
        self._files = context_files(context)
        self._work = work
        self._mounts: list[Path] = []
        self._arguments: dict[str, str] = {}
        self.stages: list[Stage] = []

    def build(self) -> Stage:
        """Carry out every step; the last stage."""
        for step in self._steps:
            getattr(self, f"_{step.name.lower()}", self._unknown)(step)
        return self.stages[-1]

    def close(self) -> None:
        """Give the mounts back."""
        for path in reversed(self._mounts):
            subprocess.run(["umount", "-l", str(path)], check=False, capture_output=True)

    def run_in(self, stage: Stage, argv: list[str], **options: Any) -> subprocess.Popen[str]:
        """Start a program inside of a stage as its user, as process 1 of its own list of processes."""
        uid, gid = stage.user.split(":")
        drop = f"setpriv --reuid={uid} --regid={gid} --clear-groups --no-new-privs"
        inner = f"mount -t proc proc /proc && cd {shlex.quote(stage.folder)} && exec {drop} -- {shlex.join(argv)}"
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "/usr/sbin/chroot",
            str(stage.root),
            "/bin/sh",
            "-c",
            inner,
        ]
        return children.start(command, env=stage.env, text=True, **options)

    # ---- instructions ----

    def _unknown(self, step: Step) -> None:
        message = f"{step.name} is not carried out here"
        raise NotImplementedError(message)

    def _arg(self, step: Step) -> None:
        name, _, value = step.rest.partition("=")
        self._arguments[name] = value

    def _from(self, step: Step) -> None:
        base, *named = re.split(r"\s+AS\s+", step.rest, flags=re.IGNORECASE)
        assert self._expand(base, self._arguments).startswith("python:3.11"), base
        name = named[0] if named else str(len(self.stages))
        root = self._work / f"stage-{name}"
        layers = {part: self._work / f"{name}-{part}" for part in ("upper", "work")}
        for path in (root, *layers.values()):
            path.mkdir()
        options = f"lowerdir=/,upperdir={layers['upper']},workdir={layers['work']}"
        self._mount("-t", "overlay", "overlay", "-o", options, at=root)
        for kind in ("dev", "dev/pts", "proc"):
            self._mount("--bind", f"/{kind}", at=root / kind)
        empty = self._work / f"{name}-empty"
        empty.mkdir()
        hidden = root / self._context.relative_to("/")
        self._mount("--bind", str(empty), at=hidden)
        (root / "tmp").chmod(0o1777)
        # the base image's interpreter stands here
        (root / "usr/local/bin/python").unlink(missing_ok=True)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3.11")
        self.stages.append(Stage(name, root, {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}))

    def _env(self, step: Step) -> None:
        for pair in shlex.split(step.rest):
            name, _, value = pair.partition("=")
            self.stages[-1].env[name] = self._expand(value, self.stages[-1].env)

    def _workdir(self, step: Step) -> None:
        stage = self.stages[-1]
        stage.folder = step.rest
        (stage.root / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, step: Step) -> None:
        self.stages[-1].user = step.rest

    def _copy(self, step: Step) -> None:
        stage = self.stages[-1]
        words = step.rest.split()
        if words[0].startswith("--from="):
            source = next(one for one in self.stages if one.name == words.pop(0).removeprefix("--from="))
            target = stage.root / words[1].lstrip("/")
            shutil.copytree(source.root / words[0].lstrip("/"), target, symlinks=True, dirs_exist_ok=True)
            return
        *sources, target = words
        place = (
            stage.root / stage.folder.lstrip("/") / target if not target.startswith("/") else stage.root / target[1:]
        )
        for name in sources:
            if (self._context / name).is_file():
                assert name in self._files, f"{name} is left out by .dockerignore"
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._context / name, place / Path(name).name)
                continue
            inside = [path for path in self._files if path.startswith(name.rstrip("/") + "/")]
            assert inside, f"{name} is not in the context"
            for path in inside:
                copy = place / Path(path).relative_to(name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._context / path, copy)

    def _run(self, step: Step) -> None:
        stage = self.stages[-1]
        passed = {name: value for name, value in os.environ.items() if PASSED.match(name)}
        script = f"cd {shlex.quote(stage.folder)} && {step.rest}"
        done = subprocess.run(
            ["/usr/sbin/chroot", str(stage.root), "/bin/sh", "-c", script],
            env={**passed, **stage.env, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {step.rest}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"

    def _entrypoint(self, step: Step) -> None:
        self.stages[-1].entrypoint = json.loads(step.rest)

    def _cmd(self, step: Step) -> None:
        self.stages[-1].command = json.loads(step.rest)

    def _note(self, step: Step) -> None:
        self.stages[-1].metadata[step.name] = step.rest

    _label = _expose = _volume = _stopsignal = _healthcheck = _note

    # ---- small things ----

    def _mount(self, *arguments: str, at: Path) -> None:
        at.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", *arguments, str(at)], check=True, capture_output=True)
        self._mounts.append(at)

    @staticmethod
    def _expand(text: str, values: dict[str, str]) -> str:
        return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], ""), text)
