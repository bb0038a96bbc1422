"""Looks for reference cycles are rare in every process that handles transactions."""

from __future__ import annotations

import subprocess
import sys

from mondoshawan import cycles

_WORKER = """
import gc
import django
django.setup()
from celery.signals import worker_init
import mondoshawan.celery
worker_init.send(None)
print(*gc.get_threshold(), gc.get_freeze_count() > 10_000)
"""


def test_a_worker_settles_before_it_forks() -> None:
    told = subprocess.run([sys.executable, "-c", _WORKER], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.split()[-4:] == [str(cycles.YOUNG), str(cycles.MIDDLE), str(cycles.OLD), "True"]


def test_a_cycle_is_still_found() -> None:
    script = (
        "import gc, weakref\nfrom mondoshawan import cycles\ncycles.settle()\n"
        "class Thing: pass\none = Thing(); one.self = one; gone = weakref.ref(one); del one\n"
        "kept = [[] for _ in range(cycles.YOUNG + 1000)]\nprint(gone() is None)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["True"]
