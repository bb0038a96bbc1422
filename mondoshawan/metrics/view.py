"""The page ``/metrics``."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.http import require_safe
from prometheus_client.registry import Collector

from chain.rpc.caller import unmapped
from mondoshawan.metrics import files
from mondoshawan.metrics.collector import NodeCollector

_NODE = NodeCollector()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything, for clients of the allow list; the address is the socket's, never a header's."""
    try:
        # a socket of both families names a client of IPv4 ::ffff:192.0.2.1
        address = unmapped(request.META.get("REMOTE_ADDR") or "127.0.0.1")
    except ValueError:
        return HttpResponseForbidden()
    if not any(address in ipaddress.ip_network(network) for network in settings.MDS_METRICS_ALLOW):
        return HttpResponseForbidden("not on MDS_METRICS_ALLOW\n", content_type="text/plain")
    registry = prometheus_client.CollectorRegistry()
    registry.register(counted())
    registry.register(_NODE)
    return HttpResponse(prometheus_client.generate_latest(registry), content_type=prometheus_client.CONTENT_TYPE_LATEST)


def counted() -> Collector:
    """What processes counted: of all of them where they share a folder, else of this one."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return prometheus_client.REGISTRY
    return files.read(Path(folder))
