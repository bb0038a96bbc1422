"""Traffic that gives every page of a node something to show."""

from __future__ import annotations

import random
import time
from threading import Event
from typing import Any

from eth_account import Account as Wallet
from web3 import Web3
from web3.contract import Contract

from tests.core.consensus.mini import dev
from tests.e2e import scrape as tools
from tests.e2e.contracts import compiled
from tests.e2e.node import Node, wait_for

ETHER = 10**18
GWEI = 10**9
HOSTILE = "<script>alert(1)</script>"
LONGEST = "A token whose name is as long as its contract lets it, and longer"[:64]
# who deploys, and whose tokens these are at first
MAKER = 1
Pages = dict[str, str]


class Scenery:
    """Makes the traffic, and notes under which address of the web each sight is."""

    def __init__(self, node: Node, tokens: dict[str, str] | None = None) -> None:
        self.node = node
        self.w3 = node.web3()
        self.chain_id = self.w3.eth.chain_id
        self.draw = random.Random(7)
        self.people = [Wallet.from_key(Web3.keccak(text=f"person {number}")) for number in range(24)]
        self.pages: Pages = {}
        self.tokens = {
            name: self.w3.eth.contract(Web3.to_checksum_address(address), abi=compiled("coin").abi)
            for name, address in (tokens or {}).items()
        }

    def make(self) -> Pages:
        """All of it; path by name of the sight."""
        wait_for(lambda: "parents" in self.node.rpc("mds_getVirtual"), "the writer has published", 120)
        self._miners()
        self._money()
        tokens = self._tokens()
        self.tokens = {name: tokens[name] for name in ("coin", "dollar")}
        self._market(tokens)
        self._failures(tokens["coin"])
        self._kinds()
        self.crowd(45)
        self._not_taken()
        self._places()
        return self.pages

    # ---- sending ----

    def send(self, account: Any, **fields: Any) -> str:
        """Sign with the next nonce and send; the hash."""
        filled: dict[str, Any] = {
            "chainId": self.chain_id,
            "nonce": self.w3.eth.get_transaction_count(account.address, "pending"),
            "gas": 21_000,
            "value": 0,
            **fields,
        }
        if "gasPrice" not in filled:
            filled = {"maxFeePerGas": 50 * GWEI, "maxPriorityFeePerGas": self.draw.randint(1, 4) * GWEI} | filled
        return Web3.to_hex(self.w3.eth.send_raw_transaction(account.sign_transaction(filled).raw_transaction))

    def done(self, tx_hash: str) -> dict[str, Any]:
        """Its receipt."""
        return tools.receipt(self.node, tx_hash)

    def call(self, account: Any, function: Any, **fields: Any) -> str:
        """Send a contract's function."""
        return self.send(
            account, to=function.address, data=function._encode_transaction_data(), **({"gas": 300_000} | fields)
        )

    def deploy(self, name: str, *arguments: Any) -> tuple[Contract, str]:
        """A contract of ``tests.e2e.contracts``, and the hash that made it."""
        code = compiled(name)
        factory = self.w3.eth.contract(abi=code.abi, bytecode=code.bytecode)
        made = self.send(dev(MAKER), data=factory.constructor(*arguments).data_in_transaction, gas=3_000_000)
        receipt = self.done(made)
        assert int(receipt["status"], 16) == 1, (name, receipt)
        address = Web3.to_checksum_address(receipt["contractAddress"])
        return self.w3.eth.contract(address, abi=code.abi), made

    # ---- sights ----

    def _miners(self) -> None:
        """Blocks of several coinbases, and enough work below the lottery."""
        for coinbase in (8, 9, 8, 9):
            block = tools.sealed(self.node, tools.template(self.node, "B", coinbase))
            self.node.rpc("mds_submitBlock", block)
        while self.node.rpc("mds_getDagStats")["workScore"] <= 6:
            self.node.rpc("mds_submitBlock", tools.sealed(self.node, tools.template(self.node, "B", 8)))

    def _money(self) -> None:
        """Transfers within a shard and across; the people get something to spend."""
        me = dev(2)
        near = self.send(me, to=Web3.to_checksum_address(tools.neighbour(me.address, same=True)), value=3 * ETHER)
        far = self.send(me, to=Web3.to_checksum_address(tools.neighbour(me.address, same=False)), value=5 * ETHER)
        for place, person in enumerate(self.people):
            last = self.send(dev(3 + place % 4), to=person.address, value=self.draw.randint(20, 900) * ETHER // 10)
        for tx_hash in (near, far, last):
            self.done(tx_hash)
        self.pages |= {"tx-transfer": f"/tx/{near}", "tx-across-shards": f"/tx/{far}"}

    def _tokens(self) -> dict[str, Contract]:
        """One of each standard, one with a hostile name and one with a long one."""
        coin, made = self.deploy("coin", "Lantern", "LNT", 18, 1_000_000 * ETHER)
        dollar, _ = self.deploy("coin", "Harbour Dollar", "HUSD", 6, 25_000_000 * 10**6)
        hostile, _ = self.deploy("coin", HOSTILE, "<b>XSS</b>", 0, 666)
        self.deploy("coin", LONGEST, "LONGESTSYMBOL", 18, 10**30)
        art, _ = self.deploy("art", "Night Gardens", "NGD")
        goods, _ = self.deploy("goods", "Workshop Goods", "WSG")
        market, _ = self.deploy("market")
        maker = dev(MAKER)
        for person in self.people:
            moved = self.call(maker, coin.functions.transfer(person.address, self.draw.randint(1, 4000) * ETHER // 7))
            self.call(maker, dollar.functions.transfer(person.address, self.draw.randint(10**6, 10**10)))
        self.call(maker, hostile.functions.transfer(self.people[0].address, 13))
        for number in range(1, 13):
            minted = self.call(maker, art.functions.mint(self.people[number].address, number * 1009))
        for kind in (1, 2, 3, 2**200 + 5):
            self.call(maker, goods.functions.mint(maker.address, kind, 500))
        given = self.call(maker, goods.functions.give(self.people[3].address, [1, 2, 3], [20, 30, 5]))
        for tx_hash in (moved, minted, given):
            assert int(self.done(tx_hash)["status"], 16) == 1
        self.pages |= {
            "tx-contract-creation": f"/tx/{made}",
            "tx-token-transfer": f"/tx/{moved}",
            "tx-batch": f"/tx/{given}",
            "token-erc20": f"/token/{coin.address}",
            "token-erc20-holders": f"/token/{coin.address}?tab=holders",
            "token-erc721": f"/token/{art.address}",
            "token-erc1155": f"/token/{goods.address}",
            "token-hostile": f"/token/{hostile.address}",
            "address-contract": f"/address/{coin.address}",
            "address-contract-code": f"/address/{coin.address}/contract",
            "address-contract-transfers": f"/address/{coin.address}/transfers",
            "address-person": f"/address/{self.people[3].address}",
            "address-person-transfers": f"/address/{self.people[3].address}/transfers",
            "address-person-tokens": f"/address/{self.people[3].address}/tokens",
        }
        return {"coin": coin, "dollar": dollar, "art": art, "goods": goods, "market": market}

    def _market(self, tokens: dict[str, Contract]) -> None:
        """A call that calls: coins, a piece and money change hands."""
        buyer, seller, piece = self.people[20], self.people[5], 5 * 1009
        coin, art, market = tokens["coin"], tokens["art"], tokens["market"]
        self.call(dev(MAKER), coin.functions.transfer(buyer.address, 500 * ETHER))
        self.done(self.call(buyer, coin.functions.approve(market.address, 2**256 - 1)))
        self.done(self.call(seller, art.functions.approve(market.address, piece)))
        bought = self.call(
            buyer, market.functions.buy(coin.address, art.address, piece, 120 * ETHER), gas=900_000, value=ETHER // 4
        )
        assert int(self.done(bought)["status"], 16) == 1
        self.pages |= {
            "tx-calls-inside": f"/tx/{bought}",
            "address-internal": f"/address/{seller.address}/internal",
        }

    def _failures(self, coin: Contract) -> None:
        """A revert with its reason, and a creation that runs out of gas."""
        reverted = self.call(self.people[7], coin.functions.transfer(self.people[8].address, 10**30))
        starved = self.send(dev(MAKER), data="0x" + "5b600056" + "00" * 40, gas=120_000)
        assert [int(self.done(tx_hash)["status"], 16) for tx_hash in (reverted, starved)] == [0, 0]
        self.pages |= {"tx-reverted": f"/tx/{reverted}", "tx-creation-failed": f"/tx/{starved}"}

    def _kinds(self) -> None:
        """Types 0, 1 and 4."""
        self.send(dev(4), to=self.people[2].address, value=ETHER, gasPrice=20 * GWEI)
        entry = {"address": self.people[2].address, "storageKeys": ["0x" + "00" * 32]}
        listed = self.send(
            dev(4), to=self.people[2].address, value=1, gasPrice=20 * GWEI, gas=60_000, accessList=[entry]
        )
        authority = self.people[9]
        word = {"chainId": self.chain_id, "address": self.people[2].address, "nonce": 0}
        delegated = self.send(
            dev(5), to=authority.address, gas=200_000, authorizationList=[authority.sign_authorization(word)]
        )
        self.done(listed)
        self.done(delegated)
        self.pages |= {
            "tx-access-list": f"/tx/{listed}",
            "tx-delegation": f"/tx/{delegated}",
            "address-delegated": f"/address/{authority.address}",
        }

    def crowd(self, seconds: float, enough: Event | None = None) -> None:
        """For a while many send something, now more and now less; the event ends it earlier."""
        enough = enough or Event()
        end = time.monotonic() + seconds
        free = [person for place, person in enumerate(self.people) if place not in (9, 11, 12, 13)]
        nonces = {person.address: self.w3.eth.get_transaction_count(person.address, "pending") for person in free}
        while time.monotonic() < end and not enough.is_set():
            for person in self.draw.sample(free, self.draw.choice((1, 2, 5, 9))):
                other = self.draw.choice(self.people)
                nonce = nonces[person.address]
                nonces[person.address] += 1
                if self.draw.random() < 0.3:
                    token = self.tokens[self.draw.choice(("coin", "dollar"))]
                    amount = self.draw.randint(1, 400) * 10 ** (15 if token is self.tokens["coin"] else 4)
                    self.call(person, token.functions.transfer(other.address, amount), nonce=nonce)
                else:
                    self.send(person, to=other.address, value=self.draw.randint(1, 10**17), nonce=nonce)
            time.sleep(self.draw.choice((0.1, 0.5, 1.5)))

    def _not_taken(self) -> None:
        """Waiting behind a gap, replaced by another of its nonce, carried and left out."""
        waits = self.people[11]
        nonce = self.w3.eth.get_transaction_count(waits.address, "pending")
        for step in (2, 3, 5):
            pending = self.send(waits, to=self.people[1].address, value=ETHER // 10, nonce=nonce + step)
        loser = self.people[12]
        nonce = self.w3.eth.get_transaction_count(loser.address, "pending")
        replaced = self._signed(loser, nonce, 1)
        gapped = self._signed(self.people[13], self.w3.eth.get_transaction_count(self.people[13].address) + 4, 2)
        winner = self.send(loser, to=self.people[1].address, value=7, nonce=nonce)
        self.done(winner)
        block = tools.sealed(self.node, tools.template(self.node, "B", 8), also=[replaced, gapped])
        carrier = self.node.rpc("mds_submitBlock", block)["hash"]
        merged = wait_for(lambda: self._merged_by(carrier), "the block that carries them is merged", 120)
        self.pages |= {
            "tx-pending": f"/tx/{pending}",
            "tx-replaced": f"/tx/{Web3.to_hex(Web3.keccak(hexstr=replaced))}",
            "tx-left-out": f"/tx/{Web3.to_hex(Web3.keccak(hexstr=gapped))}",
            "block-with-left-out": f"/block/{merged}",
            "pool-sender": f"/operator/pool/sender/{waits.address}/",
        }

    def _signed(self, account: Any, nonce: int, value: int) -> str:
        """An envelope that the pool never sees."""
        fields = {"chainId": self.chain_id, "nonce": nonce, "to": self.people[1].address, "value": value}
        fees = {"gas": 21_000, "maxFeePerGas": 50 * GWEI, "maxPriorityFeePerGas": GWEI}
        return Web3.to_hex(account.sign_transaction(fields | fees).raw_transaction)

    def _merged_by(self, block: str) -> int | None:
        """Number of the chain block whose epoch has it."""
        found = self.node.rpc("mds_getBlock", block) or {}
        numbers = (found.get("mergedBy"), found.get("chainNumber"))
        return next((number for number in numbers if number is not None), None)

    def _places(self) -> None:
        """Blocks of each stream, of a red block if there is one, and the figures' pages."""
        number = self.node.number()
        for at in range(number, max(0, number - 400), -1):
            block = self.node.rpc("eth_getBlockByNumber", hex(at), False)
            name = f"block-{block['stream'].lower()}"
            if name not in self.pages or (block["transactions"] and f"{name}-full" not in self.pages):
                self.pages[name] = f"/block/{block['hash']}"
                if block["transactions"]:
                    self.pages[f"{name}-full"] = self.pages[name]
        for name in [name for name in self.pages if name.endswith("-full")]:
            self.pages[name.removesuffix("-full")] = self.pages.pop(name)
        self.pages |= {
            "block-genesis": "/block/0",
            "address-miner": f"/address/{dev(8).address}",
            "address-unused": "/address/0x" + "de" * 20,
            "address-no-contract": f"/address/{dev(8).address}/contract",
            "shard": f"/shard/{tools.shard(dev(2).address)}",
            "miner": f"/miner/{dev(8).address}",
            "miner-unknown": "/miner/0x" + "de" * 20,
            "tx-unknown": "/tx/0x" + "ab" * 32,
            "block-unknown": "/block/0x" + "ab" * 32,
            "block-future": "/block/99999999",
            "token-unknown": "/token/0x" + "de" * 20,
        }
