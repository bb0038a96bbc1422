"""WebSocket routes of the public pages."""

from __future__ import annotations

from django.urls import path

from explorer.live.consumer import LiveConsumer

websocket_urlpatterns = [path("ws/live", LiveConsumer.as_asgi())]
