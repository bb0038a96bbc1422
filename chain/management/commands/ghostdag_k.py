"""``manage.py ghostdag_k``: the parameter k for a network's delay, rate of work blocks and risk."""

from __future__ import annotations

from argparse import ArgumentParser
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand

from chain.core.ghostdag_k import k_for_rate
from chain.services.network import current_spec

DELAY_S = "5"
RISK = "0.01"


class Command(BaseCommand):
    """Without options: the configured network's own."""

    help = "Print the least k with P[Poisson(2 x delay x rate) > k] < risk."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The three numbers."""
        parser.add_argument("--delay", default=DELAY_S, help="bound of the network's delay in seconds (default 5)")
        parser.add_argument("--rate", help="work blocks a second over all streams (default: of this network)")
        parser.add_argument("--risk", default=RISK, help="how often an honest block may exceed k (default 0.01)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute and compare."""
        spec = current_spec()
        own = Fraction(1000, spec.stream_a.interval_ms) + Fraction(1000, spec.stream_b.interval_ms)
        rate = options["rate"] or own
        shown = options["rate"] or Decimal(own.numerator) / Decimal(own.denominator)
        k = k_for_rate(options["delay"], rate, options["risk"])
        self.stdout.write(f"k = {k}  (delay {options['delay']} s, {shown} work blocks/s, risk {options['risk']})")
        self.stdout.write(f"{spec.network} has k = {spec.ghostdag_k}")
