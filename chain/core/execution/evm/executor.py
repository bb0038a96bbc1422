"""One transaction on the EVM (protocol §8): what a block's state transition does around the code.

Sources: EIP-1559, 2929, 2930, 3529, 3607, 3651, 3860, 6780, 7610, 7623, 7702.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth.exceptions import ContractCreationCollision, Revert
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext

from chain.core import rlp
from chain.core.errors import RuleCode, RuleViolation
from chain.core.execution.evm.database import AccountDatabase, TouchGuard
from chain.core.execution.evm.machine import error_code, machine_classes, traced
from chain.core.execution.evm.parts import Message
from chain.core.execution.overlay import DELEGATION_PREFIX, StateOverlay, delegate_of
from chain.core.execution.params import BlockEnv
from chain.core.execution.tracing import Tracer
from chain.core.ports import BlockHashes
from chain.core.transactions import authorization_hash, keccak, recover_address
from chain.core.types import UINT64_MAX, ZERO_ADDRESS, AccessEntry, Authorization, Log, Transaction

__all__ = ["Call", "Executor", "Outcome", "created_address", "error_code", "intrinsic_and_floor"]

_TX_GAS = 21_000
_CREATE_TX_GAS = 32_000
_AUTH_GAS = 25_000
_AUTH_REFUND = 12_500
_MAX_REFUND_QUOTIENT = 5


class Call(NamedTuple):
    """What the executor runs: a transaction's content, or a call that nobody signed.

    ``price`` is the effective gas price that GASPRICE shows; ``fee_price`` the one that is paid (0 for a
    simulated call); gas in EVM gas, the rest in wei.
    """

    sender: bytes
    to: bytes | None
    value: int
    data: bytes
    gas_limit: int
    price: int
    fee_price: int
    access_list: Sequence[AccessEntry]
    authorizations: Sequence[Authorization]

    @classmethod
    def of(cls, tx: Transaction, price: int) -> Call:
        """The call that a transaction makes."""
        return cls(tx.sender, tx.to, tx.value, tx.data, tx.gas_limit, price, price, tx.access_list, tx.authorizations)


class Outcome(NamedTuple):
    """What a call did.

    ``error`` is py-evm's exception of the outermost frame, or None; ``output`` the returned or reverted
    bytes; ``destroyed`` wei that SELFDESTRUCT destroyed; ``gas_refund`` what the refund counter gave back.
    """

    success: bool
    gas_used: int
    output: bytes
    logs: tuple[Log, ...]
    contract_address: bytes | None
    destroyed: int
    error: Exception | None
    gas_refund: int


def intrinsic_and_floor(call: Call, has_floor: bool) -> tuple[int, int]:
    """Gas charged before the code runs, and the least a transaction uses (EIP-7623)."""
    data = call.data
    tokens = 4 * len(data) - 3 * data.count(0)
    gas = _TX_GAS + 4 * tokens + _AUTH_GAS * len(call.authorizations)
    if call.to is None:
        gas += _CREATE_TX_GAS + 2 * ((len(data) + 31) // 32)
    for entry in call.access_list:
        gas += 2_400 + 1_900 * len(entry.slots)
    return gas, (_TX_GAS + 10 * tokens if has_floor else 0)


def created_address(sender: bytes, nonce: int) -> bytes:
    """The address of a contract that ``sender`` creates with ``nonce``."""
    return keccak(rlp.encode([sender, nonce]))[12:]


class Executor:
    """Runs calls one after another over one overlay.

    Parameters
    ----------
    overlay : StateOverlay
        Read and written.
    env : BlockEnv
        The block.
    block_hashes : BlockHashes
        BLOCKHASH.
    tracer : Tracer, optional
        Told of every frame and step.
    """

    def __init__(
        self, overlay: StateOverlay, env: BlockEnv, block_hashes: BlockHashes, tracer: Tracer | None = None
    ) -> None:
        state_class, self.frame_class = machine_classes(env.evm_fork, tracer is not None)
        self.env = env
        self.has_floor = self.has_delegations = env.evm_fork != "cancun"
        self.db = AccountDatabase(overlay, self.frame_class.get_precompiles())
        self.state = state_class(self.db, env, block_hashes, tracer)
        self.tracer = tracer

    def run(self, call: Call, coinbase: bytes, guard: TouchGuard | None = None) -> Outcome:
        """Run a call whose sender can pay for it.

        Parameters
        ----------
        call : Call
            Judged before (nonce, balance, EIP-3607); the sender's nonce is raised here.
        coinbase : bytes
            COINBASE; nothing is credited to it here.
        guard : TouchGuard, optional
            Tells which accounts are foreign.

        Raises
        ------
        ForeignTouch
            A foreign account was touched; everything is undone.
        RuleViolation
            TX_INTRINSIC_GAS for a call that should never have passed the rules in isolation.
        """
        db = self.db
        db.begin(guard)
        self.state.execution_context.coinbase = coinbase
        try:
            return self._run(call, coinbase)
        except BaseException:
            db.discard(0)
            raise

    def _run(self, call: Call, coinbase: bytes) -> Outcome:
        db = self.db
        db.touch(call.sender)
        nonce = db.get_nonce(call.sender)
        db.delta_balance(call.sender, -call.gas_limit * call.fee_price)
        db.set_nonce(call.sender, nonce + 1)
        intrinsic, floor = intrinsic_and_floor(call, self.has_floor)
        if call.gas_limit < max(intrinsic, floor):
            raise RuleViolation(RuleCode.TX_INTRINSIC_GAS, call.gas_limit, max(intrinsic, floor))
        db.mark_address_warm(call.sender)
        db.mark_address_warm(coinbase)
        for address, slots in call.access_list:
            db.touch(address)
            db.mark_address_warm(address)
            for slot in slots:
                db.mark_storage_warm(address, slot)
        message = self._message(call, nonce, call.gas_limit - intrinsic)
        if self.tracer is None:
            frame = self._apply(message, call)
        else:
            kind = "CREATE" if message.is_create else "CALL"
            frame = traced(self.tracer, kind, message, lambda message: self._apply(message, call))
        return self._finish(call, message, frame, floor)

    def _message(self, call: Call, nonce: int, gas: int) -> Any:
        db = self.db
        if call.to is None:
            address = created_address(call.sender, nonce)
            db.touch(address)
            db.mark_address_warm(address)
            return Message(
                gas=gas, to=b"", sender=call.sender, value=call.value, data=b"", code=call.data, create_address=address
            )
        if call.value or call.to not in db.precompiles:
            db.touch(call.to)
        db.mark_address_warm(call.to)
        refund = self._authorize(call.authorizations)
        code = db.get_code(call.to)
        delegate = delegate_of(code) if self.has_delegations else None
        if delegate is not None:
            db.touch(delegate)
            db.mark_address_warm(delegate)
            code = db.get_code(delegate)
        return Message(
            gas=gas,
            to=call.to,
            sender=call.sender,
            value=call.value,
            data=call.data,
            code=code,
            refund=refund,
            is_delegation=delegate is not None,
        )

    def _authorize(self, authorizations: Sequence[Authorization]) -> int:
        """EIP-7702: set delegations, return the refund for authorities that exist already."""
        db = self.db
        refund = 0
        for authorization in authorizations:
            if authorization.chain_id not in (0, self.env.chain_id) or authorization.nonce >= UINT64_MAX:
                continue
            try:
                authority = recover_address(
                    authorization_hash(authorization), authorization.y_parity, authorization.r, authorization.s
                )
            except RuleViolation:
                # EIP-7702: an authorization that nobody signed is passed over, the transaction goes on
                continue
            db.touch(authority)
            db.mark_address_warm(authority)
            code = db.get_code(authority)
            if (code and delegate_of(code) is None) or db.get_nonce(authority) != authorization.nonce:
                continue
            if db.account_exists(authority):
                refund += _AUTH_REFUND
            if authorization.address == ZERO_ADDRESS:
                db.delete_code(authority)
            else:
                db.set_code(authority, DELEGATION_PREFIX + authorization.address)
            db.increment_nonce(authority)
        return refund

    def _apply(self, message: Any, call: Call) -> Any:
        context = CancunTransactionContext(gas_price=call.price, origin=call.sender)
        if not message.is_create:
            return self.frame_class.apply_message(self.state, message, context)
        if self.db.account_has_code_or_nonce(message.storage_address):
            frame = self.frame_class(self.state, message, context)
            frame.error = ContractCreationCollision("address in use")
            return frame
        return self.frame_class.apply_create_message(self.state, message, context)

    def _finish(self, call: Call, message: Any, frame: Any, floor: int) -> Outcome:
        db = self.db
        gas_used = call.gas_limit - frame.get_gas_remaining()
        gas_refund = min(frame.get_gas_refund(), gas_used // _MAX_REFUND_QUOTIENT)
        gas_used = max(gas_used - gas_refund, floor)
        db.delta_balance(call.sender, (call.gas_limit - gas_used) * call.fee_price)
        for address in frame.get_accounts_for_deletion():
            db.delete_account(address)
        error = None if frame.is_success else frame.error
        logs = tuple(
            Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
            for address, topics, data in frame.get_log_entries()
        )
        output = frame.output if error is None or isinstance(error, Revert) else b""
        created = message.storage_address if message.is_create else None
        return Outcome(error is None, gas_used, output, logs, created, db.destroyed, error, gas_refund)
