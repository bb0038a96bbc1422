"""Parameters of methods: from JSON to typed values, strictly (Ethereum execution-apis; EIP-1898).

A parser takes one JSON value and returns the Python value or raises ``RequestError`` invalid_params.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NewType

from chain.core.errors import RequestCode, RequestError
from chain.core.types import AccessEntry, Authorization

Address = NewType("Address", bytes)
Hash32 = NewType("Hash32", bytes)
Data = NewType("Data", bytes)
Quantity = NewType("Quantity", int)
Slot = NewType("Slot", int)

TAGS = ("latest", "pending", "safe", "finalized", "earliest")
MAX_TOPIC_CHOICES = 1000
MAX_ADDRESSES = 1000


@dataclass(frozen=True, slots=True)
class BlockRef:
    """Which block: exactly one of tag, number, hash is set."""

    tag: str | None = None
    number: int | None = None
    hash: bytes | None = None
    require_canonical: bool = False


LATEST = BlockRef(tag="latest")
PENDING = BlockRef(tag="pending")


@dataclass(frozen=True, slots=True)
class CallObject:
    """A message to simulate; ``gas`` None means as much as allowed."""

    sender: bytes
    to: bytes | None
    gas: int | None
    gas_price: int | None
    max_fee: int | None
    max_priority_fee: int | None
    value: int
    data: bytes
    access_list: tuple[AccessEntry, ...]
    authorizations: tuple[Authorization, ...] = ()

    @property
    def price_cap(self) -> int:
        """The most wei per gas that the caller offers; 0 where fees are not simulated."""
        return self.gas_price or self.max_fee or 0


class StateOverrides(list[tuple[Any, ...]]):
    """(address, balance, nonce, code, storage, slots) of each overridden account; None keeps its own."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Logs by place, addresses and topics; an empty choice means any."""

    block_hash: bytes | None
    from_block: BlockRef
    to_block: BlockRef
    addresses: tuple[bytes, ...]
    topics: tuple[tuple[bytes, ...], ...]


def bad(message: str, **data: Any) -> RequestError:
    """An invalid_params error."""
    return RequestError(RequestCode.INVALID_PARAMS, message, **data)


def hex_bytes(value: Any, length: int | None = None) -> bytes:
    """0x and an even number of hex digits, of ``length`` bytes where given."""
    if not isinstance(value, str):
        raise bad(f"a hex string is expected, not {_kind(value)}")
    if value[:2] not in ("0x", "0X"):
        raise bad("hex string without 0x prefix")
    if len(value) % 2:
        raise bad("hex string of odd length")
    if length is not None and len(value) != 2 + 2 * length:
        raise bad(f"hex string has {len(value) // 2 - 1} bytes, {length} are expected")
    try:
        # fromhex skips white space, so that the length tells whether there was any
        data = bytes.fromhex(value[2:])
    except ValueError:
        raise bad("invalid hex string") from None
    if len(data) * 2 + 2 != len(value):
        raise bad("invalid hex string")
    return data


def address(value: Any) -> bytes:
    """20 bytes."""
    return hex_bytes(value, 20)


def hash32(value: Any) -> bytes:
    """32 bytes."""
    return hex_bytes(value, 32)


def quantity(value: Any) -> int:
    """A hex quantity without leading zeros; a JSON integer is taken too, as other nodes do."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise bad("a quantity is not negative")
        return value
    if not isinstance(value, str):
        raise bad(f"a hex quantity is expected, not {_kind(value)}")
    digits = value[2:]
    if value[:2] != "0x":
        raise bad("hex quantity without 0x prefix")
    if not digits:
        raise bad("empty hex quantity")
    if digits[0] == "0" and len(digits) > 1:
        raise bad("hex quantity with leading zero digits")
    if len(digits) > 64:
        raise bad("hex quantity wider than 256 bits")
    try:
        if "_" in digits or digits[0] in "+- ":
            raise ValueError(digits)
        return int(digits, 16)
    except ValueError:
        raise bad("invalid hex quantity") from None


def nonce(value: Any) -> int:
    """A quantity that fits an account's nonce (EIP-2681)."""
    number = quantity(value)
    if number >= 2**64 - 1:
        raise bad("a nonce is below 2^64 - 1")
    return number


def slot(value: Any) -> int:
    """A storage key: up to 32 bytes of hex, leading zeros or not."""
    if not isinstance(value, str) or value[:2] not in ("0x", "0X") or len(value) > 66:
        raise bad("a storage key is 0x and at most 64 hex digits")
    try:
        return int.from_bytes(bytes.fromhex(value[2:].rjust(64, "0")), "big")
    except ValueError:
        raise bad("invalid hex string") from None


def boolean(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise bad(f"a boolean is expected, not {_kind(value)}")
    return value


def text(value: Any) -> str:
    """A string of at most 256 characters."""
    if not isinstance(value, str) or len(value) > 256:
        raise bad("a short string is expected")
    return value


def block_ref(value: Any) -> BlockRef:
    """A tag, a number, or an EIP-1898 object."""
    if isinstance(value, str) and value in TAGS:
        return BlockRef(tag=value)
    if isinstance(value, dict):
        unknown = sorted(set(value) - {"blockNumber", "blockHash", "requireCanonical"})
        if unknown:
            raise bad(f"unknown key in block object: {unknown[0][:40]}")
        if ("blockNumber" in value) == ("blockHash" in value):
            raise bad("a block object names either blockNumber or blockHash")
        if "blockNumber" in value:
            return block_ref(value["blockNumber"])
        return BlockRef(
            hash=hash32(value["blockHash"]), require_canonical=boolean(value.get("requireCanonical", False))
        )
    if isinstance(value, str) and len(value) == 66:
        return BlockRef(hash=hash32(value))
    number = quantity(value)
    if number >= 2**63:
        raise bad("block number out of range")
    return BlockRef(number=number)


def call_object(value: Any) -> CallObject:
    """The transaction object of eth_call and eth_estimateGas."""
    if not isinstance(value, dict):
        raise bad(f"a call object is expected, not {_kind(value)}")
    data, given = value.get("data"), value.get("input")
    if data is not None and given is not None and hex_bytes(data) != hex_bytes(given):
        raise bad('both "data" and "input" are set and not equal')
    payload = given if given is not None else data
    price, fee = _optional(value, "gasPrice", quantity), _optional(value, "maxFeePerGas", quantity)
    tip = _optional(value, "maxPriorityFeePerGas", quantity)
    if price is not None and (fee is not None or tip is not None):
        raise bad("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    if fee is not None and tip is not None and tip > fee:
        raise bad("maxFeePerGas less than maxPriorityFeePerGas")
    amount = _optional(value, "value", quantity) or 0
    return CallObject(
        sender=_optional(value, "from", address) or bytes(20),
        to=_optional(value, "to", address),
        gas=_optional(value, "gas", quantity),
        gas_price=price,
        max_fee=fee,
        max_priority_fee=tip,
        value=amount,
        data=b"" if payload is None else hex_bytes(payload),
        access_list=_optional(value, "accessList", access_list) or (),
        authorizations=_optional(value, "authorizationList", authorization_list) or (),
    )


def authorization_list(value: Any) -> tuple[Authorization, ...]:
    """EIP-7702 authorizations, signed; at most as many as a transaction can pay for."""
    if not isinstance(value, list) or len(value) > 1000:
        raise bad("an authorization list is an array of at most 1000 objects")
    found = []
    for entry in value:
        if not isinstance(entry, dict):
            raise bad("an authorization is an object")
        parity = _optional(entry, "yParity", quantity)
        if parity is None:
            # some libraries say v instead
            parity = _optional(entry, "v", quantity) or 0
        if parity > 255:
            raise bad("a parity is a byte")
        found.append(
            Authorization(
                chain_id=_optional(entry, "chainId", quantity) or 0,
                address=address(entry.get("address")),
                nonce=_optional(entry, "nonce", nonce) or 0,
                y_parity=parity,
                r=_optional(entry, "r", quantity) or 0,
                s=_optional(entry, "s", quantity) or 0,
            )
        )
    return tuple(found)


def state_overrides(value: Any) -> StateOverrides:
    """The state override set of eth_call: address, balance, nonce, code, whole storage, single slots."""
    if not isinstance(value, dict) or len(value) > 1000:
        raise bad("a state override set is an object by address")
    found = StateOverrides()
    for key, entry in value.items():
        if not isinstance(entry, dict):
            raise bad("a state override is an object")
        unknown = sorted(set(entry) - {"balance", "nonce", "code", "state", "stateDiff"})
        if unknown:
            raise bad(f"unknown key in state override: {unknown[0][:40]}")
        if entry.get("state") is not None and entry.get("stateDiff") is not None:
            raise bad("an override has either state or stateDiff")
        balance = _optional(entry, "balance", quantity)
        found.append(
            (
                address(key),
                None if balance is None else balance.to_bytes(32, "big"),
                _optional(entry, "nonce", nonce),
                _optional(entry, "code", hex_bytes),
                _optional(entry, "state", _storage),
                _optional(entry, "stateDiff", _storage),
            )
        )
    return found


def _storage(value: Any) -> list[tuple[bytes, bytes]]:
    if not isinstance(value, dict) or len(value) > 10_000:
        raise bad("storage is an object by slot")
    return [(slot(key).to_bytes(32, "big"), slot(entry).to_bytes(32, "big")) for key, entry in value.items()]


def access_list(value: Any) -> tuple[AccessEntry, ...]:
    """EIP-2930's list."""
    if not isinstance(value, list) or len(value) > 1000:
        raise bad("an access list is expected")
    entries = []
    for part in value:
        if not isinstance(part, dict):
            raise bad("an access list entry is expected")
        keys = part.get("storageKeys") or []
        if not isinstance(keys, list):
            raise bad("storageKeys is a list")
        entries.append(AccessEntry(address(part.get("address")), tuple(slot(key) for key in keys)))
    return tuple(entries)


def log_filter(value: Any) -> LogFilter:
    """The filter object of eth_getLogs."""
    if not isinstance(value, dict):
        raise bad(f"a filter object is expected, not {_kind(value)}")
    block_hash = _optional(value, "blockHash", hash32)
    first, last = _optional(value, "fromBlock", block_ref), _optional(value, "toBlock", block_ref)
    if block_hash is not None and (first is not None or last is not None):
        raise bad("cannot specify both blockHash and fromBlock/toBlock")
    given = value.get("address")
    chosen = given if isinstance(given, list) else [] if given is None else [given]
    if len(chosen) > MAX_ADDRESSES:
        raise bad(f"at most {MAX_ADDRESSES} addresses")
    return LogFilter(
        block_hash,
        first or LATEST,
        last or LATEST,
        tuple(address(item) for item in chosen),
        _topics(value.get("topics")),
    )


def _topics(value: Any) -> tuple[tuple[bytes, ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 4:
        raise bad("exceed max topics: at most 4 positions")
    positions: list[tuple[bytes, ...]] = []
    for choice in value:
        options = choice if isinstance(choice, list) else [] if choice is None else [choice]
        if len(options) > MAX_TOPIC_CHOICES:
            raise bad(f"at most {MAX_TOPIC_CHOICES} topics at one position")
        # null inside a choice stands for anything
        positions.append(() if None in options else tuple(hash32(option) for option in options))
    while positions and not positions[-1]:
        # a trailing wildcard asks for nothing, not even that the topic exists
        positions.pop()
    return tuple(positions)


def _optional(value: dict[str, Any], key: str, parse: Callable[[Any], Any]) -> Any:
    given = value.get(key)
    if given is None:
        return None
    try:
        return parse(given)
    except RequestError as error:
        raise bad(f"{key}: {error.message}") from None


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )


# a method's annotations name these
PARSERS: dict[Any, Callable[[Any], Any]] = {
    Address: address,
    Hash32: hash32,
    Data: hex_bytes,
    Quantity: quantity,
    Slot: slot,
    BlockRef: block_ref,
    CallObject: call_object,
    LogFilter: log_filter,
    StateOverrides: state_overrides,
    bool: boolean,
    str: text,
}
