"""What the appliance asks the node about when it starts."""

from __future__ import annotations

from chain.core.spec import WEI
from chain.services.dev_accounts import MNEMONIC, dev_accounts
from chain.services.network import current_genesis, current_spec


def genesis_hash() -> bytes:
    """Hash of this network's genesis block."""
    return current_genesis().hash


def notes() -> list[str]:
    """Lines for the person who started the node."""
    spec = current_spec()
    lines = [
        f"network   {spec.network}, chain id {spec.chain_id} ({hex(spec.chain_id)}), genesis 0x{genesis_hash().hex()}"
    ]
    if spec.network != "devnet":
        return lines
    balances = {account.address: account.balance for account in spec.alloc}
    lines += ["", "Development accounts. Their keys are public: never send real money to them."]
    for index, account in enumerate(dev_accounts()):
        amount = balances.get(bytes.fromhex(account.address[2:]), 0) // WEI
        lines.append(f"  ({index}) {account.address}  {account.private_key}  {amount} {spec.token}")
    return [*lines, f"  mnemonic: {MNEMONIC}"]
