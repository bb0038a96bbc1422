"""Settings of a running node, the default of ``manage.py``.

On the loopback address plain HTTP works; with public https origins cookies and redirects become strict.
"""

from __future__ import annotations

from mondoshawan.settings.base import *  # noqa: F403
from mondoshawan.settings.base import ENV
from mondoshawan.settings.parts import security

if security.only_https(ENV):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
