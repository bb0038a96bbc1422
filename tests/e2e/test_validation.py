"""A stranger's block with transactions, whose body a `validate` worker judges before the writer sees it."""

from __future__ import annotations

from itertools import count

import pytest

from chain.core import rlp
from chain.core.seals import search_b
from tests.core.consensus.mini import dev
from tests.e2e.node import Node, running_node, wait_for

pytestmark = pytest.mark.e2e
MINER = "0x" + "55" * 20


def mine_outside(node: Node) -> tuple[str, str] | None:
    """One block of stream B as an external miner makes it: (hash, status), or None if virtual moved meanwhile."""
    template = node.rpc("mds_getBlockTemplate", "B", {"coinbase": MINER})
    if not template.get("transactions"):
        return None
    pre_hash, target = bytes.fromhex(template["preHash"][2:]), int(template["target"], 16)
    for batch in count():
        seal = search_b(pre_hash, template["timestampMs"], target, batch << 15, 1 << 15)
        if seal is not None:
            break
        if batch > 64:
            return None
    header = rlp.decode_list(bytes.fromhex(template["header"][2:]))
    body = [bytes.fromhex(raw[2:]) for raw in template["transactions"]]
    answer = node.rpc("mds_submitBlock", "0x" + rlp.encode([[*header, list(seal)], body]).hex())
    return answer["hash"], answer["status"]


def test_a_strangers_block_goes_through_a_worker_onto_the_chain():
    # no miners of ours: they would take the transactions, and their own blocks bring senders along
    with running_node(MDS_VALIDATE_INLINE_TXS="0", MDS_PROCESSES="-mine") as node:
        w3 = node.web3()
        account = dev(6)
        signed = [
            account.sign_transaction(
                {"chainId": w3.eth.chain_id, "nonce": nonce, "gasPrice": w3.eth.gas_price, "gas": 21_000,
                 "to": MINER, "value": 1}
            ).raw_transaction
            for nonce in range(3)
        ]  # fmt: skip
        hashes = [w3.eth.send_raw_transaction(raw) for raw in signed]
        block_hash, status = wait_for(lambda: mine_outside(node), "a block is found")
        assert status == "validating"
        receipts = [w3.eth.wait_for_transaction_receipt(tx, 60, 0.1) for tx in hashes]
        assert [receipt["status"] for receipt in receipts] == [1, 1, 1]
        assert {"0x" + receipt["blockHash"].hex().removeprefix("0x") for receipt in receipts} == {block_hash}
        assert node.number() == 1
        # the block's reward, its tips and the three wei
        assert w3.eth.get_balance(w3.to_checksum_address(MINER)) > 25 * 10**18
