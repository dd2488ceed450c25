"""Every setting comes from the environment or from .env beside manage.py.

No secret is written down here.

settings.yaml says what each is for, `manage.py settings` what each is.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from connections.sources import make_sources
from gateway.core.origins import read_origins
from providers.http.egress import trust_authorities

from .catalogues import compiled_folder
from .databases import read_databases
from .document_settings import *  # noqa: F403
from .email_settings import read_email
from .encryption_keys import read_keys
from .env_place import env_file_path, read_environment
from .environment import BASE_DIR
from .identity_providers import read_identity_providers
from .logs import log_to_console
from .misspelt import refuse_misspelt
from .outbound import SPELLINGS, read_proxies
from .sign_in_settings import *  # noqa: F403
from .telemetry_settings import read_metrics_networks, read_metrics_token
from .tracing_settings import OTHERS, read_collectors, read_form_of_log

ENVIRONMENT = env = read_environment()

SECRET_KEY = env.secret("SECRET_KEY")
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.served_hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "backoffice.apps.OurStaticFilesConfig",
    "django.forms",
    *ALLAUTH_APPS,  # noqa: F405
    "django_htmx",
    "heroicons",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "backoffice.apps.BackofficeConfig",
    "backoffice.people",
    "backoffice.audit",
    "backoffice.backup",
    "connections",
    "connections.types",
    "connections.packages",
    "connections.promptflow",
    "connections.schedule",
    "connections.replacement",
    "connections.workloads",
    "connections.history",
    "gateway",
]

MIDDLEWARE = [
    "backoffice.telemetry.middleware.MetricsMiddleware",
    "backoffice.middleware.RequestIdMiddleware",
    "backoffice.middleware.OriginMiddleware",
    "backoffice.static_files.StaticFilesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "backoffice.middleware.ContentSecurityPolicyMiddleware",
    "backoffice.page_compression.PageCompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.middleware.ViewerMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backoffice.localization.LocalizationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "backoffice.people.signin.middleware.SessionRulesMiddleware",
    "backoffice.people.view_as.middleware.ViewAsMiddleware",
    "backoffice.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "backoffice.replica_reads.ReplicaMiddleware",
]

ROOT_URLCONF = "backoffice.urls"
ASGI_APPLICATION = "backoffice.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "connections.templatetags.numbers",
                "connections.templatetags.times",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES: dict[str, Any] = read_databases(env)
DATABASE_ROUTERS = ["connections.replica.ReplicaRouter"]
DATABASE_REPLICA_SECONDS = env.number("DATABASE_REPLICA_SECONDS", 10, least=1, most=3600)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, Any] = {"default": env.cache("CACHE_URL", "locmemcache://")}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "connections.redis_cache.RedisOrMemory"

# People

AUTHENTICATION_BACKENDS = ["backoffice.people.backends.OneQueryBackend"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "sign-in"
SIGN_IN_SECOND_FACTOR = env.names("SIGN_IN_SECOND_FACTOR")  # roles, or everybody
SIGN_IN_LOCALLY = env.names("SIGN_IN_LOCALLY", ["everybody"])  # roles, or everybody
IDENTITY_PROVIDERS = read_identity_providers(env)  # by their keys
_email = read_email(env)
globals().update(_email)
EMAIL_IS_SET_UP, SIGN_IN_ADDRESS = bool(_email["EMAIL_IS_SET_UP"]), str(_email["SIGN_IN_ADDRESS"])
PASSWORD_RESET_TIMEOUT = 3600  # seconds
SIGN_IN_IDLE_HOURS = env.number("SIGN_IN_IDLE_HOURS", 12, least=0.1, most=8760)
SIGN_IN_DAYS = env.number("SIGN_IN_DAYS", 14, least=0.01, most=365)
SIGN_IN_CONFIRM_MINUTES = env.number("SIGN_IN_CONFIRM_MINUTES", 15, least=1, most=10080)

# The browser

HTTPS = env.boolean("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(SIGN_IN_DAYS * 86400)  # seconds
# never in cookies: what is taken out of a session must be gone from it
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "backoffice.views.csrf_failure"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / env.text("STATIC_ROOT", "var/static")  # see backoffice/static_files.py
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "backoffice.static_files.HashedFiles"},
}
WHITENOISE_USE_FINDERS = True  # plain names are served from the sources, which are never stale
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else's page needs them

USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [compiled_folder(STATIC_ROOT)]
FORMAT_MODULE_PATH = ["backoffice.formats"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = True, "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS

# The API: see connections/api

API_EXTRA_PREFIXES = [one.strip("/") for one in env.names("API_EXTRA_PREFIXES") if one.strip("/")]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes
# the plan for a package of 2,000 connections has a choice and some fields for each
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
UPLOAD_MAX_BYTES = 10 * 1024 * 1024  # of a file
FILE_UPLOAD_HANDLERS = ["connections.bodies.BoundedUploadHandler"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "connections.workloads.api.authentication.WorkloadAuthentication",
        "connections.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["connections.api.authentication.AccessPermission"],
    "DEFAULT_PARSER_CLASSES": ["connections.api.parsers.LimitedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "connections.api.documented.AccessSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.rate("API_THROTTLE_RATE", "6000/min")},
    "EXCEPTION_HANDLER": "connections.api.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
}

# Secrets and references: see SECURITY.md

FERNET_KEYS, FERNET_KEY_REFERENCES = read_keys(env)  # newest first
if isinstance(FERNET_KEYS, list) and SECRET_KEY in FERNET_KEYS:
    raise ImproperlyConfigured("FERNET_KEYS holds the SECRET_KEY. Make a key of its own.")
CONNECTIONS_CONFIG: dict[str, Any] = {}
CONNECTIONS_CONFIG_FILE = env.file("CONNECTIONS_CONFIG_FILE")
CONNECTIONS_SECRETS_DIR = env.folder("CONNECTIONS_SECRETS_DIR")
ENV_FILE = env_file_path()
CONNECTIONS_SOURCES = env.names("CONNECTIONS_SOURCES")
CONNECTIONS_STALE_MINUTES = env.number("CONNECTIONS_STALE_MINUTES", 10)
try:
    make_sources(CONNECTIONS_SOURCES, CONNECTIONS_CONFIG, CONNECTIONS_STALE_MINUTES * 60)
except ValueError as error:
    raise ImproperlyConfigured(f"CONNECTIONS_SOURCES: {error}") from None
CONNECTIONS_TYPES_DIR = env.folder("CONNECTIONS_TYPES_DIR")
CONNECTIONS_REFERENCE_SECTIONS = env.words("CONNECTIONS_REFERENCE_SECTIONS")
CONNECTIONS_REFERENCE_ENV = env.words("CONNECTIONS_REFERENCE_ENV")
CONNECTIONS_REFERENCE_PUBLIC = env.keys("CONNECTIONS_REFERENCE_PUBLIC")
CONNECTIONS_SECRET_KEYS = env.words(
    "CONNECTIONS_SECRET_KEYS", ["key", "secret", "password", "token"]
)
CONNECTIONS_EGRESS_ALLOW = env.asked_hosts("CONNECTIONS_EGRESS_ALLOW")
CONNECTIONS_EGRESS_PRIVATE = env.boolean("CONNECTIONS_EGRESS_PRIVATE", True)
CONNECTIONS_HOST_APPROVAL = env.boolean("CONNECTIONS_HOST_APPROVAL", True)
CONNECTIONS_CA_FILE = env.file("CONNECTIONS_CA_FILE")
try:
    trust_authorities(CONNECTIONS_CA_FILE)
except ValueError as error:
    raise ImproperlyConfigured(f"CONNECTIONS_CA_FILE {error}") from None
CONNECTIONS_PROXIES = read_proxies(env)
CONNECTIONS_TEST_RATE = env.whole("CONNECTIONS_TEST_RATE", 60)
CONNECTIONS_CHECK_MINUTES = env.number("CONNECTIONS_CHECK_MINUTES", 15, most=10080)  # 0: never
CONNECTIONS_CHECKS_AT_ONCE = env.whole("CONNECTIONS_CHECKS_AT_ONCE", 16, least=1, most=200)
CONNECTIONS_CHECKS_PER_HOST = env.whole("CONNECTIONS_CHECKS_PER_HOST", 4, least=1, most=200)
CONNECTIONS_RADAR_DAYS = env.days("CONNECTIONS_RADAR_DAYS", [30, 14, 7, 1])
CONNECTIONS_HISTORY_DAYS = env.whole("CONNECTIONS_HISTORY_DAYS", 0)  # 0: for ever
CONNECTIONS_HISTORY_VERSIONS = env.whole("CONNECTIONS_HISTORY_VERSIONS", 0)  # of a row; 0: all
CONNECTIONS_REPLACEMENT_MINUTES = env.number("CONNECTIONS_REPLACEMENT_MINUTES", 10, most=1440)
CONNECTIONS_PREVIOUS_HOURS = env.number("CONNECTIONS_PREVIOUS_HOURS", 24, most=8760)
CONNECTIONS_SECRETS_KEPT_HOURS = env.number("CONNECTIONS_SECRETS_KEPT_HOURS", 24, most=87600)
CONNECTIONS_UNDO_MINUTES = env.whole("CONNECTIONS_UNDO_MINUTES", 10, most=1440)  # 0: never
CONNECTIONS_TOKEN_DAYS = env.whole("CONNECTIONS_TOKEN_DAYS", 90, most=3650)  # 0: the longest
CONNECTIONS_TOKEN_DAYS_LONGEST = env.whole("CONNECTIONS_TOKEN_DAYS_LONGEST", 366, most=3650)
CONNECTIONS_TOKEN_UNUSED_DAYS = env.whole("CONNECTIONS_TOKEN_UNUSED_DAYS", 90, most=3650)
CONNECTIONS_TOKEN_UNUSED_END = env.whole("CONNECTIONS_TOKEN_UNUSED_END", 365, most=3650)
CONNECTIONS_ISSUER_KEYS_HOURS = env.whole("CONNECTIONS_ISSUER_KEYS_HOURS", 24, least=1, most=720)
AUDIT_KEEP_DAYS = env.whole("AUDIT_KEEP_DAYS", 0)  # 0: for ever
AUDIT_STREAM = env.targets("AUDIT_STREAM")  # see connections/audit/streams.py
AUDIT_STREAM_SECRET = env.optional_secret("AUDIT_STREAM_SECRET", "whsec_")  # of its webhooks
AUDIT_SIGNING_KEYS = env.secrets("AUDIT_SIGNING_KEYS", 32)  # newest first; none: FERNET_KEYS
AUDIT_PUBLIC_KEYS = env.names("AUDIT_PUBLIC_KEYS")  # of those that are gone
CONNECTIONS_REVEAL_DAYS = env.whole("CONNECTIONS_REVEAL_DAYS", 400)  # see prune_reveals
# how many of X-Forwarded-For's last addresses our own proxies wrote
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0)

# The server: see backoffice/gunicorn_conf.py

HOST = env.host("HOST", "127.0.0.1")
PORT = env.whole("PORT", 8000, least=1, most=65535)
WEB_CONCURRENCY = env.whole("WEB_CONCURRENCY", 2, least=1, most=1000)
IDLE_TIMEOUT = env.whole("IDLE_TIMEOUT", 75, least=1)
GRACEFUL_TIMEOUT = env.whole("GRACEFUL_TIMEOUT", 30, least=1)
MIGRATE_AT_START = env.boolean("MIGRATE_AT_START", True)  # make run does: see docs/upgrading.md
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 0, most=600)  # see docs/probes.md
RUN_DUE = env.boolean("RUN_DUE", True)  # the workers run what is due: see connections/schedule/

# Sockets that wait for their client: see backoffice/sockets.py. Seconds, and numbers in a worker.

HEAD_TIMEOUT = env.number("HEAD_TIMEOUT", 10)
BODY_TIMEOUT = env.number("BODY_TIMEOUT", 60)
SEND_TIMEOUT = env.number("SEND_TIMEOUT", 60)
# behind a proxy all clients have its address
SOCKETS_PER_CLIENT = env.whole("SOCKETS_PER_CLIENT", 0 if TRUSTED_PROXIES else 100)
SOCKETS_PER_WORKER = env.whole("SOCKETS_PER_WORKER", 4000)

# The gateway: see gateway/

GATEWAY_MAX_BODY = env.whole("GATEWAY_MAX_BODY_MB", 8, least=1, most=2000) * 1024 * 1024  # bytes
GATEWAY_COOLDOWN_SECONDS = env.number("GATEWAY_COOLDOWN_SECONDS", 30)
GATEWAY_KEEPALIVE_SECONDS = env.number("GATEWAY_KEEPALIVE_SECONDS", 15)  # 0: never
GATEWAY_FIRST_WAIT_SECONDS = env.number("GATEWAY_FIRST_WAIT_SECONDS", 10)
GATEWAY_RECORD_TEXT = env.boolean("GATEWAY_RECORD_TEXT", False)
try:
    GATEWAY_CORS_ORIGINS = read_origins(env.names("GATEWAY_CORS_ORIGINS"))
except ValueError as error:
    raise ImproperlyConfigured(f"GATEWAY_CORS_ORIGINS: {error}") from None
GATEWAY_USAGE_DAYS = env.whole("GATEWAY_USAGE_DAYS", 400)
# of the totals; fewer than of the records is as many
GATEWAY_TOTALS_DAYS = env.whole("GATEWAY_TOTALS_DAYS", 0, most=36_500)
GATEWAY_NOTICES_DAYS = env.whole("GATEWAY_NOTICES_DAYS", 90)

METRICS_TOKEN, METRICS_ALLOW = read_metrics_token(env), read_metrics_networks(env)
METRICS_ALIASES = env.whole("METRICS_ALIASES", 200, most=2000)  # that a label names
DEFAULT_EXCEPTION_REPORTER_FILTER = "backoffice.logs.NamesOnly"
LOG_FORMAT, GATEWAY_LOG_CALLS = read_form_of_log(env)
LOGGING = log_to_console(env.level("LOG_LEVEL", "INFO"), LOG_FORMAT)
OTEL_TRACES, OTEL_METRICS, GATEWAY_TRACE_CONTENT = read_collectors(env)

refuse_misspelt(env, (*SPELLINGS, *OTHERS), CONNECTIONS_REFERENCE_ENV)
