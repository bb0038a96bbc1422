"""Errors say what is wrong in code, data and words, and survive the way between processes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from chain.core import errors
from chain.core.errors import (
    BadDelivery,
    BlockchainError,
    ConfigError,
    DeliveryCode,
    NotYet,
    PoolCode,
    PoolRejection,
    RequestError,
    RuleCode,
    RuleViolation,
    StoreError,
    WaitCode,
)

EXAMPLES: list[BlockchainError] = [
    BlockchainError("plain"),
    RuleViolation(RuleCode.WRONG_NUMBER, 5, 6),
    RuleViolation(RuleCode.TX_CHAIN_ID, None, "this chain", "another network's", tx=b"\x01" * 32),
    NotYet(WaitCode.UNKNOWN_PARENTS, "fetch them", missing=(b"\x01" * 32, b"\x02" * 32)),
    NotYet(WaitCode.TOO_EARLY, until=1_793_491_200_000),
    NotYet(WaitCode.MISSING_BODY, block=b"\x03" * 32),
    BadDelivery(DeliveryCode.TX_ROOT_MISMATCH, got=b"\x01" * 32, expected=b"\x02" * 32),
    PoolRejection(PoolCode.NONCE_TOO_LOW, "3 is used", nonce=3),
    StoreError("lattice_length", got=1, expected=2048),
    ConfigError("no_broker", hint="set MDS_REDIS_URL"),
    RequestError("unknown_block", hash=b"\x05" * 32),
]


def facts(error: BlockchainError) -> dict[str, Any]:
    names = ("code", "message", "data", "got", "expected", "missing", "until", "args")
    return {name: getattr(error, name) for name in names if hasattr(error, name)}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: f"{type(error).__name__}-{error.code}")
@pytest.mark.parametrize("way", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_errors_survive_a_copy(error: BlockchainError, way: Any) -> None:
    again = way(error)
    assert type(again) is type(error)
    assert facts(again) == facts(error)
    assert str(again) == str(error)


def test_every_class_of_the_tree_is_exampled() -> None:
    classes = {
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, BlockchainError)
    }
    assert classes == {type(error) for error in EXAMPLES}


def test_missing_hashes_stay_a_tuple() -> None:
    assert pickle.loads(pickle.dumps(NotYet(WaitCode.TOO_EARLY, until=5))).missing == ()


def test_codes_are_one_namespace_of_snake_case() -> None:
    codes = [code.value for kind in (RuleCode, WaitCode, DeliveryCode, PoolCode) for code in kind]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalnum() and code.islower() for code in codes)


def test_text_shows_code_words_and_data() -> None:
    error = RuleViolation(RuleCode.WRONG_TARGET, b"\xab" * 40, (1, 2, 3, 4, 5), where="header", absent=None)
    assert str(error) == f"wrong_target: wrong target (where=header, got=0x{'ab' * 36}…, expected=[1, 2, 3, 4, …])"


def test_text_is_short_whatever_the_data() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    for value in (2**100_000, -(2**100_000), "x" * 10_000, b"x" * 10_000, [[2**9_999] * 50] * 50, deep):
        text = str(RuleViolation(RuleCode.SPEC_VALUE, value, 0))
        assert text.startswith("spec_value: ")
        assert len(text) < 4_000
