"""One table from the error tree to JSON-RPC codes and HTTP statuses, with Ethereum's own words.

Codes: JSON-RPC 2.0 section 5.1; EIP-1474; 3 for a revert, as Ethereum clients have it.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chain.core.errors import (
    BadDelivery,
    BlockchainError,
    ConfigError,
    NotYet,
    PoolCode,
    PoolRejection,
    RequestCode,
    RequestError,
    RuleCode,
    RuleViolation,
    StoreError,
)

log = structlog.get_logger(__name__)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
NOT_FOUND = -32001
UNAVAILABLE = -32002
REJECTED = -32003
NOT_SUPPORTED = -32004
LIMIT_EXCEEDED = -32005
REVERTED = 3
# what clients answer for history that they have let go (EIP-4444)
PRUNED = 4444


class Mapped(NamedTuple):
    """JSON-RPC code and the HTTP status of REST answers; ``shown``: whether its text may leave the process."""

    rpc: int
    http: int
    shown: bool = True


# the nearest class of an error's line of ancestors counts
BY_CLASS: dict[type[BlockchainError], Mapped] = {
    RuleViolation: Mapped(REJECTED, 422),
    NotYet: Mapped(UNAVAILABLE, 503),
    BadDelivery: Mapped(REJECTED, 422),
    PoolRejection: Mapped(REJECTED, 422),
    StoreError: Mapped(INTERNAL_ERROR, 500, shown=False),
    ConfigError: Mapped(INTERNAL_ERROR, 500, shown=False),
    RequestError: Mapped(SERVER_ERROR, 400),
    BlockchainError: Mapped(SERVER_ERROR, 400),
}
BY_REQUEST_CODE: dict[RequestCode, Mapped] = {
    RequestCode.PARSE_ERROR: Mapped(PARSE_ERROR, 400),
    RequestCode.INVALID_REQUEST: Mapped(INVALID_REQUEST, 400),
    RequestCode.METHOD_NOT_FOUND: Mapped(METHOD_NOT_FOUND, 404),
    RequestCode.INVALID_PARAMS: Mapped(INVALID_PARAMS, 400),
    RequestCode.NOT_FOUND: Mapped(NOT_FOUND, 404),
    RequestCode.NOT_SUPPORTED: Mapped(NOT_SUPPORTED, 501),
    RequestCode.LIMIT_EXCEEDED: Mapped(LIMIT_EXCEEDED, 429),
    RequestCode.FORBIDDEN: Mapped(SERVER_ERROR, 403),
    RequestCode.NETWORK_DISABLED: Mapped(SERVER_ERROR, 503),
    RequestCode.HISTORY_PRUNED: Mapped(PRUNED, 410),
    RequestCode.EXECUTION_REVERTED: Mapped(REVERTED, 422),
    RequestCode.EXECUTION_FAILED: Mapped(SERVER_ERROR, 422),
}

# execution-apis, eth_simulateV1
BY_SIMULATION = {
    "simulate_nonce_too_low": -38010,
    "simulate_nonce_too_high": -38011,
    "simulate_base_fee": -38012,
    "simulate_intrinsic_gas": -38013,
    "simulate_funds": -38014,
    "simulate_block_gas": -38015,
    "simulate_block_order": -38020,
    "simulate_timestamp_order": -38021,
    "simulate_client_limit": -38026,
}

# what wallets and libraries look for in a message
_POOL_WORDS = {
    PoolCode.NONCE_TOO_LOW: "nonce too low: next nonce {expected}, tx nonce {got}",
    PoolCode.NONCE_TOO_HIGH: "nonce too high",
    PoolCode.INSUFFICIENT_FUNDS: "insufficient funds for gas * price + value",
    PoolCode.UNDERPRICED: "transaction underpriced: {message}",
    PoolCode.REPLACEMENT_UNDERPRICED: "replacement transaction underpriced",
    PoolCode.SENDER_HAS_CODE: "sender not an eoa",
    PoolCode.SENDER_LIMIT: "account limit exceeded",
    PoolCode.POOL_FULL: "txpool is full",
    PoolCode.EXCEEDS_STREAM_GAS: "exceeds block gas limit",
}
_RULE_WORDS = {
    RuleCode.TX_TYPE: "transaction type not supported",
    RuleCode.TX_UNPROTECTED: "only replay-protected (EIP-155) transactions allowed over RPC",
    RuleCode.TX_CHAIN_ID: "invalid chain id for signer: have {got} want {expected}",
    RuleCode.TX_SIGNATURE: "invalid sender",
    RuleCode.TX_NONCE_MAX: "nonce has max value",
    RuleCode.TX_INITCODE_SIZE: "max initcode size exceeded: code size {got}",
    RuleCode.TX_INTRINSIC_GAS: "intrinsic gas too low: gas {got}, minimum needed {expected}",
    RuleCode.TX_GAS_LIMIT: "exceeds block gas limit",
    RuleCode.TX_SIZE: "oversized data: transaction size {got}, limit {expected}",
    RuleCode.TX_FEE_ORDER: "max priority fee per gas higher than max fee per gas",
}


def mapping_of(error: BlockchainError) -> Mapped:
    """The line of the table for an error."""
    if isinstance(error, RequestError):
        try:
            return BY_REQUEST_CODE[RequestCode(error.code)]
        except ValueError:
            code = BY_SIMULATION.get(error.code)
            return BY_CLASS[RequestError] if code is None else Mapped(code, 422)
    return next(BY_CLASS[ancestor] for ancestor in type(error).__mro__ if ancestor in BY_CLASS)


def error_object(error: Exception, method: str | None = None) -> dict[str, Any]:
    """The ``error`` member of a response.

    An error outside the tree, or one about the node itself, shows an id only; the log has it all.  While
    PostgreSQL or Redis is away, the answer says which.
    """
    absent = _absent_server(error)
    if absent is not None:
        log.warning("rpc.server_away", server=absent, method=method, error=str(error).partition("\n")[0])
        message = f"the node waits for {absent}, try again"
        return {"code": UNAVAILABLE, "message": message, "data": {"reason": f"{absent.lower()}_unavailable"}}
    if not isinstance(error, BlockchainError):
        return _hidden(error, method)
    mapped = mapping_of(error)
    if not mapped.shown:
        return _hidden(error, method)
    answer: dict[str, Any] = {"code": mapped.rpc, "message": _message(error)}
    if error.code == RequestCode.EXECUTION_REVERTED:
        # clients decode the revert reason from these bytes
        answer["data"] = plain(error.data.get("output", b""))
        return answer
    data = {name: plain(value) for name, value in error.data.items() if value is not None}
    answer["data"] = {"reason": error.code, **data}
    return answer


def _absent_server(error: Exception) -> str | None:
    """The server of ours that cannot be reached, where that is the error."""
    if isinstance(error, StoreError) and error.code == "database_unavailable":
        return "PostgreSQL"
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return "Redis"
    return None


def _hidden(error: Exception, method: str | None) -> dict[str, Any]:
    incident = secrets.token_hex(6)
    log.error("rpc.internal_error", incident=incident, method=method, exc_info=error)
    return {"code": INTERNAL_ERROR, "message": "internal error", "data": {"reason": "internal_error", "id": incident}}


def _message(error: BlockchainError) -> str:
    words = _POOL_WORDS if isinstance(error, PoolRejection) else _RULE_WORDS
    template: str | None = words.get(error.code)  # type: ignore[call-overload]
    if template is None:
        return error.message
    shown = {name: plain(value) for name, value in error.data.items()}
    return template.format_map({"got": None, "expected": None, **shown, "message": error.message})


def plain(value: Any) -> Any:
    """A value that JSON carries: bytes as hex, wide integers as text."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    return str(value)
