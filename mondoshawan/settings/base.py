"""Settings that every process shares.  Importing them reads files but opens no connection and makes no folder."""

from __future__ import annotations

from mondoshawan import env as environment
from mondoshawan.appliance import keys
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.runtime_settings import runtime_settings
from mondoshawan.settings.parts import celery, database, log, operator, security

ENV = environment.current()
FOLDER = DataFolder.of(ENV)

# ---- the node ----
MDS_NETWORK = ENV.network
MDS_DATA_FOLDER = FOLDER.root
MDS_KEYS_FOLDER = FOLDER.keys
MDS_DISK_FREE_BYTES = ENV.disk_free_mb * 1_000_000
MDS_REDIS_URL = ENV.redis_url or f"unix://{FOLDER.redis_socket}?db=0"

MDS_VALIDATE_INLINE_TXS = ENV.validate_inline_txs
MDS_EXPECTED_QUEUES = celery.expected_queues(ENV.processes)
MDS_SHARD_WORKERS = ENV.shard_workers
MDS_LANES_MIN_GAS = ENV.lanes_min_gas
MDS_LANES_MIN_MS = ENV.lanes_min_ms
MDS_LANES_MIN_TXS = ENV.lanes_min_txs
MDS_LANES_DEADLINE_MS = ENV.lanes_deadline_ms
# keys of mining settings that the environment fixes
MDS_MINING_FIXED = {"mining.ordering": ENV.mining_ordering} if ENV.mining_ordering else {}
MDS_POOL_MAX_COUNT = ENV.pool_max_count
MDS_POOL_MAX_BYTES = ENV.pool_max_bytes
MDS_POOL_SENDER_PENDING = ENV.pool_sender_pending
MDS_POOL_SENDER_QUEUED = ENV.pool_sender_queued
MDS_POOL_MIN_TIP = ENV.pool_min_tip
MDS_POOL_LIFETIME_MS = ENV.pool_lifetime_ms
MDS_PRUNE_KEEP = ENV.prune_keep
MDS_RPC_PORT = ENV.rpc_bind.port
MDS_RPC_MAX_BATCH = ENV.rpc_max_batch
MDS_RPC_MAX_LOG_BLOCKS = ENV.rpc_max_log_blocks
MDS_RPC_MAX_LOG_ROWS = ENV.rpc_max_log_rows
MDS_RPC_CALL_WORKERS = ENV.rpc_call_workers
MDS_RPC_CALL_SECONDS = ENV.rpc_call_seconds
MDS_RPC_DB_CONNECTIONS = ENV.rpc_db_connections
MDS_RPC_CORS_ORIGINS = ENV.rpc_cors_origins
MDS_RPC_MAX_CONNECTIONS = ENV.rpc_max_connections
MDS_RPC_MAX_SOCKETS = ENV.rpc_max_sockets
MDS_RPC_MAX_SUBSCRIPTIONS = ENV.rpc_max_subscriptions
MDS_RPC_RATE = ENV.rpc_rate
MDS_RPC_BURST = ENV.rpc_burst
MDS_RPC_LOCAL_OPERATOR = ENV.rpc_local_operator
MDS_RUNTIME_SETTINGS = runtime_settings(ENV)
MDS_FOLLOW_SETTINGS = True
MDS_LOG_LEVEL = ENV.log_level
MDS_NODE_DOOR = "mondoshawan.door.NodeDoor"
MDS_INDEX_TRACE_SHARE = ENV.index_trace_share
MDS_LIVE_ADDRESS_SOCKETS = ENV.live_address_sockets
MDS_LIVE_MAX_SOCKETS = ENV.live_max_sockets
MDS_WEB_RATE = ENV.web_rate
MDS_WEB_BURST = ENV.web_burst

# ---- Django ----
BASE_DIR = environment.PROJECT_ROOT
DEBUG = False
# empty until the first `manage.py up` has made the key; Django refuses to sign anything with it
SECRET_KEY = keys.read_text(FOLDER.keys, keys.DJANGO_KEY) or ""
INSTALLED_APPS = [
    "mondoshawan.apps.MondoshawanConfig",
    "chain.apps.ChainConfig",
    "explorer.apps.ExplorerConfig",
    "admin_ui.apps.AdminUiConfig",
    "channels",
    "django_prometheus",
    "whitenoise.runserver_nostatic",
    "unfold.apps.BasicAppConfig",
    # the admin's modules are imported by the routes of the web process, not by every worker
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "mondoshawan.requests.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "explorer.origins.ApiOrigins",
    # before anything that reads the database
    "explorer.limits.WebLimits",
    "csp.middleware.CSPMiddleware",
    "mondoshawan.static.CompressedStatic",
    # after the static files, which bring copies of their own
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "admin_ui.addresses.AllowedNetworks",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "mondoshawan.urls"
ASGI_APPLICATION = "mondoshawan.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "explorer.context.site",
            ],
        },
    },
]
DATABASES = database.databases(ENV, FOLDER)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": MDS_REDIS_URL,
        "KEY_PREFIX": "cache",
        "TIMEOUT": 300,
    }
}

# ---- security ----
ALLOWED_HOSTS = security.allowed_hosts(ENV)
CSRF_TRUSTED_ORIGINS = security.trusted_origins(ENV)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = operator.SESSION_AGE_S
SESSION_COOKIE_NAME = operator.cookie_names(ENV)["session"]
CSRF_COOKIE_NAME = operator.cookie_names(ENV)["csrf"]
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = security.content_policy()
MDS_METRICS_ALLOW = ENV.metrics_allow

# ---- the operator's web ----
MDS_OPERATOR_ALLOW = ENV.operator_allow
AUTHENTICATION_BACKENDS = operator.AUTHENTICATION_BACKENDS
LOGIN_URL = operator.LOGIN_URL
LOGIN_REDIRECT_URL = operator.LOGIN_REDIRECT_URL
UNFOLD = operator.UNFOLD
globals().update(operator.AXES)

# ---- Channels ----
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [MDS_REDIS_URL], "prefix": "mds"},
    },
}

# ---- Celery (the `CELERY_` namespace of mondoshawan/celery.py) ----
CELERY_BROKER_URL = celery.broker_url(ENV.redis_url, str(FOLDER.redis_socket))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CONSUMER = "mondoshawan.consumer:Consumer"
# a message that is not acknowledged within this time (s) is delivered again; the longest task is far below it
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in celery.QUEUES}
CELERY_TASK_ROUTES = (celery.route,)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {}
CELERY_BEAT_SCHEDULE_FILENAME = str(FOLDER.run / "beat-schedule")

# ---- logging ----
log.configure_structlog()
LOGGING = log.logging_config(ENV.log_level, ENV.log_format)
