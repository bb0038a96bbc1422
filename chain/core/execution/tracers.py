"""Tracers in the forms that Ethereum's tools read: struct logs, the tree of calls, the state before.

Their names, options and field names are go-ethereum's (debug namespace).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.core.execution.opcode_names import OPCODE_NAMES
from chain.core.execution.overlay import StateOverlay
from chain.core.execution.revert import revert_reason
from chain.core.execution.tracing import FrameEnd, FrameStart, Step
from chain.core.types import AccessEntry, Account

Json = dict[str, Any]

# words of stack, memory and storage, and steps (counted as eight), of one trace
MAX_WORDS = 2_000_000
MAX_FRAMES = 50_000
_SLOAD, _SSTORE, _LOG0, _LOG4, _SELFDESTRUCT = 0x54, 0x55, 0xA0, 0xA4, 0xFF
_WORDS = {
    "invalid_jump": "invalid jump destination",
    "stack_overflow": "stack limit reached 1024 (1023)",
    "insufficient_balance": "insufficient balance for transfer",
    "max_call_depth": "max call depth exceeded",
    "invalid_code_entry": "invalid code: must not begin with 0xef",
    "precompile_failed": "precompiled contract failed",
}


@dataclass(frozen=True, slots=True)
class Traced:
    """What the traced call did as a whole: gas in EVM gas, ``error`` None or a code of ``CallResult.error``."""

    gas_limit: int
    gas_used: int
    output: bytes
    error: str | None
    accessed: tuple[AccessEntry, ...]


class Before:
    """The state under an overlay as it is now, for reading it after a call has changed the overlay."""

    def __init__(self, overlay: StateOverlay) -> None:
        self._overlay = overlay
        self._accounts, self._slots = dict(overlay.accounts), dict(overlay.slots)

    def account(self, address: bytes) -> Account | None:
        """The account then."""
        if address in self._accounts:
            return self._accounts[address]
        return self._overlay.reader.get_account(address)

    def slot(self, address: bytes, slot: int) -> int:
        """The slot then."""
        value = self._slots.get((address, slot))
        return self._overlay.reader.get_slot(address, slot) if value is None else value


def error_text(code: str) -> str:
    """An error as clients word it."""
    return _WORDS.get(code, code.replace("_", " "))


class StructLogger:
    """Every step with gas, cost, stack and, as asked, memory, storage and return data.

    Parameters
    ----------
    options : mapping
        ``disableStack``, ``disableStorage``, ``enableMemory``, ``enableReturnData``, ``limit`` (of steps).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._stack = not options.get("disableStack")
        self._storage = not options.get("disableStorage")
        self._memory = bool(options.get("enableMemory"))
        self._return_data = bool(options.get("enableReturnData"))
        self._limit = int(options.get("limit") or 0)
        self._logs: list[Json] = []
        self._room = MAX_WORDS
        # of each frame: its last entry with the step that made it, until the cost is known
        self._open: list[tuple[Json, Step] | None] = []
        self._seen: dict[bytes, dict[str, str]] = {}

    def enter(self, frame: FrameStart) -> None:
        """See ``Tracer``."""
        del frame
        if self._open and (last := self._open[-1]) is not None:
            entry, step = last
            entry["gasCost"] = step.gas - step.gas_left
        self._open.append(None)

    def step(self, step: Step) -> None:
        """See ``Tracer``."""
        stack: list[int] | None = None
        last = self._open[-1]
        if last is not None:
            entry, before = last
            entry.setdefault("gasCost", before.gas - step.gas)
            if self._storage and before.op == _SLOAD:
                stack = step.stack
                self._note(entry, before, entry.pop("_key"), stack[-1])
        if self._limit and len(self._logs) >= self._limit:
            self._open[-1] = None
            return
        entry = {"pc": step.pc, "op": OPCODE_NAMES[step.op], "gas": step.gas, "depth": step.depth + 1}
        room = 8
        if self._stack or (self._storage and step.op in (_SLOAD, _SSTORE)):
            stack = step.stack if stack is None else stack
        if self._stack:
            assert stack is not None
            entry["stack"] = [hex(value) for value in stack]
            room += len(stack)
        if self._memory:
            memory = step.memory
            entry["memory"] = [memory[at : at + 32].hex() for at in range(0, len(memory), 32)]
            room += len(memory) // 32
        if self._return_data and (returned := step.return_data):
            entry["returnData"] = "0x" + returned.hex()
            room += len(returned) // 32
        if refund := step.refund:
            entry["refund"] = refund
        if self._storage and stack:
            if step.op == _SLOAD:
                entry["_key"] = stack[-1]
            elif step.op == _SSTORE and len(stack) > 1:
                room += self._note(entry, step, stack[-1], stack[-2])
        self._room -= room
        if self._room < 0:
            raise RequestError(
                RequestCode.LIMIT_EXCEEDED,
                "trace too large: set limit, disableStack or disableStorage",
                words=MAX_WORDS,
            )
        self._logs.append(entry)
        self._open[-1] = (entry, step)

    def exit(self, frame: FrameEnd) -> None:
        """See ``Tracer``."""
        last = self._open.pop()
        if last is not None:
            entry, step = last
            entry.setdefault("gasCost", step.gas - step.gas_left)
            entry.pop("_key", None)
            if frame.error is not None and frame.error != "execution_reverted":
                entry["error"] = error_text(frame.error)

    def result(self, traced: Traced) -> Json:
        """The whole trace."""
        return {
            "gas": traced.gas_used,
            "failed": traced.error is not None,
            "returnValue": "0x" + traced.output.hex(),
            "structLogs": self._logs,
        }

    def _note(self, entry: Json, step: Step, key: int, value: int) -> int:
        seen = self._seen.setdefault(step.address, {})
        seen[f"{key:064x}"] = f"{value:064x}"
        entry["storage"] = dict(seen)
        self._room -= 2 * len(seen)
        return 2 * len(seen)


class CallTracer:
    """The tree of frames.

    Parameters
    ----------
    options : mapping
        ``onlyTopCall``, ``withLog``.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._only_top = bool(options.get("onlyTopCall"))
        self._with_log = bool(options.get("withLog"))
        self._frames: list[Json] = []
        self._count = self._log_index = 0
        self._root: Json = {}

    def enter(self, frame: FrameStart) -> None:
        """See ``Tracer``."""
        self._count += 1
        if self._count > MAX_FRAMES and not self._only_top:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "trace too large: set onlyTopCall", frames=MAX_FRAMES)
        borrows = frame.kind in ("DELEGATECALL", "CALLCODE")
        entry: Json = {
            "from": _hex(frame.to if borrows else frame.sender),
            "gas": hex(frame.gas),
            "gasUsed": "0x0",
            "to": _hex(frame.code_address if borrows else frame.to),
            "input": _hex(frame.data),
            "type": frame.kind,
        }
        if frame.kind != "STATICCALL":
            entry["value"] = hex(frame.value)
        if not self._frames:
            self._root = entry
        elif not self._only_top:
            self._frames[-1].setdefault("calls", []).append(entry)
        self._frames.append(entry)

    def step(self, step: Step) -> None:
        """See ``Tracer``."""
        op = step.op
        if self._only_top and len(self._frames) > 1:
            return
        if op == _SELFDESTRUCT and not self._only_top and (stack := step.stack):
            self._frames[-1].setdefault("calls", []).append(
                {
                    "from": _hex(step.address),
                    "gas": "0x0",
                    "gasUsed": "0x0",
                    "to": _hex((stack[-1] & (2**160 - 1)).to_bytes(20, "big")),
                    "input": "0x",
                    "type": "SELFDESTRUCT",
                    "value": hex(step.balance(step.address)),
                }
            )
        elif self._with_log and _LOG0 <= op <= _LOG4:
            stack, count = step.stack, op - _LOG0
            if len(stack) < 2 + count:
                return
            start, size = stack[-1], stack[-2]
            if size > step.gas:
                # more than can be paid for: the opcode fails
                return
            self._frames[-1].setdefault("logs", []).append(
                {
                    "address": _hex(step.address),
                    "topics": [f"0x{topic:064x}" for topic in reversed(stack[-2 - count : -2])],
                    "data": _hex(step.memory[start : start + size].ljust(size, b"\0")),
                    "position": hex(len(self._frames[-1].get("calls", ()))),
                }
            )

    def exit(self, frame: FrameEnd) -> None:
        """See ``Tracer``."""
        entry = self._frames.pop()
        entry["gasUsed"] = hex(frame.gas_used)
        _end(entry, frame.output, frame.error)

    def result(self, traced: Traced) -> Json:
        """The outermost frame."""
        root = self._root
        root["gas"], root["gasUsed"] = hex(traced.gas_limit), hex(traced.gas_used)
        _drop_logs(root, failed=False)
        return root


class PrestateTracer:
    """What the call needs of the state to run again, or what it changed.

    Parameters
    ----------
    options : mapping
        ``diffMode``: what was and what became of everything that changed; ``disableCode``, ``disableStorage``.
    before : Before
        The state before the call.
    overlay : StateOverlay
        That the call runs on.
    also : tuple of bytes
        Accounts that always belong to it: coinbase.
    """

    def __init__(
        self, options: Mapping[str, Any], before: Before, overlay: StateOverlay, also: tuple[bytes, ...]
    ) -> None:
        self._diff = bool(options.get("diffMode"))
        self._code = not options.get("disableCode")
        self._storage = not options.get("disableStorage")
        self._before, self._overlay, self._also = before, overlay, also

    def enter(self, frame: FrameStart) -> None:
        """See ``Tracer``."""

    def step(self, step: Step) -> None:
        """See ``Tracer``."""

    def exit(self, frame: FrameEnd) -> None:
        """See ``Tracer``."""

    def result(self, traced: Traced) -> Json:
        """Accounts by address; in diff mode ``pre`` and ``post``."""
        places = {entry.address: entry.slots for entry in traced.accessed}
        for address in self._also:
            places.setdefault(address, ())
        pre: Json = {}
        post: Json = {}
        for address in sorted(places):
            was, now = self._before.account(address), self._overlay.account(address)
            old = {slot: self._before.slot(address, slot) for slot in places[address]} if self._storage else {}
            if not self._diff:
                pre[_hex(address)] = self._account(was, {slot: value for slot, value in old.items() if value}, {})
                continue
            new = {slot: self._overlay.slot(address, slot) for slot in old}
            changed = [slot for slot in old if old[slot] != new[slot]]
            if was == now and not changed:
                continue
            kept = self._account(was, {slot: old[slot] for slot in changed if old[slot]}, {})
            if was is not None or changed:
                pre[_hex(address)] = kept
            if now is not None:
                became = self._account(now, {slot: new[slot] for slot in changed if new[slot]}, kept)
                if was is None:
                    became.setdefault("balance", "0x0")
                post[_hex(address)] = became
        return {"pre": pre, "post": post} if self._diff else pre

    def _account(self, account: Account | None, slots: dict[int, int], known: Json) -> Json:
        """An account's fields, without those that ``known`` has equal."""
        answer: Json = {"balance": hex(account.balance if account else 0)}
        if account is not None and account.nonce:
            answer["nonce"] = account.nonce
        code = self._overlay.code(account.code_hash) if account is not None and self._code else b""
        if code:
            answer["code"] = _hex(code)
        answer = {name: value for name, value in answer.items() if known.get(name) != value}
        if slots:
            answer["storage"] = {f"0x{slot:064x}": f"0x{value:064x}" for slot, value in slots.items()}
        return answer


def _end(entry: Json, output: bytes, error: str | None) -> None:
    if error is None:
        if output or not entry["type"].startswith("CREATE"):
            entry["output"] = _hex(output)
        return
    entry["error"] = error_text(error)
    if entry["type"].startswith("CREATE"):
        entry.pop("to", None)
    if error == "execution_reverted" and output:
        entry["output"] = _hex(output)
        if reason := revert_reason(output):
            entry["revertReason"] = reason


def _drop_logs(root: Json, *, failed: bool) -> None:
    """Logs of frames that failed, or lie in ones that did, never were; the others are counted in order."""
    pending = [(root, failed)]
    while pending:
        entry, lost = pending.pop()
        lost = lost or "error" in entry
        if lost:
            entry.pop("logs", None)
        pending.extend([(child, lost) for child in entry.get("calls", ())])


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
