"""``/api``: in Etherscan's manner where a module is named, else the documentation of ``/api/v1/``."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from explorer.api.app import VERSION, document
from explorer.api.etherscan import answer


def etherscan_or_docs(request: HttpRequest) -> HttpResponse:
    """Answer a call in Etherscan's manner, or describe the API."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    asked = request.POST if request.method == "POST" else request.GET
    if "module" in asked:
        return answer(request, asked.dict())
    return docs(request)


# a form-encoded POST of programs, which have no session to protect
etherscan_or_docs.csrf_exempt = True  # type: ignore[attr-defined]


def docs(request: HttpRequest) -> HttpResponse:
    """Every operation, from the OpenAPI document itself."""
    context = {"groups": _groups(), "openapi": reverse("explorer:openapi"), "version": VERSION}
    return render(request, "explorer/api.html", context)


@cache
def _groups() -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            shown = {
                "path": path,
                "method": method.upper(),
                "summary": operation.get("description") or operation.get("summary", ""),
                "parameters": operation.get("parameters", []),
                "answer": _answer_of(operation),
            }
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(shown)
    return groups


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    answer = HttpResponse(_openapi(), content_type="application/json")
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@cache
def _openapi() -> bytes:
    return json.dumps(document(), cls=DjangoJSONEncoder).encode()


def _answer_of(operation: dict[str, Any]) -> str:
    schema = operation["responses"].get(200, {}).get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("title") or schema.get("$ref", "").rpartition("/")[2])
