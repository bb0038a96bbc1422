"""Keccak-f[1600] over many states at once, on numpy words (FIPS 202 section 3).

``lanes`` has the shape (5, 5, n): lane (x, y) of state i is ``lanes[x, y, i]``, so a column or a plane
is one block of memory and most steps are one array operation over all 25 lanes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lanes = NDArray[np.uint64]

_ROUNDS = 24
RATE_BYTES = 136  # of the 256-bit security level: SHAKE256 and cSHAKE256


def _round_constants() -> tuple[np.uint64, ...]:
    """Return iota's constants from their shift register (FIPS 202, algorithm 5)."""
    constants = []
    register = 1
    for _ in range(_ROUNDS):
        word = 0
        for power in range(7):
            if register & 1:
                word |= 1 << ((1 << power) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(np.uint64(word))
    return tuple(constants)


def _moves() -> tuple[tuple[int, int, int, int, np.uint64, np.uint64], ...]:
    """Return rho and pi as (x, y, new x, new y, left turn, right turn), the lane at rest left out."""
    x, y = 1, 0
    moves = []
    for step in range(24):
        turn = (step + 1) * (step + 2) // 2 % 64
        moves.append((x, y, y, (2 * x + 3 * y) % 5, np.uint64(turn), np.uint64(64 - turn)))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(moves)


_ROUND_CONSTANTS = _round_constants()
_MOVES = _moves()
_ONE, _SIXTY_THREE = np.uint64(1), np.uint64(63)

_Turn = tuple[Lanes, Lanes, np.uint64, np.uint64]


class KeccakBatch:
    """``size`` states and the scratch to permute them; not to be shared between threads.

    Every view that a round needs is made once: at some thousand states, making views costs as much
    as the arithmetic.
    """

    def __init__(self, size: int) -> None:
        lanes = np.zeros((5, 5, size), np.uint64)
        moved = np.zeros((5, 5, size), np.uint64)
        self.lanes: Lanes = lanes
        self._corner, self._moved_corner = lanes[0, 0], moved[0, 0]
        self._parity: Lanes = np.zeros((5, size), np.uint64)
        self._turned: Lanes = np.zeros((5, size), np.uint64)
        self._rows: tuple[Lanes, ...] = tuple(lanes[:, y] for y in range(5))
        # theta's last operand borrows rho's memory, which is free until then
        self._effect: Lanes = moved[0]
        self._turns: list[_Turn] = []
        self._plane_turns: list[_Turn] = []
        for x, y, new_x, new_y, left, right in _MOVES:
            turn = (lanes[x, y], moved[new_x, new_y], left, right)
            self._turns.append(turn)
            if new_y == 0:
                self._plane_turns.append(turn)
        self._chi = _Chi(moved, lanes)
        self._plane_chi = _Chi(moved[:, 0], lanes[:, 0])

    def permute(self) -> None:
        """Permute ``lanes`` in place."""
        for constant in _ROUND_CONSTANTS:
            self._round(constant, self._turns, self._chi)

    def squeeze(self) -> Lanes:
        """Permute and return the plane y = 0: the words 0 to 4 of each state, (5, n).

        Of the last round only that plane is computed; the other lanes are left undefined.
        """
        for constant in _ROUND_CONSTANTS[:-1]:
            self._round(constant, self._turns, self._chi)
        self._round(_ROUND_CONSTANTS[-1], self._plane_turns, self._plane_chi)
        return self._rows[0]

    def _round(self, constant: np.uint64, turns: list[_Turn], chi: _Chi) -> None:
        self._theta()
        np.copyto(self._moved_corner, self._corner)
        _rotate(turns)
        chi.apply()
        np.bitwise_xor(self._corner, constant, self._corner)

    def _theta(self) -> None:
        rows, parity, turned, effect = self._rows, self._parity, self._turned, self._effect
        np.bitwise_xor(rows[0], rows[1], parity)
        for row in rows[2:]:
            np.bitwise_xor(parity, row, parity)
        np.left_shift(parity, _ONE, turned)
        np.right_shift(parity, _SIXTY_THREE, effect)
        np.bitwise_or(turned, effect, turned)
        np.bitwise_xor(parity[:3], turned[2:], effect[1:4])
        np.bitwise_xor(parity[3], turned[0], effect[4])
        np.bitwise_xor(parity[4], turned[1], effect[0])
        np.bitwise_xor(self.lanes, effect[:, np.newaxis], self.lanes)


def _rotate(turns: list[_Turn]) -> None:
    """Rho and pi: write each lane, turned, to its new place; the source is spent."""
    for source, goal, left, right in turns:
        np.left_shift(source, left, goal)
        np.right_shift(source, right, source)
        np.bitwise_or(goal, source, goal)


class _Chi:
    """Set goal[x] = source[x] ^ (~source[x+1] & source[x+2]), x mod 5.

    Written as source[x] ^ (source[x+1] & source[x+2]) ^ source[x+2], which needs no complements.
    """

    def __init__(self, source: Lanes, goal: Lanes) -> None:
        self._source, self._goal = source, goal
        self._products = (
            (source[1:4], source[2:], goal[:3]),
            (source[4], source[0], goal[3]),
            (source[0], source[1], goal[4]),
        )
        self._ahead = ((goal[:3], source[2:]), (goal[3:], source[:2]))

    def apply(self) -> None:
        for left, right, product in self._products:
            np.bitwise_and(left, right, product)
        for place, ahead in self._ahead:
            np.bitwise_xor(place, ahead, place)
        np.bitwise_xor(self._goal, self._source, self._goal)
