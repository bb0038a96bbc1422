"""From an older layout of the data folder to this version's, step by step, after an automatic backup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chain.core.errors import ConfigError
from mondoshawan.appliance import backup
from mondoshawan.appliance.folder import LAYOUT_VERSION, DataFolder
from mondoshawan.env import Environment

Step = Callable[[Environment, DataFolder], None]

# the step from each older layout to the next one; a step may be interrupted, so it must bear being repeated.
# The rows of the database have migrations of their own, which `prepare` runs after this.
STEPS: dict[int, Step] = {}


def upgrade_folder(
    env: Environment, folder: DataFolder, say: Callable[[str], None], database: dict[str, Any]
) -> tuple[int, ...]:
    """Bring a stopped node's folder to ``LAYOUT_VERSION``; the caller holds its lock.

    Parameters
    ----------
    database : dict
        Django's settings; an external database is backed up by a dump.

    Returns
    -------
    tuple of int
        The layouts that were left behind; () where nothing was to do.

    Raises
    ------
    ConfigError
        ``data_folder_older`` for a layout that no step leads away from; errors of the backup and of a step.  FORMAT
        names the last layout that was reached, and the next start goes on there.
    """
    kept = folder.read_format()
    older = tuple(range(kept["layout"], LAYOUT_VERSION))
    if not older:
        return ()
    unknown = [layout for layout in older if layout not in STEPS]
    if unknown:
        raise ConfigError(
            "data_folder_older",
            f"{folder.root} has layout {unknown[0]}, which this version cannot upgrade",
            hint="start a release in between first",
        )
    note = f"-layout{kept['layout']}"
    made = sorted(folder.backup.glob(f"*{note}.tar"))
    if made:
        # an upgrade that was interrupted: that one holds the folder as it was
        say(f"goes on with the upgrade of {folder.root}; the backup before it is {made[-1]}")
    else:
        path = backup.default_path(folder, note)
        if env.database_url:
            backup.take_dump(env, folder, database, path)
        else:
            backup.take_folder(folder, path)
        say(f"upgrades {folder.root} from layout {kept['layout']} to {LAYOUT_VERSION}; the backup before it is {path}")
    for layout in older:
        STEPS[layout](env, folder)
        folder.write_format(kept["genesis"], layout + 1)
    return older
