"""HTTP routes of the web process."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

from admin_ui.admin import site
from mondoshawan import health
from mondoshawan.metrics.view import metrics

handler500 = "mondoshawan.requests.server_error"
urlpatterns = [
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("admin/", site.urls),
]
for _app in ("admin_ui", "explorer"):
    # explorer last: it owns the root
    if find_spec(f"{_app}.urls"):
        urlpatterns.append(path("", include(f"{_app}.urls")))
