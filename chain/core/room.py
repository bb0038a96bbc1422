"""Room for execution, as two credits along the selected chain (protocol §7).

Room grows with time at the rate that nodes can execute and is spent by what admission takes, so a DAG
that merges many blocks at once cannot ask for more than the network's seconds hold.
"""

from __future__ import annotations

MAX_CREDIT_MS = 10_000


def gas_room(gas_left: int, delta_ms: int, epoch_call_gas: int, call_gas_per_s: int) -> int:
    """Gas that the calls of X's epoch may reserve.

    Parameters
    ----------
    gas_left : int
        What P's epoch left of its gas room: room − Σ gas_limit of admitted calls; ``epoch_call_gas`` at genesis.
    delta_ms : int
        ts(X) − ts(P), P the selected parent.
    epoch_call_gas : int
        The most that one epoch may reserve.
    call_gas_per_s : int
        Gas a second at which room grows.
    """
    return _refill(gas_left, delta_ms, epoch_call_gas, call_gas_per_s)


def tx_room(tx_left: int, delta_ms: int, epoch_max_txs: int, tx_per_s: int) -> int:
    """Transactions of any kind that X's epoch may admit.

    Parameters
    ----------
    tx_left : int
        What P's epoch left of its room: room − admitted transactions; ``epoch_max_txs`` at genesis.
    delta_ms : int
        ts(X) − ts(P), P the selected parent.
    epoch_max_txs : int
        The most that one epoch may admit.
    tx_per_s : int
        Transactions a second at which room grows.
    """
    return _refill(tx_left, delta_ms, epoch_max_txs, tx_per_s)


def _refill(left: int, delta_ms: int, ceiling: int, per_second: int) -> int:
    return min(ceiling, left + min(delta_ms, MAX_CREDIT_MS) * per_second // 1000)
