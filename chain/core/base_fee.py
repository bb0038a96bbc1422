"""The base fee of a block, from what its selected parent's epoch reserved (protocol §4)."""

from __future__ import annotations

MAX_STEP_MS = 12_000
# a full step moves the fee by one eighth, as EIP-1559 does in its 12-second slot
_DENOMINATOR = 8 * MAX_STEP_MS


def next_base_fee(
    base_fee: int,
    delta_ms: int,
    admitted_gas: int,
    admitted_count: int,
    *,
    call_gas_per_s: int,
    tx_per_s: int,
    min_base_fee: int,
) -> int:
    """Base fee of a block whose selected parent is P.

    The load of P's epoch is the time that its reservations take at the network's rates; the fee rises
    when that is more than half of the time that P took, and falls when it is less.

    Parameters
    ----------
    base_fee : int
        P's, in wei.
    delta_ms : int
        ts(P) − ts(SP(P)); 0 for genesis, whose children commit to ``min_base_fee``.
    admitted_gas : int
        Σ gas_limit of the calls that P's epoch admitted.
    admitted_count : int
        Transactions that P's epoch admitted.
    call_gas_per_s, tx_per_s : int
        The network's rates of execution.
    min_base_fee : int
        Floor in wei.

    Returns
    -------
    int
        Wei per gas.
    """
    load_ms = max(1000 * admitted_gas // call_gas_per_s, 1000 * admitted_count // tx_per_s)
    pressure = 2 * load_ms - min(delta_ms, MAX_STEP_MS)
    step = base_fee * max(-MAX_STEP_MS, min(MAX_STEP_MS, pressure)) // _DENOMINATOR
    return max(min_base_fee, base_fee + step)
