"""py-evm's state and computation of a fork, over our account database.

What is overridden and why: the constructor (no trie, no system contracts), frames (results are folded into
the parent at once, so that a loop of a hundred thousand calls does not keep a hundred thousand frames), the
interpreter loop (initcode gas belongs to intrinsic gas; a frame is the outermost by depth, not by sender),
BLOCKHASH and BLOBBASEFEE.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eth.exceptions import Halt
from eth.vm.computation import BaseComputation
from eth.vm.forks.cancun import CancunState
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.prague import PragueState
from eth.vm.forks.prague.computation import PragueComputation

from chain.core.errors import ConfigError
from chain.core.execution.evm.code import Code
from chain.core.execution.evm.database import AccountDatabase
from chain.core.execution.evm.fast_ops import Op
from chain.core.execution.evm.opcodes import touching_table
from chain.core.execution.evm.parts import GasMeter, Memory, Message, Stack, memory_cost
from chain.core.execution.evm.precompiles import native_precompiles
from chain.core.execution.params import BlockEnv
from chain.core.execution.tracing import FrameEnd, FrameStart, Step, Tracer
from chain.core.ports import BlockHashes

_FORKS = {"cancun": (CancunState, CancunComputation), "prague": (PragueState, PragueComputation)}
_MAX_HASH_DEPTH = 256


class Context:
    """What py-evm asks of its execution context; ``coinbase`` changes with each transaction."""

    def __init__(self, env: BlockEnv) -> None:
        self.coinbase = bytes(20)
        self.timestamp = env.timestamp
        self.block_number = env.number
        self.difficulty = 0
        self.mix_hash = env.prevrandao
        self.gas_limit = env.gas_limit
        self.base_fee_per_gas = env.base_fee
        self.chain_id = env.chain_id


class _FrameRules(BaseComputation):  # type: ignore[misc]
    """Our overrides of py-evm's computation."""

    table: list[Op]

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        self.state = state
        self.msg = message
        self.transaction_context = transaction_context
        self.code = Code(message.code)
        self._gas_meter = meter = GasMeter(message.gas)
        self.consume_gas = meter.consume_gas
        self._stack = Stack()
        self._memory = Memory()
        self._log_entries: list[tuple[bytes, tuple[int, ...], bytes]] = []
        self.children: list[Any] = []
        self.accounts_to_delete: dict[bytes, bool] = {}
        self.contracts_created: list[bytes] = []

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """Run one frame to its end."""
        with cls(state, message, transaction_context) as computation:
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = cls._precompiles.get(message.code_address)
            if precompile is not None:
                # EIP-7702: a delegation to a precompile runs no code
                if not message.is_delegation:
                    precompile(computation)
                return computation
            cls.run_code(computation)
        return computation

    @classmethod
    def run_code(cls, computation: Any) -> None:
        """The interpreter loop."""
        table, code = cls.table, computation.code
        padded = code.padded
        try:
            while True:
                at = code.program_counter
                code.program_counter = at + 1
                table[padded[at]](computation)
        except Halt:
            return

    def extend_memory(self, start_position: int, size: int) -> None:
        """Pay for memory up to ``start_position + size`` and make it so."""
        if size:
            before = len(self._memory) // 32
            words = (start_position + size + 31) // 32
            if words > before:
                self._gas_meter.consume_gas(memory_cost(words) - memory_cost(before), "memory")
                self._memory.extend(start_position, size)

    def add_child_computation(self, child_computation: Any) -> None:
        """Take over what a finished child leaves, and let it go."""
        child = child_computation
        if child.is_error:
            keeps_output = child.msg.is_create or not child.should_burn_gas
            self.return_data = child.output if keeps_output else b""
            return
        self.return_data = b"" if child.msg.is_create else child.output
        self._gas_meter.gas_refunded += child._gas_meter.gas_refunded
        self._log_entries.extend(child._log_entries)
        self.accounts_to_delete.update(child.accounts_to_delete)

    def prepare_child_message(
        self, gas: int, to: bytes, value: int, data: bytes, code: bytes, sender: bytes | None = None, **fields: Any
    ) -> Message:
        """The message of a call or creation by this frame."""
        caller = self.msg.storage_address if sender is None else sender
        return Message(gas, to, caller, value, data, code, self.msg.depth + 1, **fields)

    @property
    def is_error(self) -> bool:
        """Whether the frame failed."""
        return self._error is not None

    @property
    def is_success(self) -> bool:
        """Whether the frame did not fail."""
        return self._error is None

    @property
    def should_burn_gas(self) -> bool:
        """Whether the failure takes all gas; a revert does not."""
        return self._error is not None and bool(self._error.burns_gas)

    @property
    def should_erase_return_data(self) -> bool:
        """Whether the failure leaves no output; a revert does."""
        return self._error is not None and bool(self._error.erases_return_data)

    def get_gas_refund(self) -> int:
        """Refunds of the frame and its children; of a failed frame only EIP-7702's."""
        refund: int = self.msg.refund
        return refund if self.is_error else refund + self._gas_meter.gas_refunded

    def register_account_for_deletion(self, beneficiary: bytes) -> None:
        """SELFDESTRUCT of a contract created in this transaction; twice is once."""
        self.accounts_to_delete[self.msg.storage_address] = True

    @property
    def beneficiaries(self) -> list[bytes]:
        """py-evm collects them for EIP-161 clearing, which our state does by itself."""
        return []

    def get_accounts_for_deletion(self) -> list[bytes]:
        """Contracts to delete at the end of the transaction, ascending."""
        return [] if self.is_error else sorted(self.accounts_to_delete)

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        """Frames are folded in order, so logs need no counter."""
        self._log_entries.append((account, topics, data))

    def get_log_entries(self) -> tuple[tuple[bytes, tuple[int, ...], bytes], ...]:
        """Logs of the frame and its children in the order of their emission."""
        return () if self.is_error else tuple(self._log_entries)


class _StateRules:
    """Our overrides of py-evm's state; mixed in before the fork's class."""

    def __init__(
        self, db: AccountDatabase, env: BlockEnv, block_hashes: BlockHashes, tracer: Tracer | None = None
    ) -> None:
        self._account_db = self._db = db
        self.tracer = tracer
        self.execution_context = Context(env)
        self.env = env
        self.block_hashes = block_hashes
        self.precompiles = db.precompiles
        # the interpreter reaches the database in one step
        self.touch = db.touch
        self.add_destroyed = db.add_destroyed
        self.get_balance = db.get_balance
        self.set_balance = db.set_balance
        self.delta_balance = db.delta_balance
        self.get_nonce = db.get_nonce
        self.set_nonce = db.set_nonce
        self.increment_nonce = db.increment_nonce
        self.get_code = db.get_code
        self.set_code = db.set_code
        self.get_code_hash = db.get_code_hash
        self.has_code_or_nonce = db.account_has_code_or_nonce
        self.account_exists = db.account_exists
        self.account_is_empty = db.account_is_empty
        self.touch_account = db.touch_account
        self.delete_storage = db.delete_storage
        self.get_storage = db.get_storage
        self.set_storage = db.set_storage
        self.get_transient_storage = db.get_transient
        self.set_transient_storage = db.set_transient
        self.is_address_warm = db.is_address_warm
        self.mark_address_warm = db.mark_address_warm
        self.is_storage_warm = db.is_storage_warm
        self.mark_storage_warm = db.mark_storage_warm
        self.snapshot = db.record
        self.revert = db.discard

    def commit(self, snapshot: int) -> None:
        """A kept checkpoint needs nothing: its entries serve the one below."""

    def get_ancestor_hash(self, block_number: int) -> bytes:
        """BLOCKHASH: the selected chain's last 256, else nothing."""
        if 0 < self.env.number - block_number <= _MAX_HASH_DEPTH and block_number >= 0:
            return self.block_hashes(block_number) or b""
        return b""

    @property
    def blob_base_fee(self) -> int:
        """BLOBBASEFEE: there are no blobs (protocol §8)."""
        return self.env.blob_base_fee


class _TracedRules(_FrameRules):
    """A frame that tells the state's tracer of every step and of the frames it calls."""

    op = 0

    @classmethod
    def run_code(cls, computation: Any) -> None:
        """The interpreter loop with a step before each opcode."""
        table, tracer, code = cls.table, computation.state.tracer, computation.code
        depth, padded, meter = computation.msg.depth, code.padded, computation._gas_meter
        if not len(code):
            return
        try:
            while True:
                at = code.program_counter
                code.program_counter = at + 1
                computation.op = opcode = padded[at]
                tracer.step(Step(computation, at, opcode, meter.gas_remaining, depth))
                table[opcode](computation)
        except Halt:
            return

    def generate_child_computation(self, child_msg: Any) -> Any:
        """A call or creation by this frame."""
        return traced(self.state.tracer, _KINDS[self.op], child_msg, super().generate_child_computation)


_KINDS = {
    0xF0: "CREATE",
    0xF1: "CALL",
    0xF2: "CALLCODE",
    0xF4: "DELEGATECALL",
    0xF5: "CREATE2",
    0xFA: "STATICCALL",
}


def traced(tracer: Tracer, kind: str, message: Any, run: Callable[[Any], Any]) -> Any:
    """Run a message as a frame that the tracer is told of."""
    data = message.code if message.is_create else message.data_as_bytes
    address, code_address = message.storage_address, message.code_address or message.storage_address
    tracer.enter(
        FrameStart(kind, message.depth, message.sender, address, code_address, message.value, message.gas, data)
    )
    frame = run(message)
    error = None if frame.is_success else error_code(frame.error)
    tracer.exit(FrameEnd(frame.output, message.gas - frame.get_gas_remaining(), error))
    return frame


_ERRORS = {
    "Revert": "execution_reverted",
    "OutOfGas": "out_of_gas",
    "InvalidInstruction": "invalid_opcode",
    "InvalidJumpDestination": "invalid_jump",
    "InsufficientStack": "stack_underflow",
    "FullStack": "stack_overflow",
    "WriteProtection": "write_protection",
    "OutOfBoundsRead": "return_data_out_of_bounds",
    "ContractCreationCollision": "contract_address_collision",
    "ReservedBytesInCode": "invalid_code_entry",
    "InsufficientFunds": "insufficient_balance",
    "StackDepthLimit": "max_call_depth",
}


def error_code(error: Exception) -> str:
    """A stable name for py-evm's exception of a failed frame; a precompile's is "precompile_failed"."""
    return _ERRORS.get(type(error).__name__, "precompile_failed")


@lru_cache(maxsize=8)
def machine_classes(fork: str, is_traced: bool = False) -> tuple[Any, Any]:
    """Our (state class, computation class) of a fork, made once a process.

    Raises
    ------
    ConfigError
        ``unknown_evm_fork``.
    """
    if fork not in _FORKS:
        raise ConfigError("unknown_evm_fork", got=fork, expected=tuple(_FORKS))
    base_state, base_computation = _FORKS[fork]
    computation = type(
        f"{fork.title()}Frame",
        (_TracedRules if is_traced else _FrameRules, base_computation),
        {
            "opcodes": base_computation.opcodes,
            "table": touching_table(base_computation.opcodes),
            "_precompiles": native_precompiles(base_computation.get_precompiles()),
        },
    )
    state = type(f"{fork.title()}Machine", (_StateRules, base_state), {"computation_class": computation})
    return state, computation
