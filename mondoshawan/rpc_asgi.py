"""ASGI entry of the rpc process: Django's models without its HTTP, and the JSON-RPC application alone."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod")
django.setup()

from chain.core.errors import ConfigError  # noqa: E402
from chain.services import node_settings  # noqa: E402
from mondoshawan.routing import RPC_MODULE, rpc_application  # noqa: E402

# before the application is made: some of it reads its settings once
node_settings.follow()
application = rpc_application()
if application is None:
    raise ConfigError("rpc_missing", f"{RPC_MODULE} is missing from this build", hint="leave rpc out of MDS_PROCESSES")
