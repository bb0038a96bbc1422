"""The one error tree of the node.

Every error carries a stable ``code`` (snake_case, part of the public interface) and ``data`` that a
caller can show or log.  The class says what to do with it:

* ``RuleViolation``  the bytes break a *must* of the protocol: permanent, never retried.
* ``NotYet``         something is missing or it is too early: park and retry, never condemn.
* ``BadDelivery``    the bytes do not belong to the hash they came with: drop them, keep the hash.
* ``PoolRejection``  a transaction is not taken into the pool: tell its sender why.
* ``StoreError``     the node cannot read or write its own data: stop and page.
* ``ConfigError``    the node is set up wrongly: refuse to start, with a hint.
* ``RequestError``   a caller asked for something malformed, unknown, forbidden or too large.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar


class RuleCode(StrEnum):
    """Codes of protocol violations, one for each *must*."""

    # bytes and encoding
    RLP_MALFORMED = "rlp_malformed"
    RLP_NON_CANONICAL = "rlp_non_canonical"
    RLP_TOO_DEEP = "rlp_too_deep"
    FIELD_COUNT = "field_count"
    FIELD_LENGTH = "field_length"
    FIELD_RANGE = "field_range"
    FIELD_KIND = "field_kind"
    # genesis file and chain spec
    SPEC_UNKNOWN_KEY = "spec_unknown_key"
    SPEC_MISSING_KEY = "spec_missing_key"
    SPEC_VALUE = "spec_value"
    # header in isolation
    HEADER_VERSION = "header_version"
    HEADER_CHAIN_ID = "header_chain_id"
    HEADER_STREAM = "header_stream"
    HEADER_PARENT_COUNT = "header_parent_count"
    HEADER_PARENT_ORDER = "header_parent_order"
    HEADER_TARGET = "header_target"
    HEADER_EXTRA_LENGTH = "header_extra_length"
    HEADER_SEAL_SHAPE = "header_seal_shape"
    # seals
    SEAL_ABOVE_TARGET = "seal_above_target"
    SEAL_VRF_KEY = "seal_vrf_key"
    SEAL_VRF_PROOF = "seal_vrf_proof"
    SEAL_SIGNATURE = "seal_signature"
    SEAL_NOT_ELIGIBLE = "seal_not_eligible"
    SEAL_NO_ANCHOR = "seal_no_anchor"
    # header in context
    PARENT_INVALID = "parent_invalid"
    PARENTS_RELATED = "parents_related"
    TIMESTAMP_NOT_AFTER_PARENTS = "timestamp_not_after_parents"
    SLOT_NOT_AFTER_PARENTS = "slot_not_after_parents"
    WRONG_TARGET = "wrong_target"
    WRONG_STREAM_COUNTS = "wrong_stream_counts"
    WRONG_BLUE_SCORE = "wrong_blue_score"
    WRONG_BLUE_WORK = "wrong_blue_work"
    WRONG_NUMBER = "wrong_number"
    MERGESET_LIMIT = "mergeset_limit"
    MERGE_DEPTH = "merge_depth"
    # body in isolation
    BODY_EMPTY = "body_empty"
    BODY_TOO_MANY_TXS = "body_too_many_txs"
    BODY_TOO_LARGE = "body_too_large"
    BODY_DUPLICATE_TX = "body_duplicate_tx"
    BODY_CALL_GAS = "body_call_gas"
    # transaction in isolation
    TX_TYPE = "tx_type"
    TX_UNPROTECTED = "tx_unprotected"
    TX_CHAIN_ID = "tx_chain_id"
    TX_SIGNATURE = "tx_signature"
    TX_NONCE_MAX = "tx_nonce_max"
    TX_INITCODE_SIZE = "tx_initcode_size"
    TX_INTRINSIC_GAS = "tx_intrinsic_gas"
    TX_GAS_LIMIT = "tx_gas_limit"
    TX_STREAM_GAS_LIMIT = "tx_stream_gas_limit"
    TX_SIZE = "tx_size"
    TX_FEE_ORDER = "tx_fee_order"
    TX_NO_RECIPIENT = "tx_no_recipient"
    TX_NO_AUTHORIZATIONS = "tx_no_authorizations"
    # chain qualification (a disqualified block is not invalid)
    WRONG_STATE_ROOT = "wrong_state_root"
    WRONG_RECEIPTS_ROOT = "wrong_receipts_root"
    WRONG_GAS_USED = "wrong_gas_used"
    WRONG_BASE_FEE = "wrong_base_fee"


class WaitCode(StrEnum):
    """Why something must wait."""

    UNKNOWN_PARENTS = "unknown_parents"
    TOO_EARLY = "too_early"
    MISSING_BODY = "missing_body"
    FINALITY_CONFLICT = "finality_conflict"
    MISSING_BASE = "missing_base"
    NO_TRANSACTIONS = "no_transactions"
    NOT_ELIGIBLE = "not_eligible"
    NOT_READY = "not_ready"


class DeliveryCode(StrEnum):
    """What is wrong with a delivery, without blaming the block."""

    TX_ROOT_MISMATCH = "tx_root_mismatch"
    HASH_MISMATCH = "hash_mismatch"


class PoolCode(StrEnum):
    """Why the pool did not take a transaction."""

    INVALID = "invalid_transaction"
    NONCE_TOO_LOW = "nonce_too_low"
    NONCE_TOO_HIGH = "nonce_too_high"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNDERPRICED = "transaction_underpriced"
    REPLACEMENT_UNDERPRICED = "replacement_underpriced"
    SENDER_HAS_CODE = "sender_has_code"
    SENDER_LIMIT = "sender_limit"
    POOL_FULL = "pool_full"
    EXCEEDS_STREAM_GAS = "exceeds_stream_gas"


class RequestCode(StrEnum):
    """Why a caller's request is not answered."""

    PARSE_ERROR = "parse_error"
    INVALID_REQUEST = "invalid_request"
    METHOD_NOT_FOUND = "method_not_found"
    INVALID_PARAMS = "invalid_params"
    NOT_FOUND = "not_found"
    NOT_SUPPORTED = "not_supported"
    LIMIT_EXCEEDED = "limit_exceeded"
    FORBIDDEN = "forbidden"
    NETWORK_DISABLED = "network_disabled"
    HISTORY_PRUNED = "history_pruned"
    EXECUTION_REVERTED = "execution_reverted"
    EXECUTION_FAILED = "execution_failed"


class BlockchainError(Exception):
    """Root of the tree.

    Parameters
    ----------
    code : str
        Stable name of the error.
    message : str
        One sentence for a person.  Never holds a secret or a traceback.
    data : Any
        Named values (ints, bytes, strings) that explain the error.
    """

    # for docs/errors.md; each class says its own, and ``chain.core.catalogue`` does for each code
    cause: ClassVar[str] = "something that the node foresees went wrong"
    remedy: ClassVar[str] = "the code says what"

    code: str

    def __init__(self, code: str, message: str = "", **data: Any) -> None:
        self.code = str(code)
        self.message = message or self.code.replace("_", " ")
        self.data = data
        super().__init__(self.code, self.message)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_show(value)}" for name, value in self.data.items() if value is not None)
        return f"{self.code}: {self.message}" + (f" ({shown})" if shown else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.code, self.message, self.data))


class RuleViolation(BlockchainError):
    """A *must* of the protocol is broken; ``got`` and ``expected`` say how."""

    cause: ClassVar[str] = (
        "the bytes, the transaction or the block break a rule of the protocol, whenever they are looked at"
    )
    remedy: ClassVar[str] = "none for the receiver: it is never tried again; who made it makes another one"

    def __init__(self, code: RuleCode, got: Any = None, expected: Any = None, message: str = "", **data: Any) -> None:
        super().__init__(code, message, **data)
        self.got = got
        self.expected = expected
        self.data = {**data, "got": got, "expected": expected}


class NotYet(BlockchainError):
    """Park and retry: ``missing`` hashes, or ``until`` a time in ms."""

    cause: ClassVar[str] = "something is missing, or it is too early"
    remedy: ClassVar[str] = "none: it is parked and tried again by itself when what it waits for is there"

    def __init__(
        self,
        code: WaitCode,
        message: str = "",
        missing: tuple[bytes, ...] = (),
        until: int | None = None,
        **data: Any,
    ) -> None:
        super().__init__(code, message, **data)
        self.missing = missing
        self.until = until
        self.data = {**data, "missing": missing or None, "until": until}


class BadDelivery(BlockchainError):
    """The bytes are not what they claim to be; the hash keeps its good name."""

    cause: ClassVar[str] = "the bytes are not what they claim to be"
    remedy: ClassVar[str] = "send them again from a good copy; the hash that they came with keeps its good name"

    def __init__(self, code: DeliveryCode, message: str = "", **data: Any) -> None:
        super().__init__(code, message, **data)


class PoolRejection(BlockchainError):
    """A transaction is not admitted to the pool."""

    cause: ClassVar[str] = "this node's pool does not take a transaction"
    remedy: ClassVar[str] = "the sender changes it, or offers it again later or elsewhere"

    def __init__(self, code: PoolCode, message: str = "", **data: Any) -> None:
        super().__init__(code, message, **data)


class StoreError(BlockchainError):
    """The node's own data cannot be read or written, or contradicts itself."""

    cause: ClassVar[str] = "the node cannot read or write its own data, or they contradict each other"
    remedy: ClassVar[str] = (
        "the writer drops its memory and starts from the store; an operator looks at /ready and the logs"
    )


class ConfigError(BlockchainError):
    """A setting or the data folder is wrong; ``hint`` in data says what to do."""

    cause: ClassVar[str] = "the node, its data folder or its settings are set up wrongly"
    remedy: ClassVar[str] = "one line says what to change; a start ends with exit code 2"


class RequestError(BlockchainError):
    """A caller's request cannot be answered: malformed, unknown, forbidden or over a limit."""

    cause: ClassVar[str] = "a caller's request cannot be answered: malformed, unknown, forbidden or over a limit"
    remedy: ClassVar[str] = "the caller changes the request"


def _rebuild(cls: type[BlockchainError], code: str, message: str, data: dict[str, Any]) -> BlockchainError:
    """Unpickle without calling each class's own constructor signature."""
    error = cls.__new__(cls)
    BlockchainError.__init__(error, code, message, **data)
    if isinstance(error, RuleViolation):
        error.got, error.expected = data["got"], data["expected"]
    elif isinstance(error, NotYet):
        error.missing, error.until = data["missing"] or (), data["until"]
    return error


def _show(value: Any, depth: int = 3) -> str:
    if isinstance(value, bytes):
        return "0x" + value[:36].hex() + ("…" if len(value) > 36 else "")
    if isinstance(value, (tuple, list)):
        head = ", ".join(_show(item, depth - 1) for item in value[:4]) if depth else "…"
        return f"[{head}{', …' if len(value) > 4 else ''}]"
    # the interpreter refuses to write integers of thousands of digits in decimal
    text = hex(value) if isinstance(value, int) and value.bit_length() > 512 else str(value)
    return text if len(text) <= 120 else text[:119] + "…"
