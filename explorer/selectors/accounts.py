"""An account as it is now, on Django's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.types import EMPTY_CODE_HASH
from chain.selectors.query import Query


@dataclass(frozen=True, slots=True)
class AccountView:
    """Nonce, balance in wei and code after the newest epoch; ``delegate`` where it delegates (EIP-7702)."""

    nonce: int
    balance: int
    code_hash: bytes
    code_size: int
    code: bytes

    @property
    def is_contract(self) -> bool:
        """Whether it has code of its own."""
        return self.code_hash != EMPTY_CODE_HASH and self.delegate is None

    @property
    def delegate(self) -> bytes | None:
        """Whose code it runs, where it is delegated."""
        return self.code[3:] if len(self.code) == 23 and self.code.startswith(b"\xef\x01\x00") else None


def _account(row: Any) -> AccountView:
    code = bytes(row[3] or b"")
    return AccountView(int(row[0]), int(row[1]), bytes(row[2] or EMPTY_CODE_HASH), len(code), code)


# (shard, address)
ACCOUNT: Query[AccountView] = Query(
    "SELECT a.nonce, a.balance, a.code_hash, k.code FROM chain_account_current a"
    " LEFT JOIN chain_code k ON k.hash = a.code_hash WHERE a.shard = %s AND a.address = %s",
    _account,
)
