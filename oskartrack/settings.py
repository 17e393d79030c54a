"""Settings, read from the environment; `.env.example` lists every variable."""

from __future__ import annotations

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import SELF
from django.core.exceptions import ImproperlyConfigured

from analytics.chat import Service
from oskartrack import logs
from oskartrack.beat import Every
from oskartrack.secret import read_or_make_secret
from tracking.kafka.plan import Account, Plan, topics_read

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env")

PRODUCTION = env.str("OSKARTRACK_ENV", default="development") == "production"
DEBUG = env.bool("OSKARTRACK_DEBUG", default=False)
DATA_DIR = Path(env.str("OSKARTRACK_DATA", default=str(BASE_DIR / "var")))
MEDIA_ROOT = DATA_DIR / "media"
# Model files of detectors: NanoDet, which `make model` puts there, and any other.
MODELS_DIR = Path(env.str("OSKARTRACK_MODELS", default=str(BASE_DIR / "var/models"))).absolute()
CODE_VERSION = "0.1.0"

# Secrets: production must bring its own; elsewhere one is made on first use, readable by its owner.
# Cameras' passwords are sealed with a key of their own: the first one seals, all of them open.
CAMERA_KEYS = [key for key in env.list("OSKARTRACK_CAMERA_KEY", default=[]) if key]
if PRODUCTION:
    SECRET_KEY = env.str("OSKARTRACK_SECRET_KEY")
    JWT_KEY = env.str("OSKARTRACK_JWT_KEY")
    for _name, _key in (
        ("OSKARTRACK_SECRET_KEY", SECRET_KEY),
        ("OSKARTRACK_JWT_KEY", JWT_KEY),
        *(("OSKARTRACK_CAMERA_KEY", key) for key in CAMERA_KEYS or [""]),
    ):
        if len(_key) < 50:
            raise ImproperlyConfigured(f"{_name} needs at least 50 characters, got {len(_key)}.")
else:
    SECRET_KEY = env.str("OSKARTRACK_SECRET_KEY", default="") or read_or_make_secret(
        DATA_DIR, "web"
    )
    JWT_KEY = env.str("OSKARTRACK_JWT_KEY", default="") or read_or_make_secret(DATA_DIR, "jwt")
    CAMERA_KEYS = CAMERA_KEYS or [read_or_make_secret(DATA_DIR, "camera")]

ALLOWED_HOSTS = env.list("OSKARTRACK_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("OSKARTRACK_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("OSKARTRACK_CORS_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/.*$"

INSTALLED_APPS = [
    "daphne",
    "oskartrack.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_prometheus",
    "accounts",
    "zones",
    "tracking",
    "analytics",
    "oskartrack",
]

MIDDLEWARE = [
    # First of all what every answer carries, one that is given before a view is found too.
    "oskartrack.middleware.HeadersFirstMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "oskartrack.middleware.OwnPagesAloneMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "oskartrack.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "oskartrack.middleware.RequestIdMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oskartrack.middleware.OutageMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "oskartrack.urls"
ASGI_APPLICATION = "oskartrack.asgi.application"
WSGI_APPLICATION = "oskartrack.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.stores",
            ],
        },
    },
]

# SQLite until DATABASE_URL says otherwise. Under ASGI connections are not kept (CONN_MAX_AGE=0).
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'oskartrack.sqlite3'}")
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Measured: with the defaults 185 of 482 writes met "database is locked"; with these, none.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _OPTIONS = DATABASES["default"].setdefault("OPTIONS", {})
    # A database that vanished without a word is told as away, not waited for.
    _OPTIONS.setdefault("connect_timeout", 5)
    # Nothing slow is done within a transaction. One that rests this long is a frozen worker's: its
    # locks would keep a whole store from being counted until somebody wakes it up.
    _OPTIONS.setdefault("options", "-c idle_in_transaction_session_timeout=15s")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.NameOrEmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# Own files, the third-party files copied from npm, and pictures rendered at set-up.
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (prefix, str(folder))
        for prefix, folder in (
            ("vendor", BASE_DIR / "var" / "vendor"),
            ("generated", BASE_DIR / "var" / "generated"),
        )
        if folder.is_dir()
    ),
]
HASHED_STATIC = env.bool("OSKARTRACK_HASHED_STATIC", default=PRODUCTION)
# Whose site may read what is the list of origins' to say, of scripts and styles too.
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = not HASHED_STATIC
# Finds files made after the start too: the demo's still appears while the web process runs.
WHITENOISE_AUTOREFRESH = not HASHED_STATIC
WHITENOISE_MAX_AGE = 31_536_000 if HASHED_STATIC else 0
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "oskartrack.storage.HashedStaticStorage"
        if HASHED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Valkey or Redis: Celery's doorbell, live hints, throttles. Nothing that matters lives there.
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        # The default layer silently lost 39 to 90 % with a slow reader; pub/sub lost none.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "oskartrack"},
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if env.bool("OSKARTRACK_SHARED_CACHE", default=True)
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8.0
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Our log lines go to stdout; Celery would pass each on as a warning of its own.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# With kombu's defaults ringing at a dead broker held a request for 6 s; beat rings again anyway.
# One that hangs holds it for no longer than these.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "max_retries": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
# Workers keep trying for as long as it is away.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "files-reconcile": {
        "task": "tracking.tasks.files_reconcile",
        "schedule": crontab(hour=3, minute=30),
    },
    "recounts-forget": {"task": "tracking.tasks.recounts_forget", "schedule": Every(minutes=30)},
    "ring-unclaimed": {"task": "tracking.tasks.ring_unclaimed", "schedule": Every(seconds=5)},
    "summaries-fold": {"task": "analytics.tasks.summaries_fold", "schedule": Every(minutes=5)},
    "verifications-advance": {
        "task": "analytics.tasks.verifications_advance",
        "schedule": Every(minutes=1),
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "oskartrack.token_scopes.ScopedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.json_parser.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "oskartrack.api_schema.DoorSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "oskartrack.exception_handler.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    # Proxies of ours before the web process: so many entries of X-Forwarded-For, from the right,
    # are believed. Without any that header is the caller's own invention.
    "NUM_PROXIES": env.int("OSKARTRACK_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OskarTrack API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Anyone may read how the API is spoken to, with a token that has expired too.
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "oskartrack.api_schema.complete",
    ],
    # Two fields are called state: without names of their own one would get a random one.
    "ENUM_NAME_OVERRIDES": {
        "RecordingStateEnum": "tracking.models.Recording.State",
        "JobStateEnum": "tracking.models.JobState",
        "ZoneKindEnum": "zones.models.Zone.Kind",
        "LineKindEnum": "zones.models.CountingLine.Kind",
        "SourceKindEnum": "zones.models.Camera.SourceKind",
    },
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_KEY,
    "AUDIENCE": "oskartrack-api",
    "ISSUER": "oskartrack",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    # Tokens name their owner by an id that is told to no one else, and their log-in, which says
    # whether they are good: see accounts/tokens.py.
    "USER_ID_FIELD": "public_id",
    "USER_ID_CLAIM": "sub",
}

# One strict policy everywhere; no inline script or style, nothing from outside.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
DEFAULT_EXCEPTION_REPORTER_FILTER = "oskartrack.error_reports.WithoutSecrets"
CSRF_FAILURE_VIEW = "oskartrack.error_pages.csrf_failure"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("OSKARTRACK_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # A browser takes cookies of these names by HTTPS from this very host alone.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

# Uploads. A tus part is at most 8 MiB; anything larger or unsized is refused before it is read.
TUS_PART_BYTES = 8 * 1024 * 1024
MAX_BODY_BYTES = TUS_PART_BYTES + 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = TUS_PART_BYTES + 64 * 1024
UPLOAD_MAX_BYTES = env.int("OSKARTRACK_UPLOAD_MAX_BYTES", default=4 * 1000**3)
VIDEO_MAX_SECONDS = env.int("OSKARTRACK_VIDEO_MAX_SECONDS", default=6 * 3600)
VIDEO_MAX_PIXELS = env.int("OSKARTRACK_VIDEO_MAX_PIXELS", default=4096 * 4096)
IMAGE_MAX_PIXELS = env.int("OSKARTRACK_IMAGE_MAX_PIXELS", default=50_000_000)

# Room: what one store may keep and have waiting, and what must stay free on the disk.
STORE_QUOTA_BYTES = env.int("OSKARTRACK_STORE_QUOTA_BYTES", default=200 * 1000**3)
STORE_MAX_UPLOADS = env.int("OSKARTRACK_STORE_MAX_UPLOADS", default=20)
STORE_MAX_WAITING = env.int("OSKARTRACK_STORE_MAX_WAITING", default=200)
# Films of live cameras, all together: the oldest go first. What was counted of them stays.
SEGMENTS_MAX_BYTES = env.int("OSKARTRACK_SEGMENTS_MAX_BYTES", default=50 * 1000**3)
DISK_FLOOR_BYTES = env.int("OSKARTRACK_DISK_FLOOR_BYTES", default=500 * 1000**2)

# The job: a lease is renewed while a slice runs; an unclaimed row is rung again by beat.
LEASE_S = 15
LEASE_RENEW_S = 5
SLICE_S = 45
MAX_ATTEMPTS = 3
WORKERS = env.int("OSKARTRACK_WORKERS", default=os.cpu_count() or 1)

# Networks that cameras may be in, and nothing else is connected to. This machine, what a cloud
# tells of itself and such are reached only where a network within them is named.
try:
    CAMERA_NETWORKS = tuple(
        ip_network(each.strip())
        for each in env.list(
            "OSKARTRACK_CAMERA_NETWORKS",
            default=["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
        )
    )
except ValueError as _error:
    raise ImproperlyConfigured(
        f"OSKARTRACK_CAMERA_NETWORKS wants networks such as 192.168.0.0/16: {_error}."
    ) from None
# Files that can be played in a loop as a camera: put there by hand.
LOOPS_DIR = DATA_DIR / "loops"

# The demo's account is an administrator: production makes none.
OSKARTRACK_DEMO = env.bool("OSKARTRACK_DEMO", default=not PRODUCTION)

# The figures at /metrics: a superuser sees them, whoever brings the token, and, where switched on,
# callers on this machine. Leave that off behind a proxy on this machine.
METRICS_TOKEN = env.str("OSKARTRACK_METRICS_TOKEN", default="")
METRICS_LOOPBACK = env.bool("OSKARTRACK_METRICS_LOOPBACK", default=False)

# Other words for insights, by a chat service; empty, and so off, by default. It gets sums alone.
INSIGHTS_URL = env.str("OSKARTRACK_INSIGHTS_URL", default="")
INSIGHTS_KEY = env.str("OSKARTRACK_INSIGHTS_KEY", default="")
INSIGHTS_MODEL = env.str("OSKARTRACK_INSIGHTS_MODEL", default="")
if INSIGHTS_URL and (_problem := Service(INSIGHTS_URL, INSIGHTS_MODEL, INSIGHTS_KEY).problem()):
    raise ImproperlyConfigured(_problem)

# Events in from Kafka and out to it: off where no brokers are named.
_USER = env.str("OSKARTRACK_KAFKA_USER", default="")
try:
    KAFKA = Plan(
        servers=env.str("OSKARTRACK_KAFKA", default=""),
        inward=topics_read(env.str("OSKARTRACK_KAFKA_IN", default=""), "OSKARTRACK_KAFKA_IN"),
        outward=topics_read(env.str("OSKARTRACK_KAFKA_OUT", default=""), "OSKARTRACK_KAFKA_OUT"),
        group=env.str("OSKARTRACK_KAFKA_GROUP", default="") or "oskartrack",
        refused=env.str("OSKARTRACK_KAFKA_REFUSED", default="") or "oskartrack.refused",
        account=Account(
            user=_USER,
            password=env.str("OSKARTRACK_KAFKA_PASSWORD", default=""),
            mechanism=env.str("OSKARTRACK_KAFKA_MECHANISM", default="") or "SCRAM-SHA-512",
            tls=(env.str("OSKARTRACK_KAFKA_TLS", default="") or str(bool(_USER))).lower()
            in {"true", "1", "yes", "on"},
            authority=env.str("OSKARTRACK_KAFKA_AUTHORITY", default=""),
        ),
    )
except ValueError as _error:
    raise ImproperlyConfigured(str(_error)) from None
if _problem := KAFKA.problem():
    raise ImproperlyConfigured(_problem)

LOGGING_CONFIG = None
LOG_REQUESTS = PRODUCTION
logs.configure(as_json=PRODUCTION)
