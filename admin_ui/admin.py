"""Django's admin over the node's tables, in unfold's look: to look at, never to change.

What may be changed has its page in the operator's web, where it is checked and recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import display_for_field
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import connection, models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite
from unfold.views import ChangeList

from admin_ui.guard import requires
from admin_ui.roles import Role, role_of
from chain.core.spec import stream_name
from explorer.amounts import moment

APPS = ("chain", "explorer", "admin_ui", "axes")
# what nobody needs to see: digests of secrets
HIDDEN = {"digest", "password"}
COLUMNS = 8
# the same in every row: not in a list
DULL = {"version", "chain_id"}
# long lists are counted by the planner's estimate and shown so far; the explorer's pages go further
MOST_ROWS = 5_000
LONGEST = 400
# where an s at the end makes no plural
PLURALS = {
    "ChainIdentity": "chain identities", "Pruned": "pruned parts", "Code": "contract codes",
    "ApiKey": "API keys", "PublishedAbi": "published ABIs",
}  # fmt: skip
APP_NAMES = {"chain": "Chain", "explorer": "Explorer", "admin_ui": "Operator's web", "axes": "Logins"}
# before it no block of any network was made, so that smaller numbers are durations
EARLIEST_MS = 10**12
# unfold draws its pages by Alpine, which evaluates attributes, and by one <style> with the colours
_POLICY = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "font-src": ["'self'"],
}


class NodeAdminSite(UnfoldAdminSite):
    """Open to admins only, behind the login of the operator's web; nothing is logged in or changed here."""

    index_title = "Tables of the node"

    def has_permission(self, request: HttpRequest) -> bool:
        """Admins."""
        return role_of(request.user) is Role.ADMIN

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every view by the operator's guard, with the policy that unfold needs and no page else has."""
        inner = super().admin_view(view, cacheable)

        def relaxed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            answer = inner(request, *args, **kwargs)
            answer._csp_replace = _POLICY
            return answer

        guarded = requires(Role.ADMIN, ("GET", "HEAD", "POST"), "tables.change")(relaxed)
        guarded.__name__ = getattr(view, "__name__", "view")
        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The one login, which is throttled."""
        return redirect(f"{reverse('operator:login')}?next={reverse('admin:index')}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where logging out is."""
        return redirect("operator:overview")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where the password is changed."""
        return redirect("operator:password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The same."""
        return redirect("operator:password")


class EstimatedPaginator(Paginator):
    """Counts exactly where that is cheap, else by the planner, and never beyond ``MOST_ROWS``."""

    @cached_property
    def count(self) -> int:
        """Rows to page through."""
        query = self.object_list.query
        if not query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [query.model._meta.db_table]
                )
                estimate = int((cursor.fetchone() or (0,))[0])
            if estimate > MOST_ROWS:
                return MOST_ROWS
        return min(MOST_ROWS, self.object_list.order_by()[:MOST_ROWS].count())


class HexChangeList(ChangeList):
    """Links rows whose key is bytes by its hex."""

    def url_for_result(self, result: models.Model) -> str:
        """Path of one row."""
        if isinstance(result.pk, bytes):
            name = f"{self.opts.app_label}_{self.opts.model_name}_change"
            return reverse(f"admin:{name}", args=(result.pk.hex(),), current_app=self.model_admin.admin_site.name)
        return super().url_for_result(result)


class TableAdmin(ModelAdmin):
    """A table to look at."""

    paginator = EstimatedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    actions = None
    list_fullwidth = True
    search_help_text = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Admins see."""
        return role_of(request.user) is Role.ADMIN

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Admins see."""
        return role_of(request.user) is Role.ADMIN

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """With links for keys of bytes."""
        return HexChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """One row; keys of bytes come as hex."""
        field = self.model._meta.pk
        if isinstance(field, models.BinaryField):
            try:
                key = bytes.fromhex(object_id)
            except ValueError:
                raise Http404 from None
            return self.get_queryset(request).filter(pk=key).first()
        return super().get_object(request, object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Rows whose key or name is exactly this, blanks and all; compared as its own type, which has the index."""
        if not search_term or not self.search_fields:
            return queryset, False
        lookup = self.search_fields[0].removesuffix("__exact")
        field = self.model._meta.get_field(lookup)
        if isinstance(field, models.ForeignKey):
            # by the number itself: it knows what is too big for it
            lookup = f"{lookup}__{field.target_field.name}"
        try:
            return queryset.filter(**{lookup: field.to_python(search_term)}), False
        except ValidationError:
            return queryset.none(), False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Nothing is changed here, so there is none."""
        raise PermissionDenied


def _shown(field: models.Field[Any, Any], short: bool) -> Callable[[Any], str]:
    """A column or row of a field: bytes as hex, milliseconds since 1970 as UTC, long values cut."""

    is_time = field.name.endswith("_ms")

    def show(row: Any) -> str:
        value = getattr(row, field.attname)
        if field.name == "stream" and isinstance(value, int):
            text = stream_name(value)
        elif is_time and isinstance(value, int) and value >= EARLIEST_MS:
            text = f"{moment(value):%Y-%m-%d %H:%M:%S}.{value % 1000:03d}"
        elif isinstance(value, (bytes, bytearray, memoryview)):
            text = "0x" + bytes(value[: LONGEST // 2]).hex()
        elif isinstance(value, (list, tuple)):
            text = ", ".join("0x" + bytes(item).hex() if isinstance(item, bytes) else str(item) for item in value[:20])
        else:
            text = str(display_for_field(value, field, "–"))
        most = 20 if short and text.startswith("0x") else 60 if short else LONGEST
        return text if len(text) <= most else text[:most] + "…"

    show.short_description = field.name.removesuffix("_ms").replace("_", " ")  # type: ignore[attr-defined]
    show.__name__ = f"shown_{field.name}"
    if short:
        show.admin_order_field = field.name if field.primary_key else None  # type: ignore[attr-defined]
    return show


def _register(target: NodeAdminSite) -> None:
    """Every table of the node's apps with a key of one column; Django's admin takes no others."""
    for label in APPS:
        config = apps.get_app_config(label)
        config.verbose_name = APP_NAMES[label]
        for model in config.get_models():
            meta = model._meta
            if meta.is_composite_pk or not meta.managed or meta.proxy:
                continue
            meta.verbose_name_plural = PLURALS.get(model.__name__, meta.verbose_name_plural)
            fields = [field for field in meta.concrete_fields if field.name not in HIDDEN]
            attributes = {
                "list_display": [_shown(field, True) for field in fields if field.name not in DULL][:COLUMNS],
                "readonly_fields": [_shown(field, False) for field in fields],
                "fields": None,
                "exclude": [field.name for field in meta.fields],
                "list_display_links": None,
                "search_fields": _searchable(model),
                "ordering": [_newest_first(model)],
            }
            attributes["list_display_links"] = [attributes["list_display"][0]]
            attributes["fields"] = attributes["readonly_fields"]
            attributes.pop("exclude")
            target.register(model, type(f"{model.__name__}Table", (TableAdmin,), attributes))


def _newest_first(model: type[models.Model]) -> str:
    """An order that has an index; of a key that is a hash nobody learns anything."""
    for field in model._meta.concrete_fields:
        if field.name in ("seq", "number") and (field.unique or field.db_index):
            return f"-{field.name}"
    return "-pk"


def _searchable(model: type[models.Model]) -> list[str]:
    """Exact search by the key where that is text or a number."""
    try:
        field = model._meta.get_field("name")
    except FieldDoesNotExist:
        field = model._meta.pk
    return [] if isinstance(field, models.BinaryField) else [f"{field.name}__exact"]


site = NodeAdminSite(name="admin")
_register(site)
