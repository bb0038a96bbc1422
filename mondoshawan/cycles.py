"""How often a process looks for reference cycles.

Reference counts free nearly all of what this node makes.  Python's default looks for cycles among young objects after
700 more allocations than releases, which a block of transactions exceeds some dozen times: a sixth of the time that
taking one in costs (``bench/block.py``).
"""

from __future__ import annotations

import gc

# more objects than a large block leaves behind, so that it costs one look or two
YOUNG, MIDDLE, OLD = 50_000, 20, 20


def settle() -> None:
    """Look once, leave what is there (modules, mostly) out of all later looks, and look less often.

    Called before a process forks, it also keeps those pages shared: a look writes to every object it visits.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
