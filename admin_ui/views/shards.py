"""Shards: load, lanes and their workers, the thresholds that send lanes away from the writer."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.doors import door
from admin_ui.guard import page
from admin_ui.roles import Role
from admin_ui.services.queues import queue_lines
from admin_ui.services.shards import shard_lines
from chain.services.node_settings import settings_table
from chain.stores.connection import raw_connection


@page(Role.VIEWER)
def shards(request: HttpRequest) -> HttpResponse:
    """The last epochs' load by shard, and who runs lanes."""
    lines, loads = shard_lines(raw_connection())
    queues, _ = queue_lines(door().queues(), door().queue_ages())
    context = {
        "lines": lines,
        "loads": loads,
        "queue": next(line for line in queues if line.name == "shards"),
        "workers": settings.MDS_SHARD_WORKERS,
        "lanes_away": bool(settings.MDS_LANES_MIN_GAS),
        "thresholds": [view for view in settings_table() if view.key.startswith("node.lanes_")],
    }
    return render(request, "admin_ui/shards.html", context)
