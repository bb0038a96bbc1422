"""Sockets of the operator's web."""

from __future__ import annotations

from django.urls import path

from admin_ui.consumer import OperatorConsumer

websocket_urlpatterns = [path("ws/operator", OperatorConsumer.as_asgi())]
