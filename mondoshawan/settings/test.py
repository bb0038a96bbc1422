"""Settings of the test suite: its own data folder, short-lived, whatever the environment names.

The folder is made when these settings are first imported; tests/conftest.py starts the servers in it
at the first test that needs them and removes it at the end.  Processes that a test starts inherit
``MDS_TEST_DIR`` and so the same folder; of several processes of one run each has a folder of its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# pytest-xdist names its processes, and what they start inherits the name
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_NAMED_BY = f"PYTEST_XDIST_{_WORKER}_TEST_DIR" if _WORKER else "MDS_TEST_DIR"
TEST_DIR = Path(os.environ.get(_NAMED_BY) or tempfile.mkdtemp(prefix=f"mds-test-{os.getpid()}-", dir="/tmp"))
TEST_DIR.chmod(0o711)
os.environ[_NAMED_BY] = str(TEST_DIR)
os.environ["MDS_DATA_DIR"] = str(TEST_DIR)
os.environ["MDS_NETWORK"] = "devnet"

from mondoshawan.appliance import keys as _keys  # noqa: E402
from mondoshawan.appliance.folder import DataFolder as _DataFolder  # noqa: E402

_folder = _DataFolder(TEST_DIR / "devnet", "devnet")
_folder.create()
_keys.ensure_keys(_folder.keys)

from mondoshawan.settings.base import *  # noqa: E402, F403
from mondoshawan.settings.base import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["CONN_MAX_AGE"] = 0
# tests set what they need themselves
MDS_FOLLOW_SETTINGS = False
# no thread that outlives a test, with a connection and a worker
MDS_INDEX_TRACE_SHARE = 0
