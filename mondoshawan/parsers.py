"""What a variable of the environment may be: parsers from text to value, each with a hint in its ValueError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Bind:
    """A listening address.

    Parameters
    ----------
    host : str
        Address or name, without brackets.
    port : int
        1 to 65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a browser on this machine would reach it."""
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
        host = local.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"http://{host}:{self.port}"


def text(raw: str) -> str:
    """Any text."""
    return raw


def path(raw: str) -> Path:
    """A path, absolute, with the home folder's mark resolved."""
    return Path(raw).expanduser().absolute()


def names(raw: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def networks(raw: str) -> tuple[str, ...]:
    """Networks between commas; ValueError for what is none."""
    found = names(raw)
    for name in found:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError(f"networks are expected, such as 10.0.0.0/8; {name} is none") from None
    return found


def flag(raw: str) -> bool:
    """1 or 0, yes or no; ValueError for another word."""
    lowered = raw.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("1 or 0 is expected")


def bind(raw: str) -> Bind:
    """host:port; ValueError for anything else."""
    host, colon, port = raw.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("host:port is expected, such as 127.0.0.1:8000")
    return Bind(host, int(port))


def url(*schemes: str) -> Callable[[str], str]:
    """A parser of URLs of these schemes."""

    def parse(raw: str) -> str:
        if raw.partition(":")[0] not in schemes:
            raise ValueError(f"a URL is expected that starts with {' or '.join(schemes)}")
        return raw

    return parse


def choice(*values: str) -> Callable[[str], str]:
    """A parser of one of these words."""

    def parse(raw: str) -> str:
        if raw not in values:
            raise ValueError(f"one of {', '.join(filter(None, values))} is expected")
        return raw

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers within these bounds."""

    def parse(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high} is expected")
        return int(raw)

    return parse


def kept(raw: str) -> int:
    """Nothing, or enough history for a reorganisation; ValueError between them."""
    number = integer(0, 10**12)(raw)
    if 0 < number < 1000:
        raise ValueError("0 or at least 1000 is expected")
    return number
