"""Seals: the proof that a block may exist, one kind for each mining stream (protocol §5)."""

from __future__ import annotations

from chain.core.seals.checks import check_seal, check_seal_shape, check_vrf_seal, check_work_seal
from chain.core.seals.eligibility import Lottery
from chain.core.seals.mining import search_a, search_b, sign_c, try_slot

__all__ = [
    "Lottery",
    "check_seal",
    "check_seal_shape",
    "check_vrf_seal",
    "check_work_seal",
    "search_a",
    "search_b",
    "sign_c",
    "try_slot",
]
