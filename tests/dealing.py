"""How a suite in several processes is dealt out: by files, long ones first; tests that share one node stay together.

A file that was begun last and takes a minute leaves the other process idle for that minute; and each time that a
process comes back to tests of the shared node it would start that node, and all that was done on it, anew.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

E2E = "tests/e2e/"
# files of end-to-end tests that use nodes of their own only
OWN_NODES = frozenset(
    f"{E2E}test_{name}.py"
    for name in ("killed_suite", "operator_web", "shutdown", "survival", "tools", "upgrade", "validation")
)
# what takes longest, in this order; the rest follows by number of tests
FIRST = (
    E2E,
    "tests/appliance/test_up.py",
    f"{E2E}test_operator_web.py",
    f"{E2E}test_tools.py",
    f"{E2E}test_shutdown.py",
    "tests/appliance/test_servers_away.py",
    f"{E2E}test_killed_suite.py",
    f"{E2E}test_survival.py",
    "tests/docker/test_roles.py",
    f"{E2E}test_validation.py",
    "tests/appliance/test_start_errors.py",
    "tests/chain/test_lanes_worker.py",
    "tests/chain/test_prune.py",
    "tests/admin_ui/test_access.py",
    "tests/explorer/test_api_document.py",
    "tests/chain/test_verify_network.py",
    "tests/admin_ui/test_query_budget.py",
    "tests/explorer/test_query_budget.py",
    "tests/architecture/test_imports.py",
    "tests/chain/test_pool_orderings.py",
    "tests/simulation/test_merge_bound.py",
)


def unit_of(file: str) -> str:
    """The unit that a test file is dealt out with: itself, or all files that share the node."""
    return E2E if file.startswith(E2E) and file not in OWN_NODES else file


class Dealing(LoadFileScheduling):
    """xdist's dealing by files, with our units and our order."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = next((unit for unit in FIRST if unit in self.workqueue), None)
        if longest is not None:
            self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)
