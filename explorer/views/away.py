"""What browsers keep for the time when the node is away: a page without anything of the chain, and who shows it.

A service worker, where the browser allows one (https, or this machine).  It asks the node first, always.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

_FILES = ("explorer/icon.svg", "explorer/mds.css", "explorer/js/theme.js", "explorer/js/away.js")
_TEMPLATES = ("explorer/away/page.html", "explorer/away/worker.js")


@require_safe
def away(request: HttpRequest) -> HttpResponse:
    """The page that stands in for every other while the node does not answer."""
    return render(request, _TEMPLATES[0])


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The script of the service worker; another text, when the page or a file of it changes, makes browsers take it."""
    files = [static(name) for name in _FILES]
    page = render_to_string(_TEMPLATES[0])
    version = blake2b("\n".join([*files, page]).encode() + contents(), digest_size=8).hexdigest()
    context = {"version": version, "page": reverse("explorer:away"), "health": reverse("health"), "files": files}
    answer = render(request, _TEMPLATES[1], context, content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@cache
def contents() -> bytes:
    """Digest of what the page's files hold, whose names stay the same; read once for each life of the process."""
    digest = blake2b(digest_size=16)
    for name in _FILES:
        digest.update(blake2b(Path(finders.find(name)).read_bytes()).digest())
    return digest.digest()
