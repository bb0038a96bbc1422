"""Codes of broken protocol rules."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, with_remedy
from chain.core.errors import RuleCode, RuleViolation

_ENCODER = "encode it anew with a library that writes canonical RLP; what came over a wire may have been cut off"
_SPEC = "correct the genesis file; docs/protocol/chain-spec.md lists every key with its bounds"
_HEADER = "the block's maker takes a fresh template and leaves its fields as they are; others drop the block"
_SEAL = "the miner searches on a fresh template; check its hash function, the nonce's byte order and its clock"
_DRAW = "check the miner's vrf.key, the slot that it draws for and its clock; take a fresh template"
_CONTEXT = "the block's maker builds on a fresh template and fills these fields from it; others drop the block"
_BODY = "the block's maker leaves transactions out until the stream's limits hold"
_SIGN = "sign the transaction anew with the field corrected"
_CHAIN = (
    "none for an operator: the block stays in the DAG, off the selected chain; where this node's own blocks are hit, "
    "run verify_chain and report it"
)

RULES: tuple[Entry, ...] = (
    *with_remedy(
        RuleViolation,
        _ENCODER,
        (
            (RuleCode.RLP_MALFORMED, "bytes are missing or left over"),
            (RuleCode.RLP_NON_CANONICAL, "there is a shorter encoding of the same value"),
            (RuleCode.RLP_TOO_DEEP, "lists are nested more than eight deep"),
            (RuleCode.FIELD_COUNT, "a list has another number of items than its kind has"),
            (RuleCode.FIELD_LENGTH, "a byte string has another length than its field"),
            (RuleCode.FIELD_RANGE, "an integer is out of the range of its field"),
            (RuleCode.FIELD_KIND, "a list stands where a byte string belongs, or the reverse"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _SPEC,
        (
            (RuleCode.SPEC_UNKNOWN_KEY, "the genesis file has a key that no chain spec has"),
            (RuleCode.SPEC_MISSING_KEY, "the genesis file lacks a key"),
            (RuleCode.SPEC_VALUE, "a value of the genesis file is of the wrong kind, out of range or contradictory"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _HEADER,
        (
            (RuleCode.HEADER_VERSION, "the header's version is not the one of its place in the DAG"),
            (RuleCode.HEADER_CHAIN_ID, "the block was made for another network"),
            (RuleCode.HEADER_STREAM, "the stream is none of A, B and C"),
            (RuleCode.HEADER_PARENT_COUNT, "there is no parent, or more than the network allows"),
            (RuleCode.HEADER_PARENT_ORDER, "the parents are not distinct and ascending"),
            (RuleCode.HEADER_TARGET, "the target is no compact form, or easier than the stream's limit"),
            (RuleCode.HEADER_EXTRA_LENGTH, "the extra field is longer than 32 bytes"),
            (RuleCode.HEADER_SEAL_SHAPE, "the seal has not the items of its stream"),
        ),
    ),
    *with_remedy(RuleViolation, _SEAL, ((RuleCode.SEAL_ABOVE_TARGET, "the hash of a work block exceeds its target"),)),
    *with_remedy(
        RuleViolation,
        _DRAW,
        (
            (RuleCode.SEAL_VRF_KEY, "the key of a C block is no canonical point of prime order"),
            (RuleCode.SEAL_VRF_PROOF, "the draw's proof does not verify"),
            (RuleCode.SEAL_SIGNATURE, "the signature does not verify"),
            (RuleCode.SEAL_NOT_ELIGIBLE, "the key has no ticket, or its draw did not win the slot"),
            (RuleCode.SEAL_NO_ANCHOR, "the chain is too young for a draw"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _CONTEXT,
        (
            (RuleCode.PARENT_INVALID, "a parent is invalid, and so is whatever builds on it"),
            (RuleCode.PARENTS_RELATED, "a parent is an ancestor of another one"),
            (RuleCode.TIMESTAMP_NOT_AFTER_PARENTS, "the timestamp is not later than every parent's"),
            (RuleCode.SLOT_NOT_AFTER_PARENTS, "the slot of a C block is not later than every parent's"),
            (RuleCode.WRONG_TARGET, "the target is not the one that the past asks for"),
            (RuleCode.WRONG_STREAM_COUNTS, "the counts by stream are not those of the past"),
            (RuleCode.WRONG_BLUE_SCORE, "the blue score is not that of the past"),
            (RuleCode.WRONG_BLUE_WORK, "the blue work is not that of the past"),
            (RuleCode.WRONG_NUMBER, "the number is not the selected parent's plus one"),
            (RuleCode.MERGESET_LIMIT, "the block merges more blocks than the network allows"),
            (RuleCode.MERGE_DEPTH, "the block merges one that lies too deep"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _BODY,
        (
            (RuleCode.BODY_EMPTY, "a C block carries no transaction"),
            (RuleCode.BODY_TOO_MANY_TXS, "the body has more transactions than its stream allows"),
            (RuleCode.BODY_TOO_LARGE, "the body is longer than its stream allows"),
            (RuleCode.BODY_DUPLICATE_TX, "a transaction stands in the body twice"),
            (RuleCode.BODY_CALL_GAS, "the gas limits of the body's calls exceed its stream's limit together"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _SIGN,
        (
            (RuleCode.TX_TYPE, "the transaction's type is none of legacy, 1, 2 and 4"),
            (RuleCode.TX_UNPROTECTED, "a legacy transaction carries no chain id"),
            (RuleCode.TX_CHAIN_ID, "the transaction is signed for another chain"),
            (RuleCode.TX_SIGNATURE, "no sender can be recovered, or s is in the upper half"),
            (RuleCode.TX_NONCE_MAX, "the nonce has its greatest value"),
            (RuleCode.TX_INITCODE_SIZE, "the creation code is longer than 49152 bytes"),
            (RuleCode.TX_INTRINSIC_GAS, "the gas limit is below what the transaction costs before it runs"),
            (RuleCode.TX_GAS_LIMIT, "the gas limit is above that of an epoch"),
            (RuleCode.TX_STREAM_GAS_LIMIT, "the gas limit is above that of the stream whose block carries it"),
            (RuleCode.TX_SIZE, "the transaction is longer than the network allows"),
            (RuleCode.TX_FEE_ORDER, "the priority fee is above the fee cap"),
            (RuleCode.TX_NO_RECIPIENT, "a transaction of type 4 names no recipient"),
            (RuleCode.TX_NO_AUTHORIZATIONS, "a transaction of type 4 carries no authorization"),
        ),
    ),
    *with_remedy(
        RuleViolation,
        _CHAIN,
        (
            (RuleCode.WRONG_STATE_ROOT, "the committed state is not the one after the selected parent's epoch"),
            (RuleCode.WRONG_RECEIPTS_ROOT, "the committed receipts are not those of that epoch"),
            (RuleCode.WRONG_GAS_USED, "the committed gas is not that of that epoch"),
            (RuleCode.WRONG_BASE_FEE, "the committed base fee does not follow from that epoch"),
        ),
    ),
)
