"""Where requests carry what identifies their caller."""

from __future__ import annotations

import re

from tracer.model.http import Message, Request, text

CREDENTIALS = (
    "authorization", "proxy-authorization", "x-api-key", "api-key", "apikey", "x-auth-token", "x-auth-key",
    "x-access-token", "x-amz-security-token", "x-goog-api-key", "x-goog-iap-jwt-assertion", "ocp-apim-subscription-key",
    "private-token", "job-token", "x-vault-token", "x-functions-key", "cf-access-client-id", "cf-access-jwt-assertion",
    "x-subscription-token", "x-rapidapi-key", "x-shopify-access-token", "x-n8n-api-key", "x-figma-token", "dd-api-key",
    "circle-token", "x-session-token", "x-user-token", "x-goog-user-project", "x-plex-token", "x-emby-token",
)  # fmt: skip
"""fields that carry a key or a token, lower case; cookies apart"""
CSRF = ("x-csrf-token", "x-csrftoken", "x-xsrf-token", "x-wp-nonce", "jenkins-crumb", "x-anti-forgery-token")
_IDENTIFYING = frozenset(name.encode() for name in ("cookie", *CREDENTIALS))
SIGNED = re.compile(r"[?&](X-Amz-Signature|Signature|sig|X-Goog-Signature|hmac|token|hdnts|hdnea)=", re.IGNORECASE)
"""a link that carries its own permission"""
KEYED = re.compile(
    r"[?&](api[_-]?key|apikey|key|access[_-]?token|auth(_token)?|subscription-key|code)=[^&]{8,}", re.IGNORECASE
)


def fields_of(message: Message) -> dict[str, str]:
    """First value of each field by its name in lower case: for those who look for many names."""
    found: dict[str, str] = {}
    for name, value in message.headers:
        found.setdefault(name.decode("latin-1").lower(), text(value))
    return found


def identified(request: Request) -> bool:
    """It carries something that tells who asks, or that says that it may."""
    if not _IDENTIFYING.isdisjoint(name.lower() for name, value in request.headers if value):
        return True
    return bool(SIGNED.search(request.target) or KEYED.search(request.target))
