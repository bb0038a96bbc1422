"""Which processes follow what was changed, and which wait for a restart."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from admin_ui.doors import Process, program_of
from chain.services.network import now_ms
from chain.services.node_settings import SettingView, confirmed_by

PATIENCE_S = 6.0
_LOOK_S = 0.2


def wait_until_followed(version: int, only: Collection[str] = ()) -> list[str]:
    """Names of the processes that work with this version, once all that speak do, or patience ends.

    ``only``: those that it matters to, by name without number; else all.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        seen = {member.split(":")[0]: at for member, at in sorted(confirmed_by().items(), key=lambda one: -one[1])}
        asked = {name: at for name, at in seen.items() if not only or program_of(name) in only}
        if all(at >= version for at in asked.values()) or time.monotonic() > end:
            return sorted(name for name, at in asked.items() if at >= version)
        time.sleep(_LOOK_S)


def needing_restart(table: Sequence[SettingView], processes: Sequence[Process]) -> dict[str, list[str]]:
    """Key → processes that started before the setting was changed and read it at their start only."""
    now = now_ms()
    found = {}
    for view in table:
        if view.updated_ms is None or not view.restart:
            continue
        # a second's grace: the supervisor counts whole ones
        late = [
            process.name
            for process in processes
            if program_of(process.name) in view.restart and now - process.uptime_s * 1000 + 1_000 < view.updated_ms
        ]
        if late:
            found[view.key] = late
    return found
