"""One rpc process: the JSON-RPC application under uvicorn, on a port that it may share with others of its kind."""

from __future__ import annotations

import resource
import socket

import uvicorn

from mondoshawan.env import ENV, Bind

# wallets keep a connection while their user thinks; a close at uvicorn's 5 s meets their next call
KEEP_ALIVE_SECONDS = 75
GRACEFUL_SECONDS = 4
_BACKLOG = 2048


def listen(bind: Bind, *, shared: bool) -> socket.socket:
    """A listening socket; ``shared`` lets several processes have the port, and the kernel spreads connections."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    listener = socket.create_server((bind.host, bind.port), family=family, backlog=_BACKLOG, reuse_port=shared)
    listener.setblocking(False)
    return listener


def config() -> uvicorn.Config:
    """How uvicorn is run."""
    return uvicorn.Config(
        "mondoshawan.rpc_asgi:application",
        loop="uvloop",
        http="chain.rpc.server:RpcProtocol",
        # its contexts cost every subscriber memory, and each head to a thousand of them half a second
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def main() -> None:
    """Serve until a signal ends it."""
    # connections are files: take as many as the system lets this user have
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = listen(ENV.rpc_bind, shared=ENV.rpc_workers > 1)
    uvicorn.Server(config()).run(sockets=[listener])


if __name__ == "__main__":
    main()
