"""Who may operate: an API key with the scope, or a program on this machine where the settings say so."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.conf import settings

from chain.core.errors import RequestCode, RequestError
from chain.rpc.caller import UNKNOWN, Caller, current_caller
from chain.rpc.threads import in_thread
from chain.selectors.mds import api_key
from chain.services.api_keys import digest, note_use
from chain.services.audit import Actor, refuse, set_actor
from chain.services.network import now_ms

LOCAL = "localhost"
_operator: ContextVar[str] = ContextVar("rpc_operator", default="nobody")
current_operator = _operator.get


async def authorise(node: Any, scope: str) -> None:
    """Let the current caller use methods of a scope, and remember who it is.

    Raises
    ------
    RequestError
        forbidden; it does not tell whether a key exists.
    """
    caller = current_caller()
    if caller.key is not None:
        found = await node.read(api_key, digest(caller.key), now_ms())
        if found is not None:
            _act(f"key {found.name}", caller)
            if scope in found.scopes:
                await note_use(node.redis, found.name)
                return
            # somebody who is known tried what the key is not for
            await in_thread(refuse, f"scope.{scope}", RequestError(RequestCode.FORBIDDEN, "the key has not this scope"))
    elif is_local(caller):
        _act(LOCAL, caller)
        return
    raise RequestError(RequestCode.FORBIDDEN, f"an API key with the scope {scope} is needed", scope=scope)


def _act(name: str, caller: Caller) -> None:
    """What the call changes is recorded under this name."""
    _operator.set(name)
    address = caller.address
    set_actor(Actor(name, "rpc", None if address == UNKNOWN else address))


def is_local(caller: Caller) -> bool:
    """Whether the localhost grant holds: never for pages, never for what came through a proxy."""
    granted: bool = settings.MDS_RPC_LOCAL_OPERATOR
    return granted and caller.is_loopback and not caller.is_page and not caller.is_forwarded
