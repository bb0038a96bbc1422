"""What a visitor reaches a node through: a plain door that can be shut, or answers as a proxy with nobody behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.tools.ports import free_port

_CHUNK = 1 << 16
_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: close\r\n\r\n"
    b"bad gateway"
)
_TIMED_OUT = (
    b"HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/plain\r\nContent-Length: 16\r\nConnection: close\r\n\r\n"
    b"gateway time-out"
)


class Front:
    """Hands connections on to a port of this machine while it is open."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.says_gateway = False
        # a path for which it does not wait, while the node behind it is well
        self.gives_up_on = ""
        self._target = port
        self._listener: socket.socket | None = None
        self._lines: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse whoever comes, and end what goes through."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            if self.says_gateway:
                line.recv(_CHUNK)
                line.sendall(_GATEWAY)
                return
            with socket.create_connection(("127.0.0.1", self._target)) as behind:
                self._lines |= {line, behind}
                back = threading.Thread(target=_pour, args=(behind, line), daemon=True)
                back.start()
                self._ask(line, behind)
                back.join()
                self._lines -= {line, behind}

    def _ask(self, line: socket.socket, behind: socket.socket) -> None:
        """Hand requests on, each of which comes in one piece from a browser that waits for its answers."""
        with suppress(OSError):
            while data := line.recv(_CHUNK):
                if self.gives_up_on and data.startswith(f"GET {self.gives_up_on} ".encode()):
                    line.sendall(_TIMED_OUT)
                    break
                behind.sendall(data)
        with suppress(OSError):
            behind.shutdown(socket.SHUT_WR)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def front(port: int) -> Iterator[Front]:
    """An open one, shut at the end."""
    one = Front(port)
    one.open()
    yield one
    one.shut()
