"""The operator's web: login, its throttling, sessions, the look of Django's admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mondoshawan.env import Environment

# Django's backend behind the one that counts failures
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/operator/login/"
LOGIN_REDIRECT_URL = "/operator/"
SESSION_AGE_S = 12 * 3600

# a name is tried in vain so often from one address, then that pair waits
AXES = {
    "AXES_FAILURE_LIMIT": 5,
    "AXES_COOLOFF_TIME": timedelta(minutes=15),
    "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
    "AXES_RESET_ON_SUCCESS": True,
    # tries during the wait do not lengthen it, so that nobody is kept out for ever
    "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
    "AXES_HTTP_RESPONSE_CODE": 429,
    "AXES_LOCKOUT_CALLABLE": "admin_ui.views.auth.locked_out",
    "AXES_CLIENT_IP_CALLABLE": "admin_ui.addresses.client_address",
    # the trail of operators' actions has the logins
    "AXES_DISABLE_ACCESS_LOG": True,
    "AXES_ENABLE_ADMIN": False,
    "AXES_VERBOSE": False,
}

# the colours of explorer/static/explorer/mds.css, which these tables cannot share
_ACCENT = {
    "50": "#eff5fe",
    "100": "#e3edfb",
    "200": "#bfd6f8",
    "300": "#9dc3ff",
    "400": "#74aaff",
    "500": "#3d83e6",
    "600": "#1a5fc4",
    "700": "#164fa3",
    "800": "#143f80",
    "900": "#1a2a44",
    "950": "#0f1a2c",
}
_GREY = {
    "50": "#f6f7f9",
    "100": "#eef1f5",
    "200": "#dde2e9",
    "300": "#b9c2ce",
    "400": "#95a1b3",
    "500": "#566274",
    "600": "#435063",
    "700": "#293341",
    "800": "#1d2530",
    "900": "#151b24",
    "950": "#0e1218",
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Mondoshawan",
    "SITE_HEADER": "Mondoshawan",
    "SITE_SUBHEADER": "the node's tables, read-only",
    "SITE_SYMBOL": "hub",
    "SITE_URL": "/operator/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: "/static/explorer/icon.svg"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": _ACCENT, "base": _GREY},
    "STYLES": [lambda request: "/static/admin_ui/tables.css"],
    "SIDEBAR": {"show_search": True, "show_all_applications": False},
}


def cookie_names(env: Environment) -> dict[str, str]:
    """Names of session and CSRF cookies: browsers share cookies between the ports of a host, nodes must not."""
    return {"session": f"mds_session_{env.web_bind.port}", "csrf": f"mds_csrf_{env.web_bind.port}"}
