"""What a verification found: coded differences, and an end when there are enough of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from chain.core.errors import StoreError


class EnoughFound(Exception):
    """As many differences as were asked for."""


class Findings:
    """Differences between what is stored and what follows from the blocks, at most ``limit``."""

    def __init__(self, limit: int) -> None:
        self.errors: list[StoreError] = []
        self._limit = max(1, limit)

    def add(self, code: str, message: str = "", **data: Any) -> None:
        """Keep one; raises ``EnoughFound`` with the last that was asked for."""
        self.errors.append(StoreError(code, message or "not what follows from the blocks", **data))
        if len(self.errors) >= self._limit:
            raise EnoughFound

    def equal(self, code: str, got: Any, expected: Any, message: str = "", **data: Any) -> bool:
        """Compare two values."""
        if got == expected:
            return True
        self.add(code, message, **data, got=got, expected=expected)
        return False

    def equal_fields(
        self, code: str, got: Any, expected: Any, leave_out: Iterable[str] = (), prefix: str = "", **data: Any
    ) -> None:
        """Compare two instances of one dataclass field by field; fields that are dataclasses are entered."""
        for item in fields(expected):
            if item.name in leave_out:
                continue
            ours, stored = getattr(expected, item.name), getattr(got, item.name)
            if hasattr(ours, "__dataclass_fields__"):
                self.equal_fields(code, stored, ours, prefix=f"{prefix}{item.name}.", **data)
            else:
                self.equal(code, stored, ours, field=prefix + item.name, **data)

    def equal_rows(
        self,
        table: str,
        names: Sequence[str],
        got: Sequence[Sequence[Any]],
        expected: Sequence[Sequence[Any]],
        **data: Any,
    ) -> None:
        """Compare rows in order; only the first difference of a set of rows is kept."""
        for row, (stored, ours) in enumerate(zip(got, expected)):
            for name, here, there in zip(names, stored, ours, strict=True):
                if here != there:
                    self.add("verify_row", table=table, row=row, column=name, **data, got=here, expected=there)
                    return
        if len(got) != len(expected):
            self.add("verify_row_count", table=table, **data, got=len(got), expected=len(expected))
