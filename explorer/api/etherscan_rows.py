"""What Etherscan's calls read, and their rows; every value a string, as that API has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from chain.core.shards import shard_of
from chain.core.transactions import decode_transaction
from chain.selectors.query import Query
from chain.selectors.stats import STANDING
from chain.selectors.transactions import ACCEPTANCES_AT, AcceptanceView
from chain.services.network import current_spec
from chain.stores.connection import Connection
from explorer.pages.lines import transaction_lines
from explorer.selectors.tokens import TOKEN

Json = dict[str, Any]

NO_SOURCE = {
    "SourceCode": "",
    "ContractName": "",
    "CompilerVersion": "",
    "OptimizationUsed": "",
    "Runs": "",
    "ConstructorArguments": "",
    "EVMVersion": "Default",
    "Library": "",
    "LicenseType": "Unknown",
    "Proxy": "0",
    "Implementation": "",
    "SwarmSource": "",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of the blocks ``first`` to ``last``: so many after the first ones, in one direction."""

    first: int
    last: int
    skip: int
    size: int
    is_descending: bool

    @property
    def way(self) -> str:
        """SQL's word for the direction."""
        return "DESC" if self.is_descending else "ASC"


def shard(address: bytes) -> int:
    """An address's shard."""
    return shard_of(address, current_spec().shard_count)


def _hex(value: bytes | None) -> str:
    return "" if value is None else "0x" + bytes(value).hex()


def _place(row: Any) -> tuple[int, int]:
    return row[0], row[1]


def transactions(conn: Connection, address: bytes, window: Window) -> list[Json]:
    """txlist: transactions that an address sent, received or was made by."""
    ordered = f'number {window.way}, "index" {window.way}'
    places: Query[tuple[int, int]] = Query(
        'SELECT number, "index" FROM explorer_activity WHERE address = %s AND number BETWEEN %s AND %s'  # noqa: S608
        f" ORDER BY {ordered} OFFSET %s LIMIT %s",
        _place,
    )
    found = places.all(conn, address, window.first, window.last, window.skip, window.size)
    if not found:
        return []
    views = ACCEPTANCES_AT.all(conn, [place[0] for place in found], [place[1] for place in found], len(found))
    head = _head(conn)
    # as the explorer's own lists name them
    names = {line.hash: line.method for line in transaction_lines(conn, views)}
    rows = [_transaction(view, head, names[view.tx]) for view in views]
    return rows if window.is_descending else rows[::-1]


def _head(conn: Connection) -> int:
    standing = STANDING.one(conn)
    return standing.number if standing else 0


def _transaction(view: AcceptanceView, head: int, method: str) -> Json:
    tx = decode_transaction(bytes(view.raw), bytes(view.sender))
    name = "" if tx.to is None else method
    return {
        "blockNumber": str(view.number),
        "timeStamp": str(view.timestamp_ms // 1000),
        "hash": _hex(view.tx),
        "nonce": str(tx.nonce),
        "blockHash": _hex(view.chain_block),
        "transactionIndex": str(view.index),
        "from": _hex(view.sender),
        "to": _hex(tx.to),
        "value": str(tx.value),
        "gas": str(tx.gas_limit),
        "gasPrice": str(view.effective_gas_price),
        "isError": "0" if view.status else "1",
        "txreceipt_status": str(view.status),
        "input": _hex(tx.data),
        "contractAddress": _hex(view.contract_address),
        "cumulativeGasUsed": str(view.cumulative_gas_used),
        "gasUsed": str(view.gas_used),
        "confirmations": str(head - view.number + 1),
        "methodId": _hex(tx.data[:4]) if tx.data else "0x",
        "functionName": "" if name.startswith("0x") else name,
    }


def transfers(conn: Connection, holder: bytes | None, token: bytes | None, standard: int, window: Window) -> list[Json]:
    """tokentx, tokennfttx, token1155tx: movements of an address's or of one contract's tokens."""
    ordered = ", ".join([f"x.{name} {window.way}" for name in ("number", "log_index", "ordinal")])
    where = "x.number BETWEEN %s AND %s"
    args: list[Any] = [window.first, window.last]
    if token is not None:
        # a contract is of one standard: one of another has nothing to look through
        where += (
            " AND x.token = %s AND EXISTS (SELECT 1 FROM explorer_token k WHERE k.address = %s AND k.standard = %s)"
        )
        args += [token, token, standard]
    # each side of an address is read by its index, as far as the window reaches
    sides = ("sender", "recipient") if holder is not None else ("",)
    parts: list[str] = []
    given: list[Any] = []
    for side in sides:
        own = f" AND x.{side} = %s" if side else ""
        parts.append(
            f"(SELECT * FROM explorer_token_transfer x WHERE x.standard = %s AND {where}{own}"  # noqa: S608 - our own names
            f" ORDER BY {ordered} LIMIT %s)"
        )
        given += [standard, *args, *([holder] if side else []), window.skip + window.size]
    query: Query[Json] = Query(
        "SELECT x.number, e.timestamp_ms, a.tx, t.nonce, c.hash, x.sender, x.token, x.recipient, x.amount, x.token_id,"  # noqa: S608
        " k.name, k.symbol, k.decimals, x.tx_index, a.effective_gas_price, a.gas_used, a.cumulative_gas_used,"
        f" n.sink_number, x.standard FROM (SELECT * FROM ({' UNION '.join(parts)}) x"
        f" ORDER BY {ordered} OFFSET %s LIMIT %s) x"
        ' JOIN chain_acceptance a ON a.number = x.number AND a."index" = x.tx_index'
        " JOIN chain_transaction t ON t.hash = a.tx JOIN chain_selected_chain c ON c.number = x.number"
        " JOIN chain_epoch e ON e.hash = c.hash CROSS JOIN chain_node_state n"
        f" LEFT JOIN explorer_token k ON k.address = x.token ORDER BY {ordered}",
        _transfer,
    )
    return query.all(conn, *given, window.skip, window.size)


def _transfer(row: Any) -> Json:
    standard = row[18]
    shown = {
        "blockNumber": str(row[0]),
        "timeStamp": str(row[1] // 1000),
        "hash": _hex(row[2]),
        "nonce": str(int(row[3])),
        "blockHash": _hex(row[4]),
        "from": _hex(row[5]),
        "contractAddress": _hex(row[6]),
        "to": _hex(row[7]),
        "tokenName": row[10] or "",
        "tokenSymbol": row[11] or "",
        "transactionIndex": str(row[13]),
        "gasPrice": str(int(row[14])),
        "gasUsed": str(row[15]),
        "cumulativeGasUsed": str(row[16]),
        "input": "deprecated",
        "confirmations": str(row[17] - row[0] + 1),
    }
    if standard == 20:
        shown |= {"value": str(int(row[8])), "tokenDecimal": str(row[12] or 0)}
    else:
        shown |= {"tokenID": str(int(row[9])), "tokenDecimal": "0"}
        if standard == 1155:
            shown |= {"tokenValue": str(int(row[8]))}
    return shown


def mined(conn: Connection, coinbase: bytes, window: Window) -> list[Json]:
    """getminedblocks: blocks of a coinbase that the selected chain merged."""
    query: Query[Json] = Query(
        "SELECT m.number, b.timestamp_ms, m.reward + m.tips FROM explorer_mined_block m"  # noqa: S608
        " JOIN chain_block b ON b.hash = m.hash WHERE m.coinbase = %s AND m.number BETWEEN %s AND %s"
        f" ORDER BY m.number {window.way}, m.position {window.way} OFFSET %s LIMIT %s",
        lambda row: {"blockNumber": str(row[0]), "timeStamp": str(row[1] // 1000), "blockReward": str(int(row[2]))},
    )
    return query.all(conn, coinbase, window.first, window.last, window.skip, window.size)


def logs(
    conn: Connection,
    first: int,
    last: int,
    address: bytes | None,
    topics: Sequence[Sequence[tuple[int, bytes]]],
    skip: int,
    size: int,
) -> list[Json]:
    """getLogs: logs of a range by address and topics: of each group (place, topic) one must fit."""
    where, args = ["l.number BETWEEN %s AND %s"], [first, last]
    if address is not None:
        where.append("l.address = %s")
        args.append(address)  # type: ignore[arg-type]
    for group in topics:
        where.append(f"({' OR '.join([f'l.topic{place} = %s' for place, _ in group])})")
        args += [topic for _, topic in group]  # type: ignore[misc]
    query: Query[Json] = Query(
        'SELECT l.number, l."index", l.tx_index, l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data, a.tx,'  # noqa: S608
        " c.hash, e.timestamp_ms, a.effective_gas_price, a.gas_used FROM (SELECT * FROM chain_log l"
        f' WHERE {" AND ".join(where)} ORDER BY l.number, l."index" OFFSET %s LIMIT %s) l'
        ' JOIN chain_acceptance a ON a.number = l.number AND a."index" = l.tx_index'
        " JOIN chain_selected_chain c ON c.number = l.number JOIN chain_epoch e ON e.hash = c.hash"
        ' ORDER BY l.number, l."index"',
        _log,
    )
    return query.all(conn, *args, skip, size)


def joined_topics(topics: Mapping[int, bytes], asked: Mapping[str, str]) -> list[list[tuple[int, bytes]]]:
    """Topics in groups: ``topic0_1_opr=or`` puts two into one, of which one must fit; groups must all fit."""
    groups = [[(place, topic)] for place, topic in sorted(topics.items())]
    for first, second in combinations(sorted(topics), 2):
        if asked.get(f"topic{first}_{second}_opr", "and").lower() == "or":
            left, right = [next(g for g in groups if place in dict(g)) for place in (first, second)]
            if left is not right:
                groups.remove(right)
                left += right
    return groups


def _log(row: Any) -> Json:
    return {
        "address": _hex(row[3]),
        "topics": [_hex(topic) for topic in row[4:8] if topic is not None],
        "data": _hex(row[8]) or "0x",
        "blockNumber": hex(row[0]),
        "blockHash": _hex(row[10]),
        "timeStamp": hex(row[11] // 1000),
        "gasPrice": hex(int(row[12])),
        "gasUsed": hex(row[13]),
        "logIndex": hex(row[1]),
        "transactionHash": _hex(row[9]),
        "transactionIndex": hex(row[2]),
    }


def balances(conn: Connection, addresses: Sequence[bytes]) -> dict[bytes, int]:
    """balance, balancemulti: wei of those that exist."""
    query: Query[tuple[bytes, int]] = Query(
        "SELECT a.address, a.balance FROM unnest(%s::smallint[], %s::bytea[]) k(shard, address)"
        " JOIN chain_account_current a ON a.shard = k.shard AND a.address = k.address",
        lambda row: (row[0], int(row[1])),
    )
    return dict(query.all(conn, [shard(address) for address in addresses], list(addresses)))


def creations(conn: Connection, contracts: Sequence[bytes]) -> list[Json]:
    """getcontractcreation: who made contracts, and in which transactions; those that a transaction made directly."""
    query: Query[tuple[bytes, Json]] = Query(
        "SELECT k.address, k.creator, a.tx, k.number FROM explorer_contract k"
        ' JOIN chain_acceptance a ON a.number = k.number AND a."index" = k."index" WHERE k.address = ANY(%s)',
        _creation,
    )
    found = dict(query.all(conn, list(contracts)))
    return [found[contract] for contract in contracts if contract in found]


def _creation(row: Any) -> tuple[bytes, Json]:
    return row[0], {
        "contractAddress": _hex(row[0]),
        "contractCreator": _hex(row[1]),
        "txHash": _hex(row[2]),
        "blockNumber": str(row[3]),
    }


def block_reward(conn: Connection, number: int) -> Json | None:
    """getblockreward: what the miner of a chain block got; the blocks that it merged stand in for uncles."""
    query: Query[tuple[Any, ...]] = Query(
        "SELECT m.hash = c.hash, m.coinbase, m.reward + m.tips, e.timestamp_ms, m.position FROM explorer_mined_block m"
        " JOIN chain_selected_chain c ON c.number = m.number JOIN chain_epoch e ON e.hash = c.hash"
        " WHERE m.number = %s ORDER BY m.position",
        tuple,
    )
    found = query.all(conn, number)
    own = next((row for row in found if row[0]), None)
    if own is None:
        return None
    others = [row for row in found if not row[0]]
    return {
        "blockNumber": str(number),
        "timeStamp": str(own[3] // 1000),
        "blockMiner": _hex(own[1]),
        "blockReward": str(int(own[2])),
        "uncles": [
            {"miner": _hex(row[1]), "unclePosition": str(row[4]), "blockreward": str(int(row[2]))} for row in others
        ],
        "uncleInclusionReward": "0",
    }


def block_by_time(conn: Connection, seconds: int, is_after: bool) -> int | None:
    """getblocknobytime: the chain block nearest to a time on one side."""
    side, way = (">=", "ASC") if is_after else ("<=", "DESC")
    query: Query[int] = Query(
        f"SELECT number FROM explorer_point WHERE timestamp_ms {side} %s ORDER BY timestamp_ms {way}, number {way} LIMIT 1",  # noqa: S608, E501
        lambda row: int(row[0]),
    )
    return query.one(conn, min(seconds, 2**50) * 1000)


def token_supply(conn: Connection, token: bytes) -> str:
    """tokensupply: by the token's events."""
    found = TOKEN.one(conn, token)
    return str(found.supply if found else 0)


def token_balance(conn: Connection, token: bytes, holder: bytes) -> str:
    """tokenbalance: by the token's events."""
    query: Query[int] = Query(
        "SELECT amount FROM explorer_token_holding WHERE token = %s AND address = %s", lambda row: int(row[0])
    )
    return str(query.one(conn, token, holder) or 0)
