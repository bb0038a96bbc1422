"""HTTP routes of the web process."""

from __future__ import annotations

import ipaddress
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import include, path
from django_prometheus.exports import ExportToDjangoView

from mondoshawan import health


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for clients of the allow list; the address is the socket's, never a header's."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "127.0.0.1")
    except ValueError:
        return HttpResponseForbidden()
    if not any(address in ipaddress.ip_network(network) for network in settings.MDS_METRICS_ALLOW):
        return HttpResponseForbidden("not on MDS_METRICS_ALLOW\n", content_type="text/plain")
    return ExportToDjangoView(request)


handler500 = "mondoshawan.requests.server_error"
urlpatterns = [
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
for _app in ("admin_ui", "explorer"):
    # explorer last: it owns the root
    if find_spec(f"{_app}.urls"):
        urlpatterns.append(path("", include(f"{_app}.urls")))
