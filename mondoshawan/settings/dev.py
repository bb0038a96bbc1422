"""Settings for work on the code: tracebacks in the browser, static files read from their places."""

from __future__ import annotations

from mondoshawan.settings.base import *  # noqa: F403
from mondoshawan.settings.base import ENV, INSTALLED_APPS

# its runserver speaks ASGI; elsewhere it would only cost every process the import of Twisted
INSTALLED_APPS = ["daphne", *INSTALLED_APPS]
DEBUG = ENV.settings_debug
WHITENOISE_AUTOREFRESH = True
