"""The pool of pending transactions, by sender, and taking some out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from admin_ui import inputs
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import Role
from chain.core.errors import RequestError
from chain.services.pool import browse

_BACK = "operator:pool"
SENDERS, TRANSACTIONS = 100, 200
_AGAIN = "Whoever sent it, or any other node, may offer it again; a block that holds it already is not touched."


@page(Role.VIEWER)
def pool(request: HttpRequest) -> HttpResponse:
    """Counts, and who has most."""
    wanted = request.GET.get("sender", "").strip()
    if wanted:
        try:
            return redirect("operator:pool-sender", address=inputs.address(wanted))
        except RequestError as refused:
            messages.error(request, refused.message)
    lines, total = browse.senders(SENDERS)
    limits = {"count": settings.MDS_POOL_MAX_COUNT, "bytes": settings.MDS_POOL_MAX_BYTES}
    context = {"sums": browse.pool_sums(), "senders": lines, "total": total, "limits": limits}
    return render(request, "admin_ui/pool.html", context)


@page(Role.VIEWER)
def sender(request: HttpRequest, address: bytes) -> HttpResponse:
    """One sender's transactions."""
    context = {"address": address, "content": browse.sender_content(address, TRANSACTIONS)}
    return render(request, "admin_ui/pool_sender.html", context)


@action(Role.OPERATOR, _BACK, "pool.drop_transaction")
def drop(request: HttpRequest) -> HttpResponse | None:
    """Take one transaction out."""
    wanted = inputs.tx_hash(inputs.text(request, "tx", 80))
    what = [f"Transaction 0x{wanted.hex()} leaves this node's pool.", "Later ones of its sender wait.", _AGAIN]
    asked = ask_first(request, "Drop this transaction?", what, "Drop it", _BACK)
    if asked is not None:
        return asked
    dropped = browse.drop_transaction(wanted)
    messages.success(request, f"Dropped: nonce {dropped.nonce} of 0x{dropped.sender.hex()} is no longer in the pool.")
    return None


@action(Role.OPERATOR, _BACK, "pool.drop_sender")
def drop_sender(request: HttpRequest) -> HttpResponse | None:
    """Take all of one sender's out."""
    wanted = inputs.address(inputs.text(request, "sender", 60))
    content = browse.sender_content(wanted, 1)
    count = content.line.count if content else 0
    what = [f"{count} transactions of 0x{wanted.hex()} leave this node's pool.", _AGAIN]
    asked = ask_first(request, "Drop all of this sender?", what, f"Drop {count} transactions", _BACK)
    if asked is not None:
        return asked
    messages.success(request, f"Dropped: {browse.drop_sender(wanted)} transactions of 0x{wanted.hex()}.")
    return None
