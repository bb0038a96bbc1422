"""Block rewards under the supply cap (protocol §8, after the last transaction)."""

from __future__ import annotations

from collections.abc import Iterable


def cut_rewards(
    minted: int, cap: int, claims: Iterable[tuple[bytes, int]]
) -> tuple[tuple[tuple[bytes, int], ...], int]:
    """Grant rewards in order, each cut to what is left under the cap.

    Parameters
    ----------
    minted : int
        Wei ever created before these rewards, genesis included.  Burning gives no room back.
    cap : int
        Wei that may ever be created.
    claims : iterable of (bytes, int)
        (coinbase, reward in wei) of the blocks that earn, in consensus order, X last.

    Returns
    -------
    tuple
        The granted (coinbase, wei) in the same order, zero amounts left out, and ``minted`` after them.
    """
    granted: list[tuple[bytes, int]] = []
    for coinbase, reward in claims:
        amount = min(reward, cap - minted)
        if amount > 0:
            granted.append((coinbase, amount))
            minted += amount
    return tuple(granted), minted
