"""Contracts and who made them."""

from __future__ import annotations

from dataclasses import dataclass

from chain.selectors.query import Query, columns_as


@dataclass(frozen=True, slots=True)
class ContractView:
    """A contract and the epoch that made it; ``index`` and ``creator`` where a transaction did so directly."""

    address: bytes
    number: int
    index: int | None
    creator: bytes | None
    code_hash: bytes
    code_size: int


_COLUMNS = 'SELECT address, number, "index", creator, code_hash, code_size FROM explorer_contract '

# (address)
CONTRACT: Query[ContractView] = Query(f"{_COLUMNS}WHERE address = %s", columns_as(ContractView))
# (number and address below which to go on, limit): newest first
NEWEST_CONTRACTS: Query[ContractView] = Query(
    f"{_COLUMNS}WHERE (number, address) < (%s, %s) ORDER BY number DESC, address DESC LIMIT %s",
    columns_as(ContractView),
)
