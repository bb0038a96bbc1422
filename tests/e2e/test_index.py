"""On a running node the index follows by itself, and Otterscan's methods answer from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from explorer.indexers.rebuild import ALL_NAMES
from mondoshawan.appliance import keys, postgres
from mondoshawan.appliance.folder import DataFolder
from tests.core.consensus.mini import dev
from tests.e2e.node import Node, wait_for
from tests.e2e.test_node import ETHER, compile_token, send

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def database(mining_node: Node) -> Iterator[psycopg.Connection[Any]]:
    """The node's database, for looking."""
    folder = DataFolder(mining_node.folder / "devnet", "devnet")
    password = keys.read_text(folder.keys, keys.DATABASE_PASSWORD)
    assert password is not None
    with psycopg.connect(**postgres.connection_info(folder, password, postgres.DATABASE), autocommit=True) as conn:
        yield conn


def test_a_token_is_found_named_and_counted(mining_node: Node, database: psycopg.Connection[Any]) -> None:
    node, w3, owner, friend = mining_node, mining_node.web3(), dev(6).address, dev(7).address
    compiled = compile_token()
    factory = w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    deploy = factory.constructor(1_000 * ETHER).build_transaction(
        {"from": owner, "nonce": 0, "gasPrice": w3.eth.gas_price, "chainId": w3.eth.chain_id}
    )
    first = w3.eth.get_transaction_count(owner, "pending")
    made = send(w3, 6, data=deploy["data"], gas=deploy["gas"])
    token = w3.eth.contract(made["contractAddress"], abi=compiled["abi"])
    move = token.functions.transfer(friend, 7 * ETHER).build_transaction({"from": owner, "gas": 200_000})
    moved = send(w3, 6, to=token.address, data=move["data"], gas=200_000)
    greedy = token.functions.transfer(owner, 10**30).build_transaction({"from": friend, "gas": 200_000})
    failed = send(w3, 7, to=token.address, data=greedy["data"], gas=200_000)
    assert (made["status"], moved["status"], failed["status"]) == (1, 1, 0)
    made_hash, moved_hash, failed_hash = [receipt["transactionHash"].to_0x_hex() for receipt in (made, moved, failed)]

    # whoever has seen a receipt finds it: the search waits for the index
    page = node.rpc("ots_searchTransactionsBefore", token.address, 0, 25)
    assert [tx["hash"] for tx in page["txs"]] == [failed_hash, moved_hash, made_hash]
    assert (page["firstPage"], page["lastPage"]) == (True, True)
    creator = node.rpc("ots_getContractCreator", token.address)
    assert creator == {"hash": made_hash, "creator": owner.lower()}
    assert node.rpc("ots_getTransactionBySenderAndNonce", owner, first + 1) == moved_hash
    assert node.rpc("ots_hasCode", token.address, "latest") is True
    assert [frame["type"] for frame in node.rpc("ots_traceTransaction", made_hash)] == ["CREATE"]
    assert node.rpc("ots_getInternalOperations", moved_hash) == []
    assert b"not enough tokens" in bytes.fromhex(node.rpc("ots_getTransactionError", failed_hash)[2:])
    details = node.rpc("ots_getBlockDetails", moved["blockNumber"])
    assert details["block"]["hash"] == moved["blockHash"].to_0x_hex()

    address = bytes.fromhex(token.address[2:])

    def described() -> Any:
        return database.execute(
            "SELECT name, symbol, decimals, standard, transfers, holders, supply FROM explorer_token"
            " WHERE address = %s AND is_described",
            (address,),
        ).fetchone()

    told = wait_for(described, "the token has a name")
    assert told == ("Test Token", "TST", 18, 20, 2, 2, 1_000 * ETHER)


def test_it_stands_at_the_head(mining_node: Node, database: psycopg.Connection[Any]) -> None:
    def lag() -> Any:
        row = database.execute(
            "SELECT count(*), n.sink_number - min(c.number) FROM explorer_cursor c, chain_node_state n"
            " GROUP BY n.sink_number"
        ).fetchone()
        return row if row is not None and row[1] == 0 else None

    projections, _ = wait_for(lag, "the index has reached the head", 300)
    assert projections == len(ALL_NAMES)
