"""Our opcodes against py-evm's own over random stacks, memory and gas: same stack, memory, gas and outcome."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from eth.exceptions import VMError
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext

from chain.core.execution.evm.fast_ops import FAST_OPS
from chain.core.execution.evm.machine import machine_classes
from chain.core.execution.evm.parts import Stack

OURS = machine_classes("prague")[1]
ENV = SimpleNamespace(
    timestamp=1_700_000_000,
    number=1_000,
    prevrandao=b"\x77" * 32,
    gas_limit=10**9,
    chain_id=7,
    base_fee=9,
    blob_base_fee=1,
)
WORD = 2**256 - 1
EDGES = [0, 1, 2, 3, 5, 31, 32, 33, 64, 255, 256, 257, 2**64, 2**255, 2**255 - 1, WORD, WORD - 1]


class State:
    """What opcodes ask of the state; both machines get the same."""

    env = ENV
    execution_context = SimpleNamespace(coinbase=b"\x0c" * 20, chain_id=ENV.chain_id)
    coinbase, timestamp, block_number = b"\x0c" * 20, ENV.timestamp, ENV.number
    mix_hash, gas_limit, base_fee, blob_base_fee = ENV.prevrandao, ENV.gas_limit, ENV.base_fee, ENV.blob_base_fee

    def mark_address_warm(self, address):
        pass


def frame_of(frame_class, code, gas, stack, memory, data):
    message = Message(gas, b"\x02" * 20, b"\x03" * 20, 11, data, code)
    frame = frame_class(State(), message, BaseTransactionContext(13, b"\x04" * 20))
    frame._stack.values.extend(stack)
    frame._memory._bytes.extend(memory)
    frame.return_data = b"\x01\x02\x03"
    # as after reading the opcode at the start
    frame.code.program_counter = 1
    return frame


def outcome(frame, op):
    try:
        op(frame)
    except VMError:
        return "failed"
    stack = [item if isinstance(item, int) else int.from_bytes(item, "big") for item in frame._stack.values]
    return stack, bytes(frame._memory._bytes), frame._gas_meter.gas_remaining, frame.code.program_counter


def agree(op, stack, gas=10**6, memory=b"", data=b"", tail=b""):
    code = bytes((op,)) + tail
    ours = outcome(frame_of(OURS, code, gas, stack, memory, data), OURS.table[op])
    theirs = outcome(frame_of(PragueComputation, code, gas, stack, memory, data), PragueComputation.opcodes[op])
    assert ours == theirs
    return ours


def _word(rng):
    return rng.choice((rng.choice(EDGES), rng.getrandbits(256), rng.randrange(700)))


@pytest.mark.parametrize("op", sorted(FAST_OPS))
def test_every_fast_opcode_agrees(op):
    # a seeded generator and not hypothesis: two hundred cases of each of a hundred opcodes have to be quick
    rng = random.Random(op)
    for _ in range(200):
        stack = [_word(rng) for _ in range(rng.randrange(19))]
        gas = rng.choice([0, 2, 3, 5, 8, 10, 30, 100, 10**6, 10**6, 10**6])
        memory = rng.choice([b"", bytes(range(64)), b"\xff" * 320])
        agree(op, stack, gas, memory, rng.randbytes(rng.randrange(70)), rng.randbytes(rng.randrange(40)))


@pytest.mark.parametrize("op", [0x56, 0x57])
@pytest.mark.parametrize("target", [0, 1, 2, 3, 4, 5, 6, WORD])
@pytest.mark.parametrize("condition", [0, 1])
def test_jumps_agree(op, target, condition):
    # a JUMPDEST at 1, one inside PUSH1's data at 3, one at 4
    agree(op, [condition, target], tail=b"\x5b\x60\x5b\x5b\x00")


@pytest.mark.parametrize("op", [0x5F, 0x60, 0x7F, 0x80, 0x30, 0x5A])
def test_a_full_stack_agrees(op):
    assert agree(op, [1] * 1024) == "failed"
    assert agree(op, [1] * 1023) != "failed"


@pytest.mark.parametrize("op", [0x51, 0x52, 0x53, 0x5E, 0x20, 0x37, 0x39])
def test_memory_beyond_all_gas_agrees(op):
    for stack in ([2**64, 2**64, 2**64], [1, 2**255, WORD], [2**40, 1, 0], [0, 2**255, 2**255]):
        agree(op, stack)


def test_the_stack_reads_like_py_evm_s():
    stack = Stack()
    stack.push_bytes(b"")
    stack.push_bytes(b"\x00\x00\x05")
    stack.push_int(2**255)
    assert stack.pop1_bytes() == (2**255).to_bytes(32, "big")
    stack.push_int(7)
    assert stack.pop_bytes(3) == (b"\x07", b"\x05", b"\x00")
    with pytest.raises(VMError):
        stack.pop1_any()
    with pytest.raises(VMError):
        stack.pop_ints(1)
    stack.push_int(1)
    stack.push_int(2)
    stack.swap(1)
    stack.dup(2)
    assert stack.pop_any(3) == (2, 1, 2)
    with pytest.raises(VMError):
        stack.dup(1)
    with pytest.raises(VMError):
        stack.swap(1)
