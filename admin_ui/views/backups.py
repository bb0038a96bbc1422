"""Backups: what there is, and making one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.doors import door
from admin_ui.guard import action, page
from admin_ui.roles import Role
from admin_ui.services.cells import backup_sentence
from chain.services import audit


@page(Role.VIEWER)
def backups(request: HttpRequest) -> HttpResponse:
    """Files of the backup folder, and how the last one went."""
    state = door().backup_state()
    context = {
        "backups": door().backups(),
        "state": state,
        "said": backup_sentence(state),
        "folder": door().facts()["data folder"],
    }
    return render(request, "admin_ui/backups.html", context)


@action(Role.ADMIN, "operator:backups", "backup.start")
def start(request: HttpRequest) -> None:
    """Begin one; the page shows when it is there."""
    with audit.operation("backup.start"):
        door().start_backup()
    messages.success(request, "The node makes a backup; this page shows it when it is whole.")
