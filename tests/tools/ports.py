"""Ports for servers that tests start, which nobody else on the machine takes before the server listens."""

from __future__ import annotations

import random
import socket

# below what Linux and BSD give to outgoing connections (RFC 6335 from 49152 on, Linux from 32768 on): a server that
# is still starting, or stopped for a while, would find its port taken by any connection of its neighbours
_FIRST, _END = 12_000, 32_000
_given: set[int] = set()
# of this process alone: tests seed the generator that all share
_draw = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now; never the same one twice."""
    while True:
        port = _draw.randrange(_FIRST, _END)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
