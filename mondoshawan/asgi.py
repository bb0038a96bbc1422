"""ASGI entry of the web process: pages over HTTP, sockets, and the JSON-RPC under /rpc and /ws/rpc."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod")
_django = get_asgi_application()

# after Django is set up, because these import models; health, so that its clock starts with the process
from chain.services import node_settings  # noqa: E402
from mondoshawan.routing import WithRpc, rpc_application, websocket_application  # noqa: E402

node_settings.follow()
_rpc = rpc_application()
application = ProtocolTypeRouter(
    {
        "http": WithRpc("http", _rpc, _django),
        "websocket": WithRpc("websocket", _rpc, websocket_application()),
    }
)
