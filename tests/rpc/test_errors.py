"""Every error of the tree has its line in the table, and says what wallets look for."""

from __future__ import annotations

import pytest

from chain.core import errors as tree
from chain.core.errors import PoolCode, PoolRejection, RequestCode, RequestError, RuleCode, RuleViolation
from chain.core.execution.revert import revert_reason
from chain.rpc import errors
from tests.rpc.conftest import ERROR_NO


def every_class() -> list[type[tree.BlockchainError]]:
    found, waiting = [], [tree.BlockchainError]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    return found


def test_every_class_of_the_tree_is_mapped_by_itself() -> None:
    ours = [one for one in every_class() if one.__module__ == tree.__name__]
    assert len(ours) >= 8
    assert [one for one in ours if one not in errors.BY_CLASS] == []


def test_every_request_code_is_mapped() -> None:
    assert set(errors.BY_REQUEST_CODE) == set(RequestCode)


@pytest.mark.parametrize("code", list(PoolCode))
def test_every_pool_rejection_is_worded_and_rejected(code: PoolCode) -> None:
    shown = errors.error_object(PoolRejection(code, got=3, expected=5))
    assert shown["code"] == errors.REJECTED
    assert shown["data"]["reason"] == code


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PoolRejection(PoolCode.NONCE_TOO_LOW, got=3, expected=5), "nonce too low: next nonce 5, tx nonce 3"),
        (PoolRejection(PoolCode.INSUFFICIENT_FUNDS), "insufficient funds for gas * price + value"),
        (PoolRejection(PoolCode.REPLACEMENT_UNDERPRICED), "replacement transaction underpriced"),
        (RuleViolation(RuleCode.TX_CHAIN_ID, 1, 2), "invalid chain id for signer: have 1 want 2"),
        (
            RuleViolation(RuleCode.TX_INTRINSIC_GAS, 20_000, 21_000),
            "intrinsic gas too low: gas 20000, minimum needed 21000",
        ),
    ],
)
def test_the_words_that_wallets_look_for(error: tree.BlockchainError, message: str) -> None:
    assert errors.error_object(error)["message"] == message


def test_a_revert_has_code_3_and_its_bytes() -> None:
    shown = errors.error_object(RequestError(RequestCode.EXECUTION_REVERTED, "execution reverted: no", output=b"\x01"))
    assert shown == {"code": 3, "message": "execution reverted: no", "data": "0x01"}


@pytest.mark.parametrize(
    "error", [ValueError("secret"), tree.StoreError("database_error", "secret"), tree.ConfigError("x", "secret")]
)
def test_errors_of_the_node_itself_show_an_id_only(error: Exception) -> None:
    shown = errors.error_object(error, "eth_call")
    assert shown["code"] == -32603
    assert len(shown["data"]["id"]) == 12
    assert "secret" not in str(shown)


def test_an_unknown_code_of_a_request_error_is_a_server_error() -> None:
    assert errors.error_object(RequestError("intrinsic_gas", have=1, want=2))["code"] == -32000


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (ERROR_NO, "no"),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"), "arithmetic underflow or overflow"),
        (ERROR_NO[:60], None),
        (ERROR_NO[:4] + b"\xff" * 64, None),
        (b"", None),
        (b"\x01\x02\x03\x04", None),
    ],
)
def test_reasons_in_reverts(output: bytes, reason: str | None) -> None:
    assert revert_reason(output) == reason
