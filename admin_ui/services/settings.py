"""Which changed settings wait for a restart of which process."""

from __future__ import annotations

from collections.abc import Sequence

from admin_ui.doors import Process
from chain.services.network import now_ms
from chain.services.node_settings import SettingView


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
            if process.name.rstrip("0123456789") in view.restart
            and now - process.uptime_s * 1000 + 1_000 < view.updated_ms
        ]
        if late:
            found[view.key] = late
    return found
