"""Whether a square matrix of small integers has full rank, decided exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The largest prime under 2^15: residues multiply to less than 2^30, so 64 elimination steps without
# reduction stay far within 64 bits.
_PRIME = 32749


def has_full_rank(matrix: NDArray[np.int32]) -> bool:
    """Return whether the determinant of an n×n integer matrix (n ≤ 2^30) is not zero.

    A determinant that is not zero modulo a prime is not zero; one that is (about one matrix in 32 749)
    is settled over the integers.
    """
    return _is_regular_modulo_prime(matrix) or _is_regular(matrix)


def _is_regular_modulo_prime(matrix: NDArray[np.int32]) -> bool:
    rows = matrix.astype(np.int64) % _PRIME
    size = len(rows)
    for step in range(size):
        column = rows[step:, step] % _PRIME
        pivot = int(np.argmax(column != 0))
        if column[pivot] == 0:
            return False
        leader = rows[step + pivot, step + 1 :] % _PRIME * pow(int(column[pivot]), -1, _PRIME) % _PRIME
        # the pivot's place takes the row that it pushes out; the pivot's own row is done with
        rows[step + pivot] = rows[step]
        column[pivot] = column[0]
        rows[step + 1 :, step + 1 :] -= column[1:, np.newaxis] * leader
    return True


def _is_regular(matrix: NDArray[np.int32]) -> bool:
    """Fraction-free elimination (Bareiss 1968) on Python's integers."""
    rows: list[list[int]] = matrix.tolist()
    size = len(rows)
    previous = 1
    for step in range(size):
        pivot = next((row for row in range(step, size) if rows[row][step]), None)
        if pivot is None:
            return False
        rows[step], rows[pivot] = rows[pivot], rows[step]
        leader = rows[step]
        head = leader[step]
        for row in rows[step + 1 :]:
            factor = row[step]
            row[step + 1 :] = [
                (value * head - factor * above) // previous
                for value, above in zip(row[step + 1 :], leader[step + 1 :], strict=True)
            ]
        previous = head
    return True
