"""What ``/ws/operator`` says, message by message.  Every one carries ``v``; a change of meaning raises it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """One value on the pages: its text, the kind it is coloured by, its number where something is drawn of it."""

    text: str
    kind: str = ""
    number: float | None = None

    def to_json(self) -> list[Any]:
        """[text, kind, number], cut where nothing follows."""
        if self.number is not None:
            return [self.text, self.kind, self.number]
        return [self.text, self.kind] if self.kind else [self.text]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All cells as of number ``n``."""

    n: int
    cells: dict[str, list[Any]]
    type: str = "snapshot"
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Delta:
    """The cells that changed from ``n`` - 1 to ``n``; ``gone`` are no more."""

    n: int
    cells: dict[str, list[Any]]
    gone: list[str] = field(default_factory=list)
    type: str = "delta"
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines of the followed log: [level, text]; ``n`` counts these messages of one following."""

    n: int
    log: str
    lines: list[list[str]]
    type: str = "log"
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Refused:
    """An action of the client that was not taken."""

    action: str
    reason: str
    type: str = "refused"
    v: int = VERSION


Message = Snapshot | Delta | LogLines | Refused


def to_json(message: Message) -> dict[str, Any]:
    """The message as JSON carries it."""
    return asdict(message)
