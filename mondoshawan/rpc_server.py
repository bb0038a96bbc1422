"""One rpc process: the JSON-RPC application under uvicorn, on a port that it may share with others of its kind."""

from __future__ import annotations

import resource
import socket
from types import FrameType
from typing import Any, cast

import uvicorn

from mondoshawan import cycles, ending
from mondoshawan.env import Bind, current

# wallets keep a connection while their user thinks; a close at uvicorn's 5 s meets their next call
KEEP_ALIVE_SECONDS = 75
GRACEFUL_SECONDS = 4
_BACKLOG = 2048


def listen(bind: Bind, *, shared: bool) -> socket.socket:
    """A listening socket; ``shared`` lets several processes have the port, and the kernel spreads connections."""
    family, _, _, _, address = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG, reuse_port=shared)
    listener.setblocking(False)
    return listener


def config() -> uvicorn.Config:
    """How uvicorn is run."""
    # sets Django up, which the other needs
    from mondoshawan.rpc_asgi import application  # isort: skip
    from chain.rpc.server import RpcProtocol  # isort: skip

    return uvicorn.Config(
        cast("Any", application),
        loop="uvloop",
        http=RpcProtocol,
        # its contexts cost every subscriber memory, and each head to a thousand of them half a second
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


class OrderlyServer(uvicorn.Server):
    """uvicorn's server: a signal's end is exit code 0, and a second one does not wait for requests in hand."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called for each signal."""
        self.force_exit = self.should_exit
        self.should_exit = True


def main() -> None:
    """Serve until a signal ends it."""
    # connections are files: take as many as the system lets this user have
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    env = current()
    listener = listen(env.rpc_bind, shared=env.rpc_workers > 1)
    server = OrderlyServer(config())
    cycles.settle()
    server.run(sockets=[listener])
    if server.started:
        ending.leave()


if __name__ == "__main__":
    main()
