"""The one way into a view of the operator's web: role, method, name in the trail, what must be done first."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from admin_ui.addresses import client_address
from admin_ui.roles import Role, role_of
from admin_ui.services import first_run, users
from chain.core.errors import BlockchainError, ConfigError, RequestCode, RequestError
from chain.services import audit

View = Callable[..., HttpResponse]
_SAFE = ("GET", "HEAD")
# what somebody who must first choose a password, or set the node up, may still open
_BEFORE_PASSWORD = frozenset({"operator:password", "operator:setup"})
_BEFORE_SETUP = frozenset({"operator:setup", "operator:password"})


def requires(role: Role, methods: tuple[str, ...] = _SAFE, does: str = "") -> Callable[[View], View]:
    """Let only users of a role, or a higher one, in.

    ``view.required_role``, ``view.methods`` and ``view.does`` say so to tests.

    Parameters
    ----------
    role : Role
        The least one.
    methods : tuple[str, ...]
        What the view answers to.
    does : str
        What a POST changes, by its name in the trail; an attempt of somebody without the role stands there too.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return _not_allowed(request, methods)
            if not request.user.is_authenticated:
                return _to_login(request)
            with audit.acting(audit.Actor(request.user.get_username(), "web", client_address(request))):
                held = role_of(request.user)
                if held < role:
                    if request.method not in _SAFE:
                        audit.refuse(does, RequestError(RequestCode.FORBIDDEN, f"needs the role {role.group}"))
                    context = {"needed": role.group, "role": held, "shown": held.group}
                    return render(request, "admin_ui/forbidden.html", context, status=403)
                return _to_do_first(request) or view(request, *args, **kwargs)

        closed = never_cache(guarded)
        closed.required_role, closed.methods, closed.does = role, methods, does  # type: ignore[attr-defined]
        return closed

    return wrap


def page(role: Role) -> Callable[[View], View]:
    """A page to look at."""
    return requires(role)


def form(role: Role, does: str) -> Callable[[View], View]:
    """A page that is its own form, and tells ``keep_refusal`` what it refuses."""
    return requires(role, (*_SAFE, "POST"), does)


def action(role: Role, back: str, does: str) -> Callable[[View], View]:
    """Something that changes the node: POST only; a refusal is told on the page ``back``, which follows.

    The view answers None, or a response of its own (a page that asks first, a secret that is shown once).  ``does``
    is the name under which the service that it calls records it.
    """

    def wrap(view: Callable[..., HttpResponse | None]) -> View:
        @wraps(view)
        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                answer = view(request, *args, **kwargs)
            except (RequestError, ConfigError) as refused:
                keep_refusal(does, refused)
                hint = refused.data.get("hint")
                messages.error(request, f"Refused: {refused.message}" + (f" ({hint})" if hint else ""))
                answer = None
            return redirect(back) if answer is None else answer

        return requires(role, ("POST",), does)(told)

    return wrap


def keep_refusal(does: str, refused: BlockchainError) -> None:
    """Record a refusal that came before any service could: of a form that makes no sense."""
    session = audit.current_session()
    if session is None or not session.refused:
        audit.refuse(does, refused)


def ask_first(request: HttpRequest, question: str, what: list[str], verb: str, back: str) -> HttpResponse | None:
    """A page that says what will happen and asks; None once the answer is yes."""
    if request.POST.get("confirmed") == "yes":
        return None
    fields = [(name, value) for name, value in request.POST.items() if name not in ("csrfmiddlewaretoken", "confirmed")]
    context = {"question": question, "what": what, "verb": verb, "fields": fields, "back": reverse(back)}
    return render(request, "admin_ui/confirm.html", context)


def _not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    """A page, since browsers come here by reloading the address of a form."""
    answer = render(request, "admin_ui/only_forms.html", status=405)
    answer["Allow"] = ", ".join(methods)
    return answer


def _to_login(request: HttpRequest) -> HttpResponse:
    login = reverse("operator:login")
    if request.method in _SAFE:
        return redirect(f"{login}?{urlencode({'next': request.get_full_path()})}")
    return redirect(login)


def _to_do_first(request: HttpRequest) -> HttpResponse | None:
    """Where to send somebody who has something to do before anything else."""
    here = request.resolver_match.view_name if request.resolver_match else ""
    set_up = first_run.is_set_up()
    is_admin = role_of(request.user) is Role.ADMIN
    if here not in _BEFORE_PASSWORD and users.must_change(request.user):
        return redirect("operator:setup" if is_admin and not set_up else "operator:password")
    if not set_up and is_admin and here not in _BEFORE_SETUP:
        return redirect("operator:setup")
    return None
