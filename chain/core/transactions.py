"""Transactions: envelopes both ways, signing hashes, sender recovery, intrinsic gas (protocol §3).

Sources: EIP-155, 2718, 2930, 1559, 7702; EIP-2 (low s); EIP-2028, 3860 and 7623 for gas.
"""

from __future__ import annotations

from typing import cast

import coincurve
from sha3 import keccak_256

from chain.core import rlp
from chain.core.codec import as_bytes, as_int, as_list
from chain.core.errors import RuleCode, RuleViolation
from chain.core.rlp import RLP
from chain.core.types import UINT64_MAX, UINT256_MAX, AccessEntry, Authorization, Transaction

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECP256K1_HALF_N = SECP256K1_N // 2
TRANSFER_GAS = 21_000
# what the decoder accepts before it looks; a network's own max_tx_bytes is lower
MAX_TX_BYTES_DECODED = 1 << 20
PRECOMPILE_FIRST = 0x01
PRECOMPILE_LAST = 0x11
_FIELDS_OF_TYPE = {1: 11, 2: 12, 4: 13}
_PRECOMPILES = frozenset(n.to_bytes(20, "big") for n in range(PRECOMPILE_FIRST, PRECOMPILE_LAST + 1))


def keccak(data: bytes) -> bytes:
    """keccak-256."""
    return cast(bytes, keccak_256(data).digest())


def decode_transaction(envelope: bytes, sender: bytes | None = None) -> Transaction:
    """Read an EIP-2718 envelope and recover its sender.

    Parameters
    ----------
    envelope : bytes
        Type byte and RLP, or a legacy transaction's RLP.
    sender : bytes, optional
        A sender already recovered from these bytes; recovery is then left out.

    Raises
    ------
    RuleViolation
        TX_TYPE, TX_UNPROTECTED, TX_SIGNATURE, TX_SIZE over ``MAX_TX_BYTES_DECODED``, or a codec error.
    """
    if len(envelope) > MAX_TX_BYTES_DECODED:
        raise RuleViolation(RuleCode.TX_SIZE, len(envelope), MAX_TX_BYTES_DECODED)
    if not envelope:
        raise RuleViolation(RuleCode.RLP_MALFORMED, 0, "an envelope", "empty transaction")
    kind = envelope[0]
    if kind >= 0xC0:
        return _decode_legacy(envelope, sender)
    if kind not in _FIELDS_OF_TYPE:
        raise RuleViolation(RuleCode.TX_TYPE, kind, "legacy, 1, 2 or 4")
    return _decode_typed(envelope, kind, sender)


def recipient_of(envelope: bytes) -> bytes | None:
    """Whom a stored transaction addresses, None where it creates; nothing else of it is read or checked."""
    kind, end = envelope[0], len(envelope)
    start, places = (0, 3) if kind >= 0xC0 else (1, 4 if kind == 1 else 5)
    at, _ = rlp.list_span(envelope, start, end)
    for _ in range(places):
        # the fields before it are numbers of at most 32 bytes
        prefix = envelope[at]
        at += 1 if prefix < 0x80 else prefix - 0x7F
    return envelope[at + 1 : at + 21] if envelope[at] == 0x94 else None


def is_simple_transfer(
    to: bytes | None, data: bytes, access_list: tuple[AccessEntry, ...], authorizations: object, gas_limit: int
) -> bool:
    """Protocol §3: it can run no code worth metering, so count bounds it and not gas."""
    return (
        gas_limit == TRANSFER_GAS
        and to is not None
        and not data
        and not access_list
        and not authorizations
        and to not in _PRECOMPILES
    )


def intrinsic_gas(tx: Transaction) -> int:
    """The least gas_limit: the greater of intrinsic gas and EIP-7623's floor."""
    zeros = tx.data.count(0)
    tokens = zeros + 4 * (len(tx.data) - zeros)
    gas = TRANSFER_GAS + 4 * tokens
    if tx.to is None:
        gas += 32_000 + 2 * ((len(tx.data) + 31) // 32)
    for entry in tx.access_list:
        gas += 2_400 + 1_900 * len(entry.slots)
    gas += 25_000 * len(tx.authorizations)
    return max(gas, TRANSFER_GAS + 10 * tokens)


def recover_address(message_hash: bytes, y_parity: int, r: int, s: int) -> bytes:
    """The address whose key signed ``message_hash`` (EIP-2: s in the lower half).

    Raises
    ------
    RuleViolation
        TX_SIGNATURE.
    """
    if not (0 < r < SECP256K1_N and 0 < s <= SECP256K1_HALF_N) or y_parity not in (0, 1):
        raise RuleViolation(RuleCode.TX_SIGNATURE, y_parity, "0 < r < n, 0 < s ≤ n/2, parity 0 or 1")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((y_parity,))
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, message_hash, hasher=None)
    except Exception as error:  # the binding raises bare Exception
        raise RuleViolation(RuleCode.TX_SIGNATURE, signature, "a recoverable signature") from error
    return keccak(key.format(compressed=False)[1:])[12:]


def authorization_hash(authorization: Authorization) -> bytes:
    """What an authority signs (EIP-7702): keccak(0x05 ‖ rlp([chain_id, address, nonce]))."""
    return keccak(b"\x05" + rlp.encode([authorization.chain_id, authorization.address, authorization.nonce]))


def _recipient(item: RLP) -> bytes | None:
    to = as_bytes(item, "to", None, 20)
    if not to:
        return None
    if len(to) != 20:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(to), 20, field="to")
    return to


def _unsigned(payload: bytes, v: int, r: int, s: int) -> bytes:
    """The list payload without its last three fields; cheaper than encoding again."""
    tail = rlp.encoded_int_length(v) + rlp.encoded_int_length(r) + rlp.encoded_int_length(s)
    return payload[: len(payload) - tail]


def _list_payload(data: bytes) -> bytes:
    prefix = data[0]
    return data[1:] if prefix < 0xF8 else data[1 + prefix - 0xF7 :]


def _items(data: bytes) -> RLP:
    """The fields of a transaction; an access-list entry, two lists, takes at least 23 bytes."""
    return rlp.decode(data, 4 + len(data) // 11)


def _decode_legacy(envelope: bytes, sender: bytes | None) -> Transaction:
    f = as_list(_items(envelope), "transaction", 9)
    v, r, s = as_int(f[6], "v"), as_int(f[7], "r", UINT256_MAX), as_int(f[8], "s", UINT256_MAX)
    if v in (27, 28):
        raise RuleViolation(RuleCode.TX_UNPROTECTED, v, "EIP-155")
    if v < 35:
        raise RuleViolation(RuleCode.TX_SIGNATURE, v, "v ≥ 35")
    chain_id, y_parity = (v - 35) // 2, (v - 35) % 2
    if sender is None:
        unsigned = _unsigned(_list_payload(envelope), v, r, s) + rlp.encode(chain_id) + b"\x80\x80"
        sender = recover_address(keccak(rlp.wrap_list(unsigned)), y_parity, r, s)
    price = as_int(f[1], "gas_price", UINT256_MAX)
    gas_limit, to, data = as_int(f[2], "gas_limit"), _recipient(f[3]), as_bytes(f[5], "data")
    return Transaction(
        type=0,
        chain_id=chain_id,
        nonce=as_int(f[0], "nonce"),
        max_priority_fee=price,
        max_fee=price,
        gas_limit=gas_limit,
        to=to,
        value=as_int(f[4], "value", UINT256_MAX),
        data=data,
        access_list=(),
        authorizations=(),
        v=v,
        r=r,
        s=s,
        hash=keccak(envelope),
        sender=sender,
        size=len(envelope),
        is_simple=is_simple_transfer(to, data, (), (), gas_limit),
    )


def _decode_typed(envelope: bytes, kind: int, sender: bytes | None) -> Transaction:
    f = as_list(_items(envelope[1:]), "transaction", _FIELDS_OF_TYPE[kind])
    v, r, s = as_int(f[-3], "y_parity"), as_int(f[-2], "r", UINT256_MAX), as_int(f[-1], "s", UINT256_MAX)
    if sender is None:
        unsigned = rlp.wrap_list(_unsigned(_list_payload(envelope[1:]), v, r, s))
        sender = recover_address(keccak(envelope[:1] + unsigned), v, r, s)
    nonce, first_fee = as_int(f[1], "nonce"), as_int(f[2], "fee", UINT256_MAX)
    if kind == 1:
        priority, max_fee, rest = first_fee, first_fee, f[3:]
    else:
        priority, max_fee, rest = first_fee, as_int(f[3], "max_fee", UINT256_MAX), f[4:]
    gas_limit, to, data = as_int(rest[0], "gas_limit"), _recipient(rest[1]), as_bytes(rest[3], "data")
    access_list = tuple([_access_entry(part) for part in as_list(rest[4], "access_list")])
    authorizations: tuple[Authorization, ...] = ()
    if kind == 4:
        authorizations = tuple([_authorization(part) for part in as_list(rest[5], "authorizations")])
    return Transaction(
        type=kind,
        chain_id=as_int(f[0], "chain_id", UINT64_MAX),
        nonce=nonce,
        max_priority_fee=priority,
        max_fee=max_fee,
        gas_limit=gas_limit,
        to=to,
        value=as_int(rest[2], "value", UINT256_MAX),
        data=data,
        access_list=access_list,
        authorizations=authorizations,
        v=v,
        r=r,
        s=s,
        hash=keccak(envelope),
        sender=sender,
        size=len(envelope),
        is_simple=is_simple_transfer(to, data, access_list, authorizations, gas_limit),
    )


def _access_entry(item: RLP) -> AccessEntry:
    address, slots = as_list(item, "access_list", 2)
    keys = [int.from_bytes(as_bytes(slot, "access_list", 32), "big") for slot in as_list(slots, "access_list")]
    return AccessEntry(as_bytes(address, "access_list", 20), tuple(keys))


def _authorization(item: RLP) -> Authorization:
    chain_id, address, nonce, y_parity, r, s = as_list(item, "authorization", 6)
    return Authorization(
        chain_id=as_int(chain_id, "authorization", UINT256_MAX),
        address=as_bytes(address, "authorization", 20),
        nonce=as_int(nonce, "authorization"),
        y_parity=as_int(y_parity, "authorization", 255),
        r=as_int(r, "authorization", UINT256_MAX),
        s=as_int(s, "authorization", UINT256_MAX),
    )
