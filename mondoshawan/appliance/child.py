"""Tiny launcher: set up the process, then become the program.

Run by path with the standard library only (``python -I -S child.py SPEC``), so it costs some
milliseconds and no memory: exec replaces it.  SPEC is the JSON of one ``Launch``, or
``FILE NAME``: the entry NAME of a JSON file.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

PR_SET_PDEATHSIG = 1


def become(spec: dict) -> None:
    """Drop privileges, arm the parent-death signal, exec.  Does not return.

    The signal (prctl(2)) is armed after the change of user, because the kernel disarms it there.
    """
    parent = os.getppid()
    if spec["nice"]:
        os.nice(spec["nice"])
    user = spec["user"]
    if user is not None:
        os.setgroups([])
        os.setgid(user["gid"])
        os.setuid(user["uid"])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, spec["death_signal"], 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")
    os.chdir(spec["cwd"])
    env = {**os.environ, **spec["env"]} if spec["inherit_env"] else spec["env"]
    os.execve(spec["argv"][0], spec["argv"], env)  # noqa: S606 - replacing this process is the point


def main(arguments: list[str]) -> None:
    """Read the spec and become it."""
    if len(arguments) == 2:
        with open(arguments[0]) as file:  # noqa: PTH123 - pathlib costs a third of the start
            become(json.load(file)[arguments[1]])
    become(json.loads(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
