"""Every setting comes from the environment; docs/settings.md lists them, and a test keeps that list whole."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF

from cases.made_once import made_once
from edge_client import VERSION as VERSION  # of the whole, its client with it
from mpsite.embedded import EMBEDDED, data_dir
from mpsite.static_names import fingerprint

# Lets `ModelAdmin[Case]` and the like, which the type checker wants, also run.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = data_dir()


def _list(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def host_of_tiles(address: str) -> str:
    """Whom browsers may ask for tiles: `https://{s}.tiles.example/{z}/{x}/{y}.png` has several hosts."""
    parts = urlsplit(address.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}"


def _secret_key() -> str:
    """The key in the environment, or one made once and kept in the data folder, readable by its owner only."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    return made_once(DATA_DIR / "secret_key", lambda: secrets.token_urlsafe(50).encode()).decode()


SECRET_KEY = _secret_key()
DEBUG = os.environ.get("DEBUG", "") == "yes"
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", "")
# How many proxies of ours stand before Sightline, each appending to `X-Forwarded-For`.
TRUSTED_PROXIES = int(os.environ.get("TRUSTED_PROXIES", "0"))
HTTPS = os.environ.get("HTTPS", "") == "yes"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
# Supervisors ask by the address of the machine, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz/", r"^metrics$"]
# Other hosts of the agency's domain are not ours to promise TLS for.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
MAP_TILES = os.environ.get("MAP_TILES", "")
# No script and no style but our own files; nothing of another host; nobody frames a page.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *([host_of_tiles(MAP_TILES)] if MAP_TILES else [])],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF, *_list("OIDC_URL", "")],
        "frame-ancestors": [NONE],
    }
}

INSTALLED_APPS = [
    "mpsite",
    "mpsite.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "csp",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "django_prometheus",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "cases",
    "matching",
]

MIDDLEWARE = [
    "mpsite.addresses.AddressMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "mpsite.headers.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "mpsite.access.AccessMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "mpsite.sign_in.SessionMiddleware",
    "mpsite.trail.TrailMiddleware",
    "mpsite.full_disk.FullDiskMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "mpsite.urls"
ASGI_APPLICATION = "mpsite.asgi.application"
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
                "matching.views.context.console",
            ]
        },
    }
]

DATABASES = {"default": dj_database_url.config(default="postgresql:///sightline", conn_max_age=60)}
# Under ASGI each request has its own thread, so a connection kept by a thread would outlive its use; a pool serves all.
DATABASES["default"] |= {
    "CONN_MAX_AGE": 0,
    "OPTIONS": {**DATABASES["default"].get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": 12, "timeout": 15}},
}
# Behind a pooler that gives a session to others after each transaction a cursor ends with it: results are read whole.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = os.environ.get("DATABASE_POOLED", "") == "yes"
# By whom analysts ask in SQL; the embedded database has such a user by itself.
ANALYSIS_DATABASE_URL = os.environ.get("ANALYSIS_DATABASE_URL", "")
HAS_EMBEDDED_DATABASE = bool(os.environ.get(EMBEDDED))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # An idle websocket asks Redis for 5 s at a time, which is also what the driver waits for an answer: whichever
        # was first decided whether the websocket lived.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}]},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"pool_class": "cases.redis_pool.OnePool"},
    }
}
# How many cores each process may use at once for work that is not urgent.
CORES = int(os.environ.get("CORES") or os.cpu_count() or 1)
# MB; 0: no limit.
WORKER_MEMORY = int(os.environ.get("WORKER_MEMORY", "0"))

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_BROKER_TRANSPORT_OPTIONS = {"queue_order_strategy": "priority"}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "mpsite.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
# How long a sign-in lasts is the agency's word, not a box to tick.
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Wrong passwords are counted by `mpsite.guessing`, at every entrance; what stands here counts codes of second factors.
ACCOUNT_RATE_LIMITS = {"login": False, "login_failed": "5/15m/key"}
SOCIALACCOUNT_ADAPTER = "mpsite.sign_in.AgencyAdapter"
SOCIALACCOUNT_PROVIDERS = {}
# The agency's own provider of sign-ins, where it has one.
if _oidc := os.environ.get("OIDC_URL", ""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "agency",
                "name": os.environ.get("OIDC_NAME", "your agency"),
                "client_id": os.environ.get("OIDC_CLIENT", ""),
                "secret": os.environ.get("OIDC_SECRET", ""),
                "settings": {"server_url": _oidc},
            }
        ],
    }
MFA_ADAPTER = "mpsite.sign_in.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Sightline"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
REQUIRE_SECOND_FACTOR = os.environ.get("REQUIRE_SECOND_FACTOR", "") == "yes"
# A session ends after so long without a page, and after so long altogether.
IDLE_MINUTES = float(os.environ.get("IDLE_MINUTES", "60"))
SESSION_HOURS = float(os.environ.get("SESSION_HOURS", "12"))
SESSION_COOKIE_AGE = int(SESSION_HOURS * 3600)
USERSESSIONS_TRACK_ACTIVITY = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = f"static/{fingerprint(BASE_DIR / 'static', [BASE_DIR / 'requirements.lock'])}/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = rf"^/{STATIC_URL}"
# What browsers ask for at the root by themselves.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
# Where people reach this installation, for links in messages; empty: messages carry no link.
PUBLIC_URL = os.environ.get("PUBLIC_URL", "")
# Whether messages may be sent to private hosts: this machine's own network.
ALERT_PRIVATE_HOSTS = os.environ.get("ALERT_PRIVATE_HOSTS", "") == "yes"
# Whether pictures may be fetched from private hosts: a server of one's own.
WEB_PRIVATE_HOSTS = os.environ.get("WEB_PRIVATE_HOSTS", "") == "yes"
# Whom a browser's push service asks about messages that come from here.
PUSH_CONTACT = os.environ.get("PUSH_CONTACT", "mailto:nobody@localhost.invalid")
# What Prometheus must say to be told of `/metrics`; empty: nobody is.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
# Where the audit trail's last hash is sent every hour, as an Apprise address: mail, a syslog, a webhook.
AUDIT_SEND_TO = os.environ.get("AUDIT_SEND_TO", "")
# Days for which cameras' counts of people in view are kept.
COUNT_DAYS = int(os.environ.get("COUNT_DAYS", "400"))
# What one camera may send in an hour.
CAMERA_LIMITS = {
    "captures": int(os.environ.get("CAMERA_CAPTURES_AN_HOUR", "36000")),
    "bytes": int(os.environ.get("CAMERA_MB_AN_HOUR", "2000")) * 10**6,
    "minutes": int(os.environ.get("CAMERA_MINUTES_AN_HOUR", "30000")),
}
# The broker that `manage.py mqtt_bridge` listens to, and certificates to trust beside the usual ones.
MQTT_URL = os.environ.get("MQTT_URL", "")
MQTT_CA = os.environ.get("MQTT_CA", "")
# Under which prefix Home Assistant learns of the cameras; empty: nowhere.
MQTT_DISCOVERY = os.environ.get("MQTT_DISCOVERY", "").strip("/")
# Days after which a paired camera's client gets itself another token.
TOKEN_DAYS = int(os.environ.get("TOKEN_DAYS", "30"))
# Where the map takes streets from, and whom it thanks for them: an address with {z}, {x} and {y}; without it no host.
MAP_CREDIT = os.environ.get("MAP_CREDIT", "")
MEDIA_ROOT = DATA_DIR / "media"
# Where files are kept: the data folder, another folder, or a bucket; and where they are on their way from.
# A gallery engine beside PostgreSQL; see docs/deployment.md.
GALLERY_URL = os.environ.get("GALLERY_URL", "")

STORAGE_URL = os.environ.get("STORAGE_URL", "") or "data"
STORAGE_BESIDE = os.environ.get("STORAGE_BESIDE", "")
# How much of this machine's disk copies of a bucket's files may take.
FILES_CACHE_MB = int(os.environ.get("FILES_CACHE_MB", "1024"))
STORAGES = {
    "default": {"BACKEND": "cases.sealed_files.SealedStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Where the key lies with which files are sealed; empty: they lie open.
FILES_KEY = os.environ.get("FILES_KEY", "")
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 30 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "matching.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["mpsite.access.ByRole"],
    "DEFAULT_PARSER_CLASSES": [
        "matching.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "PAGE_SIZE": 50,
    # A pairing code has 40 bits and 15 minutes: at this rate nobody guesses one.
    # The address is put right before, by `mpsite.addresses`.
    "NUM_PROXIES": 0,
    "DEFAULT_THROTTLE_CLASSES": ["matching.api.throttles.PatientUserThrottle"],
    "DEFAULT_THROTTLE_RATES": {"pair": "20/min", "token": "20/min", "user": "1200/min"},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sightline",
    "DESCRIPTION": "Cases, photos, face searches, alerts and cameras.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "matching.api.schema.name_errors",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "AlertStatus": "matching.models.alert.Alert.Status",
        "CaseStatus": "cases.models.Case.Status",
    },
}

NAMUS_URL = os.environ.get("NAMUS_URL", "https://www.namus.gov/")
INTERPOL_URL = os.environ.get("INTERPOL_URL", "https://ws-public.interpol.int/")
FBI_URL = os.environ.get("FBI_URL", "https://api.fbi.gov/")
# Requests a second to one registry, and the seconds that the pause after a failed one begins with.
IMPORT_RATE = float(os.environ.get("IMPORT_RATE", "4"))
IMPORT_BACKOFF = float(os.environ.get("IMPORT_BACKOFF", "1"))
_contact = os.environ.get("IMPORT_CONTACT", "no contact given")
IMPORT_USER_AGENT = f"Sightline (missing persons search; {_contact})"
# Where the Imports page may read files and folders from; the command line may read anywhere.
IMPORT_DIR = Path(os.environ.get("IMPORT_DIR", DATA_DIR / "imports"))

FACE_MODEL = os.environ.get("FACE_MODEL", "auto")
MODELS_DIR = Path(os.environ.get("MODELS_DIR", DATA_DIR / "models"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "mpsite.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if os.environ.get("LOG_FORMAT") == "json" else "line",
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"cases": {"level": "INFO"}, "matching": {"level": "INFO"}, "mpsite": {"level": "INFO"}},
}
