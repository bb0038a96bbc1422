"""Get the programs of tests that are not in wheels, by apt-get where this user may; ``make tools`` runs it.

What is here is left alone.  What cannot be had is said in one line and does not end the run: the tests that
need it fail and name the line again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.tools import TOOLS, find

_PATIENCE_S = 600
_OPTIONS = ("-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "DPkg::Lock::Timeout=60")


class NotInstalled(Exception):
    """Why a tool could not be had."""


def run(command: list[str], folder: Path | None = None) -> None:
    """Run to the end; NotInstalled with the last line of what it said."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise NotInstalled(f"{command[0]}: {said[-1]}")


def privileged() -> list[str] | None:
    """What goes before a command that needs root: nothing as root, sudo when it asks for no password, else None."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def install_chromium() -> None:
    """Debian's package, with the libraries that it needs."""
    root = privileged()
    if root is None:
        raise NotInstalled("that needs root, or sudo without a password")
    run([*root, "apt-get", *_OPTIONS, "update"])
    run([*root, "apt-get", *_OPTIONS, "install", "-y", "--no-install-recommends", "chromium"])


def install_prometheus() -> None:
    """The programs of Debian's package, unpacked into the virtual environment.

    Installing the package would start a Prometheus on this machine at every boot; it is one static program, so
    it is only downloaded, which needs no root either once package lists are here.
    """
    with tempfile.TemporaryDirectory(prefix="mds-tools-") as name:
        folder = Path(name)
        try:
            run(["apt-get", *_OPTIONS, "download", "prometheus"], folder)
        except NotInstalled:
            root = privileged()
            if root is None:
                raise
            run([*root, "apt-get", *_OPTIONS, "update"])
            run(["apt-get", *_OPTIONS, "download", "prometheus"], folder)
        (package,) = folder.glob("prometheus_*.deb")
        run(["dpkg-deb", "--extract", str(package), str(folder / "unpacked")])
        for program in ("promtool", "prometheus"):
            target = Path(sysconfig.get_path("scripts")) / program
            shutil.copy(folder / "unpacked" / "usr" / "bin" / program, target.with_suffix(".new"))
            target.with_suffix(".new").replace(target)


def main() -> int:
    """Install what is missing."""
    for name, install in (
        ("chromium", install_chromium),
        ("promtool", install_prometheus),
        ("prometheus", install_prometheus),
    ):
        if find(name) is not None:
            continue
        sys.stdout.write(f"installing {name} for the tests\n")
        sys.stdout.flush()
        try:
            install()
        except (NotInstalled, OSError, ValueError) as error:
            sys.stdout.write(f"{name} could not be installed ({error}); its tests will fail. {TOOLS[name].install}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
