"""The first-run screen: a password of one's own, who is paid, what is mined."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from admin_ui import inputs
from admin_ui.doors import door
from admin_ui.guard import form, keep_refusal
from admin_ui.roles import Role
from admin_ui.services import first_run, users
from chain.core.errors import ConfigError, RequestError
from chain.services import audit, control


@form(Role.ADMIN, "setup.finish")
def setup(request: HttpRequest) -> HttpResponse:
    """One form; what it says is done in its order, and the screen comes back with the first refusal."""
    if first_run.is_set_up():
        return redirect("operator:overview")
    forced = users.must_change(request.user)
    error = ""
    if request.method == "POST":
        try:
            changed = _apply(request, forced)
        except (RequestError, ConfigError) as refused:
            keep_refusal("setup.finish", refused)
            error = refused.message
            forced = users.must_change(request.user)
        else:
            messages.success(request, "The node is set up. What you see here is what its processes report.")
            if changed:
                messages.warning(request, f"{'. '.join(changed)}. The node takes them when all of it starts again.")
                return redirect(reverse("operator:settings") + "#servers")
            return redirect("operator:overview")
    settings = control.mining_settings()
    context = {
        "forced": forced,
        "error": error,
        "coinbase": request.POST.get("coinbase") or ("0x" + settings.coinbase.hex() if settings.coinbase else ""),
        "is_devnet_coinbase": settings.coinbase == control.DEVNET_COINBASE,
        "coinbase_fixed": control.COINBASE_KEY in settings.fixed,
        "streams": [
            (stream.name, _wanted(request, stream.name, settings.is_on(stream)), round(settings.share(stream) * 100))
            for stream in control.STREAMS
        ],
        "services": door().services(),
        "facts": door().facts(),
        "servers": door().server_choices(),
    }
    return render(request, "admin_ui/setup.html", context, status=400 if error else 200)


def _wanted(request: HttpRequest, name: str, now: bool) -> bool:
    return name in request.POST.getlist("streams") if request.method == "POST" else now


def _apply(request: HttpRequest, forced: bool) -> list[str]:
    """Do it; what other servers said that were chosen."""
    urls = inputs.server_urls(request)
    # first, since what follows is done even where a server would not do
    answers = door().try_servers(urls) if any(url is not None for url in urls.values()) else []
    coinbase = inputs.address(inputs.text(request, "coinbase")) if inputs.text(request, "coinbase") else None
    wanted = set(request.POST.getlist("streams"))
    if forced:
        new = request.POST.get("new", "")
        if new != request.POST.get("again", ""):
            raise RequestError("invalid_params", "the two new passwords differ")
        users.change_own_password(request.user, None, new)
        update_session_auth_hash(request, request.user)
    settings = control.mining_settings()
    if coinbase is not None and coinbase != settings.coinbase:
        settings = control.set_coinbase(coinbase)
    for stream in control.STREAMS:
        if stream.name in wanted and not settings.is_on(stream):
            control.start_mining(stream)
        elif stream.name not in wanted and settings.is_on(stream):
            control.stop_mining(stream)
    first_run.finish_setup(request.user.get_username())
    if answers:
        with audit.operation("servers.choose") as trail:
            trail.after = door().choose_servers(urls, first_run.carry(request.user))
    return answers
