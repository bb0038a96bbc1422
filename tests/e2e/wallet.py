"""A visitor's wallet in the browser (EIP-1193): its questions go to the node, and it signs with a key of the test."""

from __future__ import annotations

import json
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.e2e.node import Node
from tests.tools.chromium import Page

# every page of the tab gets it before its own scripts run
_PROVIDER = """
(() => {
  const waiting = new Map();
  let last = 0;
  window.walletAnswers = (id, answer) => {
    const [done, failed] = waiting.get(id);
    waiting.delete(id);
    if ("error" in answer) failed(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
    else done(answer.result);
  };
  window.ethereum = {
    request: ({ method, params = [] }) => new Promise((done, failed) => {
      waiting.set(++last, [done, failed]);
      window.askWallet(JSON.stringify({ id: last, method, params }));
    }),
  };
})();
"""
_GWEI = 10**9


class Wallet:
    """One account, until ``remove`` is called.

    Attributes
    ----------
    sent : list[str]
        Hashes of what it sent.
    refuses : bool
        Its owner says no to everything that it should sign.
    chain_id : str or None
        The chain that it claims to be on; None for the node's.
    """

    def __init__(self, page: Page, node: Node, account: LocalAccount) -> None:
        self.page, self.node, self.account = page, node, account
        self.sent: list[str] = []
        self.refuses = False
        self.chain_id: str | None = None
        self._asked: list[dict[str, Any]] = []
        page.listeners["Runtime.bindingCalled"] = lambda event: self._asked.append(json.loads(event["payload"]))
        page.call("Runtime.addBinding", name="askWallet")
        self._script = page.call("Page.addScriptToEvaluateOnNewDocument", source=_PROVIDER)["identifier"]

    def serve(self) -> None:
        """Answer what the page has asked."""
        while self._asked:
            asked = self._asked.pop(0)
            self.page.run(f"walletAnswers({asked['id']}, {json.dumps(self._answer(asked['method'], asked['params']))})")

    def remove(self) -> None:
        """Later pages find no wallet."""
        self.page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=self._script)
        self.page.call("Runtime.removeBinding", name="askWallet")
        del self.page.listeners["Runtime.bindingCalled"]

    def _answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        if method == "eth_chainId" and self.chain_id:
            return {"result": self.chain_id}
        if method in ("eth_requestAccounts", "eth_accounts"):
            return {"result": [self.account.address]}
        if method == "eth_sendTransaction":
            if self.refuses:
                return {"error": {"code": 4001, "message": "The user refused."}}
            return self._send(params[0])
        return _told(self.node.rpc(method, *params))

    def _send(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["from"].lower() == self.account.address.lower()
        gas = self.node.rpc("eth_estimateGas", asked)
        if not isinstance(gas, str):
            return _told(gas)
        fields = {
            "chainId": int(self.node.rpc("eth_chainId"), 16),
            "nonce": int(self.node.rpc("eth_getTransactionCount", self.account.address, "pending"), 16),
            "to": self.node.web3().to_checksum_address(asked["to"]),
            "value": int(asked.get("value", "0x0"), 16),
            "data": asked.get("data", "0x"),
            "gas": int(gas, 16),
            "maxFeePerGas": 100 * _GWEI,
            "maxPriorityFeePerGas": _GWEI,
        }
        raw = self.account.sign_transaction(fields).raw_transaction
        answer = self.node.rpc("eth_sendRawTransaction", "0x" + bytes(raw).hex())
        if isinstance(answer, str):
            self.sent.append(answer)
        return _told(answer)


def _told(answer: Any) -> dict[str, Any]:
    """The node's result, or its error object, as the page gets it."""
    return {"error": answer} if isinstance(answer, dict) and "code" in answer else {"result": answer}
