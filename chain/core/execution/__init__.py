"""Execution of epochs (protocol §8).

``epoch.execute_epoch`` is the way in.  Importing this package does not import py-evm.
"""

from __future__ import annotations

from chain.core.execution.state_test import StateTestResult, run_state_test

__all__ = ["StateTestResult", "run_state_test"]
