"""Stream C's lottery: who may make a fast block in a slot (protocol §5).

The right is earned by work (a key's share of the window's blue work blocks) and drawn by the key's own
ECVRF output, so nobody can predict or disprove another miner's draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blake3 import blake3

_BETA_PREFIX = 32
_RANGE = 1 << 8 * _BETA_PREFIX


@dataclass(frozen=True, slots=True)
class Lottery:
    """The draw of one anchor: one object serves every branch that shares the anchor.

    ``weights``: for each vrf_key its work blocks in the window; ``total``: the window's length, at
    least 1.
    """

    seed: bytes
    weights: Mapping[bytes, int]
    total: int

    @classmethod
    def of_window(cls, window: Sequence[tuple[bytes, bytes]]) -> Lottery | None:
        """Build it from the window's (hash, vrf_key) in consensus order; None for an empty window."""
        if not window:
            return None
        return cls(
            seed=blake3(b"mds/seed" + window[-1][0]).digest(),
            weights=dict(Counter(vrf_key for _, vrf_key in window)),
            total=len(window),
        )

    def weight(self, vrf_key: bytes) -> int:
        """Return w: how many blocks of the window carry the key."""
        return self.weights.get(vrf_key, 0)


def vrf_alpha(seed: bytes, slot: int) -> bytes:
    """Return the VRF's input for a slot (timestamp_ms // slot_ms, below 2^64)."""
    return b"mds/vrf" + seed + slot.to_bytes(8, "little")


def threshold(weight: int, total: int, c_num: int, c_den: int) -> int:
    """Return t, from 0 to 2^256: eligible is exactly who draws int(beta[:32]) < t.

    ``total`` and ``c_den`` are at least 1.
    """
    return min(_RANGE, -(-weight * c_num * _RANGE // (total * c_den)))


def is_eligible(beta: bytes, weight: int, total: int, c_num: int, c_den: int) -> bool:
    """Return whether int(beta[:32]) × total × c_den < weight × c_num × 2^256."""
    drawn = int.from_bytes(beta[:_BETA_PREFIX], "big")
    return drawn * total * c_den < weight * c_num * _RANGE


def lot_of(beta: bytes) -> bytes:
    """Return the lot (32 bytes) of a C block from all 64 bytes of its VRF output."""
    return blake3(b"mds/lot" + beta).digest()
