"""Tables of docs/protocol/chain-spec.md; ``python -m tests.core.docs_chain_spec`` rewrites them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from chain.core.genesis import NETWORKS, make_genesis, network_spec
from chain.core.spec import NOT_HASHED, ChainSpec, StreamSpec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol" / "chain-spec.md"

MEANING = {
    "chain_id": "EIP-155 chain id; in every header and transaction",
    "network": "name; ASCII",
    "token": "symbol of the native token; ASCII",
    "cap": "the most wei that will ever have been created",
    "timestamp_ms": "time of the genesis block, ms since 1970",
    "alloc": "accounts at genesis, ascending by address",
    "stream_a": "stream A, see below",
    "stream_b": "stream B, see below",
    "stream_c": "stream C, see below",
    "ghostdag_k": "blue work blocks that a blue block may have in its anticone",
    "max_parents": "parents of a block",
    "mergeset_limit": "blocks that a block merges besides its selected parent",
    "merge_depth": "how deep a merged block may reach back, in work score",
    "finality_depth": "depth of the finality point, in work score; more than merge_depth",
    "future_drift_ms": "how far ahead of the local clock a header may be before it waits",
    "slot_ms": "length of a slot of stream C",
    "vrf_window": "blue work blocks that are tickets of the draw",
    "vrf_lag": "work score between a C block's selected parent and the draw's anchor, at least",
    "vrf_era": "anchors lie at multiples of this work score",
    "c_num": "winners of a slot on average: numerator",
    "c_den": "winners of a slot on average: denominator",
    "shard_count": "shards of the state",
    "epoch_call_gas": "gas that the calls of one epoch may reserve; the most that one transaction may",
    "epoch_max_txs": "transactions that one epoch may admit",
    "call_gas_per_s": "gas a second at which room grows and load is measured",
    "tx_per_s": "transactions a second at which room grows and load is measured",
    "max_tx_bytes": "length of one encoded transaction",
    "min_base_fee": "floor of the base fee, wei",
    "latest_depth": "work score under the sink at which a block is `latest`",
    "evm_fork": "rules of the EVM",
}
STREAM_MEANING = {
    "interval_ms": "time between blocks that difficulty aims at; for C the length of a slot",
    "max_txs": "transactions in a body",
    "call_gas_limit": "Σ gas limits of the calls in a body, and of each of them",
    "max_bytes": "length of the encoded body",
    "reward": "wei for a blue block",
    "initial_target": "target at drift 0",
    "pow_limit": "the easiest target",
    "halflife_ms": "drift that doubles the target",
    "work_factor": "work of one hash",
}


def shown(value: Any) -> str:
    """A value as the page writes it."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, StreamSpec):
        return "list of 9"
    if isinstance(value, tuple):
        balances = sorted({account.balance for account in value})
        each = f", {shown(balances[0])} wei each" if len(balances) == 1 else ""
        return f"{len(value)} accounts{each}" if value else "none"
    if value >= 10**18:
        if value & (value - 1) == 0:
            return f"2^{value.bit_length() - 1}"
        zeros = len(str(value)) - len(str(value).rstrip("0"))
        if value == 10**zeros and zeros > 24:
            return f"10^{zeros}"
        if zeros >= 18:
            return f"{shown(value // 10**18)} × 10^18"
    return f"{value:,}".replace(",", " ")


def parameter_table() -> list[str]:
    """One row a parameter, in the order of the RLP."""
    specs = [network_spec(network) for network in NETWORKS]
    lines = [f"| # | key | {' | '.join(NETWORKS)} | meaning |", "| --- | --- | --- | --- | --- |"]
    names = [field.name for field in fields(ChainSpec) if field.name not in NOT_HASHED]
    for number, name in enumerate(names, 1):
        values = " | ".join(shown(getattr(spec, name)) for spec in specs)
        lines.append(f"| {number} | `{name}` | {values} | {MEANING[name]} |")
    return lines


def stream_table(network: str) -> list[str]:
    """One row a stream parameter, in the order of its RLP list."""
    spec = network_spec(network)
    lines = [f"| # | {network} | A | B | C | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for number, field in enumerate(fields(StreamSpec), 1):
        values = [shown(getattr(one, field.name)) for one in (spec.stream_a, spec.stream_b, spec.stream_c)]
        lines.append(f"| {number} | `{field.name}` | {' | '.join(values)} | {STREAM_MEANING[field.name]} |")
    return lines


def genesis_table() -> list[str]:
    """Hashes of both networks, computed from their files."""
    lines = ["| network | chain id | genesis hash | spec hash (genesis' `extra`) | state root |", "| --- " * 5 + "|"]
    for network in NETWORKS:
        genesis = make_genesis(network_spec(network))
        header = genesis.header
        cells = (genesis.hash, header.extra, header.state_root)
        hashes = " | ".join(f"`{cell.hex()}`" for cell in cells)
        lines.append(f"| {network} | {header.chain_id} = {header.chain_id:#x} | {hashes} |")
    return lines


def tables() -> dict[str, list[str]]:
    """Every generated part of the page by its marker."""
    return {
        "parameters": parameter_table(),
        **{f"streams of {network}": stream_table(network) for network in NETWORKS},
        "genesis": genesis_table(),
    }


def regenerated(text: str) -> str:
    """The page with every part between its markers written anew."""
    for name, lines in tables().items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        head, rest = text.split(start)
        _, tail = rest.split(end)
        text = f"{head}{start}\n" + "\n".join(lines) + f"\n\n{end}{tail}"
    return text


if __name__ == "__main__":
    PAGE.write_text(regenerated(PAGE.read_text()))
