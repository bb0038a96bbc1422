"""Routes of the public pages."""

from __future__ import annotations

from django.urls import path

from explorer.live import views as live
from explorer.views import front

app_name = "explorer"
urlpatterns = [
    path("", front.front_page, name="front"),
    path("live/window", live.window, name="live-window"),
    path("live/block/<int:seq>", live.block, name="live-block"),
]
