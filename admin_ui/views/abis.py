"""ABIs that operators publish for everybody who reads the explorer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import Role, role_of
from chain.core.errors import RequestCode, RequestError
from chain.stores.connection import database_errors, raw_connection
from explorer import published
from explorer.contract_abi import MAX_TEXT

_BACK = "operator:abis"
_SHOWN = 200


@page(Role.VIEWER)
def abis(request: HttpRequest) -> HttpResponse:
    """What is published, and the form; ``?address=`` fills it in."""
    with database_errors():
        rows = published.newest(raw_connection(), _SHOWN)
    asked = request.GET.get("address", "")[:42]
    return render(request, "admin_ui/abis.html", {"rows": rows, "asked": asked, "most": MAX_TEXT})


@action(Role.OPERATOR, _BACK, "abi.publish")
def publish(request: HttpRequest) -> HttpResponse | None:
    """Publish one in place of what was there; only an admin may where none of its functions is in the code."""
    address = inputs.address(inputs.text(request, "address", 60))
    name = inputs.text(request, "name", 200)
    is_unchecked = request.POST.get("unchecked") == "yes"
    if is_unchecked and role_of(request.user) < Role.ADMIN:
        raise RequestError(RequestCode.FORBIDDEN, "only an admin publishes an ABI unchecked")
    done = published.publish(address, name, request.POST.get("abi", ""), is_unchecked=is_unchecked)
    told = f"{done.matched} of its {done.functions} functions are in the contract's code"
    messages.success(request, f"The ABI of {done.name} is published; {told}.")
    return None


@action(Role.OPERATOR, _BACK, "abi.withdraw")
def withdraw(request: HttpRequest) -> HttpResponse | None:
    """Take one back, after a question."""
    text = inputs.text(request, "address", 60)
    address = inputs.address(text)
    what = ["Inputs, logs and errors of this contract are shown as hex again, but for what every contract has.",
            "It can be published anew."]  # fmt: skip
    asked = ask_first(request, f"Withdraw the ABI of {text}?", what, "Withdraw it", _BACK)
    if asked is not None:
        return asked
    published.withdraw(address)
    messages.success(request, "The ABI is withdrawn.")
    return None
