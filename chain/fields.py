"""Model fields of chain data: bytes stay ``bytes``, 256-bit amounts stay ``int``, and the database checks both.

The CHECK belongs to the column, so raw SQL and COPY are bound by it as much as the ORM.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

from chain.core.types import UINT64_MAX, UINT256_MAX


class FixedBytesField(models.BinaryField):
    """A ``bytea`` of exactly ``size`` bytes."""

    size = 0

    def __init__(self, size: int, **kwargs: Any) -> None:
        self.size = size
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Carry the size into migrations."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, [self.size, *args], kwargs

    def db_check(self, connection: Any) -> str:
        """The length is checked by the database."""
        return f"octet_length({connection.ops.quote_name(self.column)}) = {self.size}"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> bytes | None:
        """Always ``bytes``, whatever the driver gave."""
        return None if value is None else bytes(value)


class _SizedField(FixedBytesField):
    """A fixed size that the class knows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(self.size, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """The size is no argument."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args[1:], kwargs


class HashField(_SizedField):
    """32 bytes: a hash, a root, a key, a storage slot or value."""

    size = 32


class AddressField(_SizedField):
    """20 bytes: an account."""

    size = 20


class _UintField(models.Field):
    """A non-negative integer too wide for ``bigint``: ``numeric`` in the database, ``int`` in Python."""

    digits = 0
    maximum = 0

    def db_type(self, connection: Any) -> str:
        """Type of the column."""
        return f"numeric({self.digits},0)"

    def db_check(self, connection: Any) -> str:
        """0 ≤ value ≤ maximum."""
        column = connection.ops.quote_name(self.column)
        return f"{column} >= 0 AND {column} <= {self.maximum}"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        """``Decimal`` of the driver to ``int``."""
        return None if value is None else int(value)

    def to_python(self, value: Any) -> int | None:
        """``int`` from deserialised data."""
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Decimal | None:
        """What the driver sends."""
        value = super().get_prep_value(value)
        return None if value is None else Decimal(value)


class Uint256Field(_UintField):
    """0 ≤ x < 2^256: wei, work."""

    digits = 78
    maximum = UINT256_MAX


class Uint64Field(_UintField):
    """0 ≤ x < 2^64, where a peer chooses the value and the upper half must fit."""

    digits = 20
    maximum = UINT64_MAX
