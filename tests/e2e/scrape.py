"""A node's ``/metrics`` as numbers, and real work that moves them."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from chain.core import rlp
from chain.core.codec import blake3_hash, tx_root
from chain.core.seals import search_a, search_b, sign_c, vrf
from chain.core.seals.eligibility import vrf_alpha
from chain.core.shards import shard_of
from chain.core.transactions import keccak
from chain.services.mining.lease import is_leased
from mondoshawan.appliance import redis_server
from mondoshawan.appliance.folder import DataFolder
from tests.core.consensus.mini import dev
from tests.e2e.node import PATIENCE_S, ROOT, Node, wait_for

GWEI = 10**9
# places of the chain number and of the root over the transactions in a header's list
NUMBER_AT, TX_ROOT_AT = 9, 12
# stores 1 when called without data, reverts when called with some
CONTRACT = "0x601080600b6000396000f3" + "36156009576000" + "80fd5b600160005500"


@dataclass
class Scrape:
    """What one scrape showed: samples by name, and types by family."""

    text: str
    samples: dict[str, list[tuple[dict[str, str], float]]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for family in text_string_to_metric_families(self.text):
            self.types[family.name] = family.type
            for sample in family.samples:
                self.samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def sum(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 where there is none."""
        found = self.samples.get(f"mondoshawan_{name}", [])
        return sum(value for having, value in found if labels.items() <= having.items())

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label."""
        return {having[label] for having, _ in self.samples.get(f"mondoshawan_{name}", [])}


def scrape(node: Node) -> Scrape:
    """Ask the node."""
    answer = requests.get(f"{node.web_url}/metrics", timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text[:500]
    return Scrape(answer.text)


@contextmanager
def operator(node: Node) -> Iterator[Operator]:
    """Somebody with a key for the mining methods, for a while."""
    name = f"test-{secrets.token_hex(4)}"
    done = subprocess.run(
        [sys.executable, "manage.py", "api_key", "create", name, "--scope", "mining"],
        cwd=ROOT, env=node.environment, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    one = Operator(node, done.stdout.split()[-1])
    try:
        yield one
    finally:
        for stream in "ABC":
            one.call("mds_startMining", stream)


@dataclass
class Operator:
    """Starts and stops the node's own miners."""

    node: Node
    key: str

    def call(self, method: str, *params: Any) -> Any:
        """A call with the key."""
        answer = requests.post(
            self.node.rpc_url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
            headers={"Authorization": f"Bearer {self.key}"}, timeout=PATIENCE_S,
        ).json()  # fmt: skip
        assert "result" in answer, answer
        return answer["result"]

    def stop_mining(self) -> None:
        """Stop all streams, and wait until the last slice is over and the writer has nothing left."""
        for stream in "ABC":
            self.call("mds_stopMining", stream)
        # a stream that is stopped is no longer active at once, though its last slice may find another block
        with redis_server.client(DataFolder(self.node.folder / "devnet", "devnet")) as redis:
            wait_for(lambda: not any(is_leased(redis, stream) for stream in "ABC"), "the last slices are over")
        wait_for(lambda: scrape(self.node).sum("writer_queue_blocks") == 0, "the writer is done")


def secret_of(node: Node) -> bytes:
    """The node's VRF seed: its own key has the weight that wins slots."""
    return bytes.fromhex((node.folder / "devnet" / "keys" / "vrf.key").read_text().strip())


def template(node: Node, stream: str, coinbase: int) -> dict[str, Any]:
    """A template that pays a development account and carries the node's own key."""
    options = {"coinbase": dev(coinbase).address, "vrfKey": "0x" + vrf.public_key(secret_of(node)).hex()}
    made = node.rpc("mds_getBlockTemplate", stream, options)
    assert "header" in made, made
    return made


def sealed(node: Node, made: dict[str, Any], *, wrong_number: bool = False, also: Sequence[str] = ()) -> str:
    """The block of a template in hex, its seal found.

    ``wrong_number``: with a number that breaks a rule of context; ``also``: with these transactions behind its own.
    """
    header = rlp.decode_list(bytes.fromhex(made["header"][2:]))
    body = [bytes.fromhex(raw[2:]) for raw in (*made["transactions"], *also)]
    if wrong_number:
        header[NUMBER_AT] = rlp.int_to_bytes(rlp.bytes_to_int(header[NUMBER_AT]) + 1)
    header[TX_ROOT_AT] = tx_root([keccak(raw) for raw in body])
    changed = wrong_number or also
    pre_hash = blake3_hash(rlp.encode(header)) if changed else bytes.fromhex(made["preHash"][2:])
    if made["stream"] == "C":
        proof = vrf.prove(secret_of(node), vrf_alpha(bytes.fromhex(made["seed"][2:]), int(made["slot"])))
        seal: tuple[bytes, ...] | None = sign_c(secret_of(node), pre_hash, proof)
    else:
        seal, nonce, target = None, secrets.randbits(63), int(made["target"], 16)
        while seal is None:
            if made["stream"] == "A":
                seal = search_a(pre_hash, target, nonce, 1 << 18)
            else:
                seal = search_b(pre_hash, made["timestampMs"], target, nonce, 1 << 13)
            nonce += 1 << 18
    return "0x" + rlp.wrap_list(rlp.encode([*header, seal]) + rlp.encode(body)).hex()


def twins(node: Node) -> tuple[str, str]:
    """Two different C blocks of one slot on one virtual block: at most one of them can be blue."""
    for _ in range(200):
        one, two = template(node, "C", 8), template(node, "C", 9)
        if one["slot"] == two["slot"]:
            return sealed(node, one), sealed(node, two)
        time.sleep(0.01)
    raise AssertionError("no two templates of one slot")


def sign(node: Node, index: int, nonce: int, **fields: Any) -> str:
    """A signed transaction in hex."""
    if "to" in fields:
        fields["to"] = bytes.fromhex(fields["to"][2:])
    signed = dev(index).sign_transaction(
        {"chainId": int(node.rpc("eth_chainId"), 16), "nonce": nonce, "gas": 21_000, "maxFeePerGas": 1000 * GWEI,
         "maxPriorityFeePerGas": GWEI, "value": 0, **fields}
    )  # fmt: skip
    return "0x" + bytes(signed.raw_transaction).hex()


def offer(node: Node, index: int, **fields: Any) -> str:
    """Sign and send with the next nonce; the hash."""
    nonce = int(node.rpc("eth_getTransactionCount", dev(index).address, "pending"), 16)
    tx_hash = node.rpc("eth_sendRawTransaction", sign(node, index, nonce, **fields))
    assert isinstance(tx_hash, str), tx_hash
    return tx_hash


def receipt(node: Node, tx_hash: str) -> dict[str, Any]:
    """Wait for a receipt."""
    return wait_for(lambda: node.rpc("eth_getTransactionReceipt", tx_hash), f"receipt of {tx_hash}")


def shard(address: str) -> int:
    """Of an address in hex."""
    return shard_of(bytes.fromhex(address[2:]), 10)


def neighbour(address: str, *, same: bool) -> str:
    """An unused address in the same shard, or in another one."""
    while True:
        made = "0x" + secrets.token_hex(20)
        if (shard(made) == shard(address)) == same:
            return made
