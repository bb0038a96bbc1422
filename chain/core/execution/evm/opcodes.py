"""py-evm's opcode table with what the protocol needs of it: touched accounts (§8) and ether destroyed."""

from __future__ import annotations

from typing import Any

from eth.exceptions import Halt
from eth.vm import mnemonics, opcode_values
from eth.vm.forks.byzantium.opcodes import ensure_no_static
from eth.vm.forks.cancun import logic as cancun_logic
from eth.vm.forks.shanghai.logic import Create2EIP3860, CreateEIP3860
from eth.vm.logic.invalid import InvalidOpcode
from eth.vm.opcode import as_opcode

from chain.core.execution.evm.fast_ops import FAST_OPS, Op
from chain.core.execution.overlay import delegate_of

_ADDRESS_MASK = (1 << 160) - 1
_SELFDESTRUCT_GAS = 5_000
_CREATE_GAS = 32_000


def operand_address(word: int) -> bytes:
    """The address in a word of the stack."""
    return (word & _ADDRESS_MASK).to_bytes(20, "big")


def _reading(op: Op) -> Op:
    """BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH: the address is on top of the stack."""

    def run(computation: Any) -> None:
        stack = computation._stack.values
        if stack:
            computation.state.touch(operand_address(stack[-1]))
        op(computation)

    return run


def _calling(op: Op, has_value: bool) -> Op:
    """CALL family: the address is second, a value third.

    A precompile that is merely executed with zero value is not touched; of any other account the delegate
    is touched too.
    """

    def run(computation: Any) -> None:
        stack = computation._stack.values
        if len(stack) >= 2:
            state = computation.state
            address = operand_address(stack[-2])
            if address in state.precompiles:
                if has_value and (len(stack) < 3 or stack[-3]):
                    state.touch(address)
            else:
                state.touch(address)
                delegate = delegate_of(state.get_code(address))
                if delegate is not None:
                    state.touch(delegate)
        op(computation)

    return run


def _self_destruct(computation: Any) -> None:
    """SELFDESTRUCT: the beneficiary is touched; what a new contract leaves to itself is destroyed (EIP-6780)."""
    stack = computation._stack.values
    if not stack:
        _SELFDESTRUCT(computation)
        return
    beneficiary = operand_address(stack[-1])
    state, address = computation.state, computation.msg.storage_address
    state.touch(beneficiary)
    burns = state.get_balance(address) if beneficiary == address and address in computation.contracts_created else 0
    try:
        _SELFDESTRUCT(computation)
    except Halt:
        if burns:
            state.add_destroyed(burns)
        raise


_SELFDESTRUCT = as_opcode(
    logic_fn=ensure_no_static(cancun_logic.selfdestruct_eip6780),
    mnemonic=mnemonics.SELFDESTRUCT,
    gas_cost=_SELFDESTRUCT_GAS,
)


class _Create(CreateEIP3860):  # type: ignore[misc]
    def generate_contract_address(self, stack_data: Any, call_data: bytes, computation: Any) -> bytes:
        """py-evm derives the address once balance, nonce and depth have passed: here it is touched."""
        address: bytes = super().generate_contract_address(stack_data, call_data, computation)
        computation.state.touch(address)
        return address


class _Create2(Create2EIP3860):  # type: ignore[misc]
    def generate_contract_address(self, stack_data: Any, call_data: bytes, computation: Any) -> bytes:
        """As for CREATE."""
        address: bytes = super().generate_contract_address(stack_data, call_data, computation)
        computation.state.touch(address)
        return address


def touching_table(opcodes: dict[int, Op]) -> list[Op]:
    """py-evm's opcodes as a list of 256, those that name accounts recording them.

    The address counts from the moment that the opcode is reached with it on the stack: whether gas
    suffices or the frame is static or reverts does not matter (protocol §8, *Touched*).
    """
    table: list[Op] = [opcodes.get(value) or InvalidOpcode(value) for value in range(256)]
    for value, fast in FAST_OPS.items():
        if value in opcodes:
            table[value] = fast
    for value in (
        opcode_values.BALANCE,
        opcode_values.EXTCODESIZE,
        opcode_values.EXTCODECOPY,
        opcode_values.EXTCODEHASH,
    ):
        table[value] = _reading(table[value])
    for value in (opcode_values.CALL, opcode_values.CALLCODE):
        table[value] = _calling(table[value], has_value=True)
    for value in (opcode_values.DELEGATECALL, opcode_values.STATICCALL):
        table[value] = _calling(table[value], has_value=False)
    table[opcode_values.SELFDESTRUCT] = _self_destruct
    table[opcode_values.CREATE] = _Create.configure(
        __name__="opcode:CREATE", mnemonic=mnemonics.CREATE, gas_cost=_CREATE_GAS
    )()
    table[opcode_values.CREATE2] = _Create2.configure(
        __name__="opcode:CREATE2", mnemonic=mnemonics.CREATE2, gas_cost=_CREATE_GAS
    )()
    return table
