"""Login, logout, own password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth import login as open_session
from django.contrib.auth import logout as close_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from admin_ui.guard import form, keep_refusal
from admin_ui.roles import Role
from admin_ui.services import users
from chain.core.errors import RequestError

LOCKED_MINUTES = 15


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; failures are counted by django-axes, which answers 429 after too many."""
    goal = _safe_goal(request)
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(goal)
        return render(request, "admin_ui/login.html", {"next": goal})
    name, password = request.POST.get("username", "")[:150], request.POST.get("password", "")[:4096]
    user = authenticate(request, username=name, password=password)
    if getattr(request, "axes_locked_out", False):
        return locked_out(request)
    if user is None:
        return render(request, "admin_ui/login.html", {"next": goal, "name": name, "wrong": True}, status=401)
    open_session(request, user)
    return redirect(goal)


@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    close_session(request)
    return redirect("operator:login")


@form(Role.VIEWER, "user.change_password")
def password(request: HttpRequest) -> HttpResponse:
    """Choose another password."""
    forced = users.must_change(request.user)
    error = ""
    if request.method == "POST":
        new = request.POST.get("new", "")
        try:
            if new != request.POST.get("again", ""):
                raise RequestError("invalid_params", "the two new passwords differ")
            users.change_own_password(request.user, request.POST.get("old", ""), new)
        except RequestError as refused:
            keep_refusal("user.change_password", refused)
            error = refused.message
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, "Your password is changed. Other sessions of yours have ended.")
            return redirect("operator:overview")
    return render(request, "admin_ui/password.html", {"forced": forced, "error": error}, status=400 if error else 200)


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """What django-axes answers while the door is closed."""
    name = request.POST.get("username", "")[:150]
    context = {"locked": LOCKED_MINUTES, "name": name, "next": _safe_goal(request)}
    answer = render(request, "admin_ui/login.html", context, status=429)
    answer["Retry-After"] = str(LOCKED_MINUTES * 60)
    answer["Cache-Control"] = "no-store"
    return answer


def _safe_goal(request: HttpRequest) -> str:
    """Where to go after the login: a path of this site."""
    goal = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure())
    return goal if safe else settings.LOGIN_REDIRECT_URL
