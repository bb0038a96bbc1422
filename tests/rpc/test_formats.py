"""Answers to the letter: what is hex, what is null, what is missing, by type of transaction."""

from __future__ import annotations

from typing import Any

from eth_account import Account as Wallet

from chain.core.transactions import decode_transaction
from chain.core.types import Log
from chain.rpc import formats
from chain.rpc.methods.eth_fees import rewards_at
from chain.selectors.rpc import StoredLog
from chain.selectors.transactions import AcceptanceView

# the example of EIP-155
EIP155_RAW = bytes.fromhex(
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866"
    "003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
)
KEY = "0x" + "46" * 32
CHAIN_HASH, BLOCK_HASH = b"\xc1" * 32, b"\xb1" * 32
TO = "0x" + "35" * 20


def accepted(**more: Any) -> AcceptanceView:
    fields: dict[str, Any] = {
        "number": 16, "index": 3, "tx": b"\x01" * 32, "block": BLOCK_HASH, "status": 1, "gas_used": 21_000,
        "cumulative_gas_used": 84_000, "effective_gas_price": 7, "contract_address": None, "first_log": 5,
        "log_count": 0, "phase": 1, "lane": 2, "chain_block": CHAIN_HASH, "raw": b"", "sender": b"",
        "timestamp_ms": 77_999,
    }  # fmt: skip
    return AcceptanceView(**{**fields, **more})


def sign(**fields: Any) -> bytes:
    tx = {"chainId": 1, "nonce": 0, "gas": 90_000, "to": TO, "value": 0, **fields}
    return bytes(Wallet.sign_transaction(tx, KEY).raw_transaction)


def test_a_pending_legacy_transaction() -> None:
    assert formats.transaction(decode_transaction(EIP155_RAW), None) == {
        "blockHash": None,
        "blockNumber": None,
        "blockTimestamp": None,
        "from": "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
        "gas": "0x5208",
        "gasPrice": "0x4a817c800",
        "hash": "0x33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788",
        "input": "0x",
        "nonce": "0x9",
        "to": TO,
        "transactionIndex": None,
        "value": "0xde0b6b3a7640000",
        "type": "0x0",
        "chainId": "0x1",
        "v": "0x25",
        "r": "0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
        "s": "0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
    }


def test_an_accepted_one_has_its_place_and_price() -> None:
    shown = formats.transaction(decode_transaction(EIP155_RAW), accepted())
    assert (shown["blockHash"], shown["blockNumber"]) == ("0x" + "c1" * 32, "0x10")
    assert (shown["transactionIndex"], shown["gasPrice"], shown["blockTimestamp"]) == ("0x3", "0x7", "0x4d")


def test_typed_ones_have_parity_lists_and_fees() -> None:
    key = "0x" + "00" * 31 + "05"
    one = formats.transaction(
        decode_transaction(sign(type=1, gasPrice=9, accessList=[{"address": TO, "storageKeys": [key]}])), None
    )
    assert (one["type"], one["gasPrice"], one["accessList"]) == ("0x1", "0x9", [{"address": TO, "storageKeys": [key]}])
    assert one["yParity"] == one["v"]
    assert "maxFeePerGas" not in one
    two = formats.transaction(decode_transaction(sign(type=2, maxFeePerGas=9, maxPriorityFeePerGas=2)), None)
    assert (two["maxFeePerGas"], two["maxPriorityFeePerGas"], two["gasPrice"]) == ("0x9", "0x2", "0x9")
    assert (two["accessList"], two["yParity"]) == ([], two["v"])
    authorization = Wallet.sign_authorization({"chainId": 0, "address": TO, "nonce": 1}, KEY)
    four = formats.transaction(
        decode_transaction(sign(type=4, maxFeePerGas=9, maxPriorityFeePerGas=2, authorizationList=[authorization])),
        None,
    )
    (part,) = four["authorizationList"]
    assert (part["chainId"], part["address"], part["nonce"]) == ("0x0", TO, "0x1")
    assert sorted(part) == ["address", "chainId", "nonce", "r", "s", "yParity"]


def test_a_creation_names_no_recipient() -> None:
    tx = decode_transaction(sign(type=2, maxFeePerGas=9, maxPriorityFeePerGas=2, to="", data="0x6000"))
    shown = formats.transaction(tx, None)
    assert (shown["to"], shown["input"]) == (None, "0x6000")
    receipt = formats.receipt(tx, accepted(contract_address=b"\x77" * 20), [])
    assert (receipt["to"], receipt["contractAddress"]) == (None, "0x" + "77" * 20)


def test_a_receipt() -> None:
    log = Log(b"\x35" * 20, (b"\xaa" * 32,), b"\x01\x02")
    stored = StoredLog(16, 5, 3, log, b"\x01" * 32, CHAIN_HASH, 77)
    tx = decode_transaction(EIP155_RAW)
    receipt = formats.receipt(tx, accepted(status=0, log_count=1), [stored])
    bloom = receipt.pop("logsBloom")
    assert bin(int(bloom, 16)).count("1") in range(4, 7)
    assert len(bloom) == 2 + 512
    assert receipt == {
        "transactionHash": "0x" + tx.hash.hex(),
        "transactionIndex": "0x3",
        "blockHash": "0x" + "c1" * 32,
        "blockNumber": "0x10",
        "from": "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
        "to": TO,
        "cumulativeGasUsed": "0x14820",
        "gasUsed": "0x5208",
        "contractAddress": None,
        "logs": [
            {
                "address": TO,
                "topics": ["0x" + "aa" * 32],
                "data": "0x0102",
                "blockNumber": "0x10",
                "transactionHash": "0x" + "01" * 32,
                "transactionIndex": "0x3",
                "blockHash": "0x" + "c1" * 32,
                "blockTimestamp": "0x4d",
                "logIndex": "0x5",
                "removed": False,
            }
        ],
        "status": "0x0",
        "effectiveGasPrice": "0x7",
        "type": "0x0",
    }


def test_rewards_are_weighted_by_gas() -> None:
    paid = [(30, 100), (10, 50), (20, 50)]
    assert rewards_at(paid, [0, 25, 26, 50, 51, 100]) == [hex(n) for n in (10, 10, 20, 20, 30, 30)]
    assert rewards_at([], [50]) == ["0x0"]
