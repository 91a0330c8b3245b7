# mypy: ignore-errors
"""A shop in Django: log-in, orders of one owner, a form that needs its token."""

import logging

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not-a-secret-outside-the-lab",
    ALLOWED_HOSTS=["shop.example.test", ".example.test", "127.0.5.1"],
    ROOT_URLCONF="shop_urls",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "rest_framework"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:shop?mode=memory&cache=shared"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DISALLOWED_USER_AGENTS=[],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["console"], "level": "WARNING"}},
    },
)
django.setup()
logging.captureWarnings(True)

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
