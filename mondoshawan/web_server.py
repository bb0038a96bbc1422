"""The web process: Daphne, with an orderly end.

Daphne cancels everything at a signal.  Here it first stops listening, tells each WebSocket why it is closed (1001,
RFC 6455 section 7.4.1), and lets requests in hand come to their end for a few seconds.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.defer import Deferred

from mondoshawan import cycles, ending

GOING_AWAY = 1001
REASON = "the node stops or restarts, come back"
GRACE_S = 4.0
# what a browser needs to answer a closing frame
_FAREWELL_S = 0.2


class OrderlyServer(Server):  # type: ignore[misc]
    """Daphne's server; its end takes ``GRACE_S`` at most."""

    def kill_all_applications(self) -> Deferred[Any]:
        """Called once, before the reactor stops, which waits for what is returned."""
        ended = Deferred.fromFuture(asyncio.ensure_future(self._farewell()))
        ended.addBoth(lambda _: Server.kill_all_applications(self))
        return ended

    async def _farewell(self) -> None:
        for listener in self.listeners:
            port = getattr(listener, "result", None)
            if port is not None:
                port.stopListening()
        waiting = []
        for protocol, details in list(self.connections.items()):
            if isinstance(protocol, WebSocketProtocol):
                if protocol.state == protocol.STATE_OPEN:
                    protocol.sendCloseFrame(code=GOING_AWAY, reasonUtf8=REASON.encode(), isReply=False)
                continue
            instance = details.get("application_instance")
            if instance is not None and not instance.done():
                waiting.append(instance)
        if waiting:
            await asyncio.wait(waiting, timeout=GRACE_S)
        await asyncio.sleep(_FAREWELL_S)


class Cli(CommandLineInterface):  # type: ignore[misc]
    """Daphne's command line with our server."""

    server_class = OrderlyServer


if __name__ == "__main__":
    cycles.settle()
    Cli().run(sys.argv[1:])
    ending.leave()
