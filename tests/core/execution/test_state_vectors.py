"""Ethereum's own state tests through our executor (a curated set of GeneralStateTests, fork Cancun)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from trie import HexaryTrie

from chain.core import rlp
from chain.core.execution import run_state_test
from chain.core.execution.memory_state import MemoryState
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account

# transactions that Ethereum takes and our §3 refuses: valid blob transactions
BLOBS = "test_sufficient_balance_blob_tx"


def state_root(state: MemoryState) -> str:
    """Ethereum's root of a state, by the Merkle–Patricia tries that the vectors commit to."""
    tree = HexaryTrie({})
    for address in sorted(set(state.accounts) | set(state.storage)):
        storage = HexaryTrie({})
        for slot, value in state.storage.get(address, {}).items():
            storage[keccak(slot.to_bytes(32, "big"))] = rlp.encode(value)
        nonce, balance, code_hash = state.accounts.get(address, Account(0, 0, EMPTY_CODE_HASH))
        tree[keccak(address)] = rlp.encode([nonce, balance, storage.root_hash, code_hash])
    return "0x" + tree.root_hash.hex()


@pytest.fixture(scope="module")
def all_cases(vectors_folder: Path) -> list[dict]:
    return json.loads(gzip.decompress((vectors_folder / "curated-cancun.json.gz").read_bytes()))


def disagreement(case: dict) -> str | None:
    """What differs from the vector, or None."""
    result = run_state_test(case, "cancun")
    post = case["post"]
    if (result.rejected is None) != ("expectException" not in post):
        return f"rejected: {result.rejected}"
    if state_root(result.state) != post["hash"]:
        return "state"
    logs = rlp.encode([[log.address, list(log.topics), log.data] for log in result.logs])
    return None if "0x" + keccak(logs).hex() == post["logs"] else "logs"


@pytest.mark.parametrize("part", range(6))
def test_state_tests_agree(all_cases, part):
    """A sixth of the vectors each: every case agrees but the blob transactions that protocol §3 refuses."""
    cases = all_cases[part::6]
    assert len(cases) >= 93
    wrong = {case["test"]: found for case in cases if (found := disagreement(case)) is not None}
    assert {name: found for name, found in wrong.items() if BLOBS not in name} == {}
    assert set(wrong.values()) <= {"rejected: tx_type"}


def test_rejections_name_the_broken_rule(all_cases):
    names = {run_state_test(case, "cancun").rejected for case in all_cases if "expectException" in case["post"]}
    expected = {
        "tx_type",
        "field_range",
        "tx_intrinsic_gas",
        "sender_code",
        "funds",
        "tx_nonce_max",
        "tx_gas_limit",
        "tx_fee_order",
    }
    assert names == expected
