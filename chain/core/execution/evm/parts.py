"""Stack, memory and gas meter of a frame: py-evm's interfaces without its checks of what cannot happen.

The stack holds integers only (py-evm's holds integers or bytes, whichever was pushed), so an operation need not ask.
"""

from __future__ import annotations

from eth.exceptions import FullStack, InsufficientStack, OutOfGas

STACK_LIMIT = 1_024


class Stack:
    """The operand stack; ``values`` has its top last."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[int] = []

    def push_int(self, value: int) -> None:
        """Push a word."""
        if len(self.values) >= STACK_LIMIT:
            raise FullStack("stack limit reached")
        self.values.append(value)

    def push_bytes(self, value: bytes) -> None:
        """Push up to 32 bytes, read as a big-endian word."""
        self.push_int(int.from_bytes(value, "big"))

    def pop1_int(self) -> int:
        """Pop a word."""
        try:
            return self.values.pop()
        except IndexError:
            raise InsufficientStack("stack is empty") from None

    pop1_any = pop1_int

    def pop1_bytes(self) -> bytes:
        """Pop a word in its shortest big-endian form."""
        return _bytes(self.pop1_int())

    def pop_ints(self, count: int) -> tuple[int, ...]:
        """Pop words, the top first."""
        values = self.values
        if count > len(values):
            raise InsufficientStack("too few items on the stack")
        found = tuple(values[: -count - 1 : -1])
        del values[-count:]
        return found

    pop_any = pop_ints

    def pop_bytes(self, count: int) -> tuple[bytes, ...]:
        """Pop words in their shortest big-endian form, the top first."""
        return tuple(_bytes(value) for value in self.pop_ints(count))

    def swap(self, position: int) -> None:
        """SWAPn."""
        values = self.values
        if position >= len(values):
            raise InsufficientStack("too few items on the stack")
        values[-1], values[-position - 1] = values[-position - 1], values[-1]

    def dup(self, position: int) -> None:
        """DUPn."""
        if position > len(self.values):
            raise InsufficientStack("too few items on the stack")
        self.push_int(self.values[-position])


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")


class Memory:
    """The memory of a frame; its length is always a multiple of 32."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def extend(self, start: int, size: int) -> None:
        """Grow to hold ``size`` bytes from ``start``."""
        if size:
            missing = (start + size + 31) // 32 * 32 - len(self._bytes)
            if missing > 0:
                self._bytes.extend(bytes(missing))

    def write(self, start: int, size: int, value: bytes) -> None:
        """Write ``size`` bytes that memory has room for."""
        if size:
            self._bytes[start : start + size] = value

    def read_bytes(self, start: int, size: int) -> bytes:
        """Read bytes."""
        return bytes(self._bytes[start : start + size])

    read = read_bytes

    def copy(self, destination: int, source: int, length: int) -> None:
        """Copy within memory, overlapping or not."""
        if length:
            self._bytes[destination : destination + length] = self._bytes[source : source + length]


class Message:
    """What a frame is called with.  An empty ``to`` is a creation, at ``create_address``.

    ``storage_address`` is the account whose state the frame works on, ``code_address`` the one whose code it runs.
    """

    __slots__ = (
        "code",
        "code_address",
        "data",
        "depth",
        "gas",
        "is_create",
        "is_delegation",
        "is_static",
        "refund",
        "sender",
        "should_transfer_value",
        "storage_address",
        "to",
        "value",
    )

    def __init__(
        self,
        gas: int,
        to: bytes,
        sender: bytes,
        value: int,
        data: bytes,
        code: bytes,
        depth: int = 0,
        create_address: bytes | None = None,
        code_address: bytes | None = None,
        should_transfer_value: bool = True,
        is_static: bool = False,
        is_delegation: bool = False,
        refund: int = 0,
    ) -> None:
        self.gas = gas
        self.to = to
        self.sender = sender
        self.value = value
        self.data = data
        self.code = code
        self.depth = depth
        self.is_create = not to
        self.storage_address = create_address or to
        self.code_address = code_address or to
        self.should_transfer_value = should_transfer_value
        self.is_static = is_static
        self.is_delegation = is_delegation
        self.refund = refund

    @property
    def data_as_bytes(self) -> bytes:
        """The input; memory is read into bytes before a call, so it is bytes already."""
        return self.data


class GasMeter:
    """The gas of a frame; refunds may be negative in between (EIP-2200)."""

    __slots__ = ("gas_refunded", "gas_remaining", "start_gas")

    def __init__(self, start_gas: int) -> None:
        self.start_gas = start_gas
        self.gas_remaining = start_gas
        self.gas_refunded = 0

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take gas.

        Raises
        ------
        OutOfGas
            With ``reason``.
        """
        left = self.gas_remaining - amount
        if left < 0:
            raise OutOfGas(reason)
        self.gas_remaining = left

    def return_gas(self, amount: int) -> None:
        """Give back what a child did not use."""
        self.gas_remaining += amount

    def refund_gas(self, amount: int) -> None:
        """Change the refund counter."""
        self.gas_refunded += amount


def memory_cost(words: int) -> int:
    """Gas of a memory of so many 32-byte words."""
    return 3 * words + words * words // 512
