"""Every value that is live on the operator's pages, by its name there, formatted as the pages format it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin_ui.doors import NodeDoor
from admin_ui.payloads import Cell
from admin_ui.services import health
from admin_ui.services.mining import StreamState
from admin_ui.services.queues import queue_lines
from chain.services.pool.wire import Sums
from explorer.amounts import ago, byte_size, grouped, scaled, span

_STATE_KINDS = {"mining": "ok", "waiting": "ok", "starting": "warn", "stopping": "warn", "unpaid": "bad"}
_PROCESS_KINDS = {"RUNNING": "ok", "STARTING": "warn", "STOPPING": "warn"}


def live_cells(node: NodeDoor) -> dict[str, Cell]:
    """All of them, as of now."""
    facts = health.gather(node)
    cells = {f"health.{line.key}": Cell(line.text, line.kind) for line in health.statements(facts)}
    for state in facts.streams:
        cells |= _stream(state, facts.now_ms)
    if facts.pool is not None:
        cells |= _pool(facts.pool)
    for row in facts.processes or ():
        name = f"processes.{row.name}"
        cells[f"{name}.state"] = Cell(row.state.lower(), _PROCESS_KINDS.get(row.state, "bad"))
        cells[f"{name}.pid"] = Cell(str(row.pid))
        cells[f"{name}.uptime"] = Cell(span(row.uptime_s))
        cells[f"{name}.memory"] = Cell(byte_size(row.memory))
    for queue in queue_lines(node.queues(), {})[0]:
        cells[f"queues.{queue.name}.waiting"] = Cell(grouped(queue.waiting))
        cells[f"queues.{queue.name}.in_hand"] = Cell(grouped(queue.in_hand))
    cells["backup.state"] = Cell(backup_sentence(node.backup_state()))
    wrong = len(health.findings(facts))
    cells["alerts.open"] = Cell(str(wrong) if wrong else "", "bad" if wrong else "ok", wrong)
    return cells


def backup_sentence(state: Mapping[str, Any]) -> str:
    """How the last backup went, or that one is being made."""
    if state["running"]:
        return "A backup is being made."
    if not state.get("ended_ms"):
        return "None was made since this node started."
    return "The last one went well." if state["ok"] else f"The last one failed: {state['said']}"


def _stream(state: StreamState, now: int) -> dict[str, Cell]:
    name = f"streams.{state.name}"
    return {
        f"{name}.state": Cell(state.state, _STATE_KINDS.get(state.state, "")),
        f"{name}.hashrate": Cell(scaled(state.hashrate, "slots/s" if state.name == "C" else "H/s")),
        f"{name}.rate": Cell("", number=state.hashrate),
        f"{name}.found": Cell(grouped(state.found)),
        f"{name}.share": Cell(f"{round(state.share * 100)} %"),
        f"{name}.last": Cell(ago(state.last_found_ms, now) if state.last_found_ms else "–"),
    }


def _pool(sums: Sums) -> dict[str, Cell]:
    return {
        "pool.count": Cell(grouped(sums.count)),
        "pool.pending": Cell(grouped(sums.pending)),
        "pool.queued": Cell(grouped(sums.queued)),
        "pool.bytes": Cell(byte_size(sums.bytes)),
    }
