"""Routes of the public pages."""

from __future__ import annotations

from django.urls import path

from explorer.views import front

app_name = "explorer"
urlpatterns = [path("", front.front_page, name="front")]
