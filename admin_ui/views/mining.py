"""Streams, shares, coinbase, ordering policy."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.database import hand_back
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import Role
from admin_ui.services.mining import StreamState, stream_states, wait_for
from chain.core.types import Stream
from chain.services import control

_BACK = "operator:mining"
_DOES = {
    "A": "large blocks, BLAKE3 proof of work, one in ten seconds",
    "B": "medium blocks, kHeavyHash proof of work, one a second",
    "C": "small blocks, VRF lottery without work, ten slots a second; works only while transactions wait",
}


@page(Role.VIEWER)
def mining(request: HttpRequest) -> HttpResponse:
    """What is wanted of the miners, and what they report."""
    settings = control.mining_settings()
    context = {
        "streams": [(state, _DOES[state.name], round(state.share * 100)) for state in stream_states()],
        "coinbase": settings.coinbase,
        "is_devnet_coinbase": settings.coinbase == control.DEVNET_COINBASE,
        "fixed": settings.fixed,
        "ordering": str(settings.ordering),
    }
    return render(request, "admin_ui/mining.html", context)


@action(Role.OPERATOR, _BACK, "mining.start")
def start(request: HttpRequest) -> HttpResponse | None:
    """Start a stream and wait for its miner's word."""
    stream = inputs.stream(request)
    control.start_mining(stream)
    _report(request, stream, lambda state: state.works)
    return None


@action(Role.OPERATOR, _BACK, "mining.stop")
def stop(request: HttpRequest) -> HttpResponse | None:
    """Stop a stream, after a question, and wait for its miner's word."""
    stream = inputs.stream(request)
    what = [
        f"This node makes no more blocks of stream {stream.name}, from about two seconds on and over restarts.",
        "The chain goes on with the blocks of other streams and of other miners, if there are any.",
    ]
    asked = ask_first(request, f"Stop mining stream {stream.name}?", what, f"Stop stream {stream.name}", _BACK)
    if asked is not None:
        return asked
    control.stop_mining(stream)
    _report(request, stream, lambda state: state.state == "stopped")
    return None


@action(Role.OPERATOR, _BACK, "mining.set_share")
def share(request: HttpRequest) -> None:
    """Give a stream another share of one core."""
    stream = inputs.stream(request)
    wanted = inputs.share(inputs.text(request, "share", 10))
    control.set_share(stream, wanted)
    _report(request, stream, lambda state: state.share == wanted)


@action(Role.OPERATOR, _BACK, "mining.set_coinbase")
def coinbase(request: HttpRequest) -> HttpResponse | None:
    """Pay another account, after a question."""
    wanted = inputs.address(inputs.text(request, "coinbase", 60))
    what = [f"From the next template on, every block that this node finds pays 0x{wanted.hex()}."]
    asked = ask_first(request, "Pay another account?", what, "Pay this account", _BACK)
    if asked is not None:
        return asked
    changed = control.set_coinbase(wanted)
    paid = changed.coinbase.hex() if changed.coinbase else ""
    messages.success(request, f"The miners' templates pay 0x{paid} now.")
    return None


@page(Role.VIEWER)
def ordering(request: HttpRequest) -> HttpResponse:
    """In which order this node's blocks take waiting transactions."""
    return render(request, "admin_ui/ordering.html", {"policy": control.ordering_policy()})


@action(Role.OPERATOR, "operator:ordering", "mining.set_ordering")
def choose_ordering(request: HttpRequest) -> None:
    """Choose a policy."""
    changed = control.set_ordering_policy(inputs.text(request, "policy", 40))
    messages.success(request, f"Templates are ordered by {changed.ordering} from now on.")


def _report(request: HttpRequest, stream: Stream, wanted: Callable[[StreamState], bool]) -> None:
    """Tell what the miner says, not what the form said."""
    # waiting needs no database
    hand_back()
    state = wait_for(stream, wanted)
    said = f"stream {state.name} is {state.state}, its share is {round(state.share * 100)} % of one core"
    if wanted(state):
        messages.success(request, f"Done: the miner reports that {said}.")
    else:
        messages.warning(request, f"Asked, but not confirmed yet: the miner reports that {said}.")
