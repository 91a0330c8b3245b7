"""Where requests carry what identifies their caller."""

from __future__ import annotations

import re

from tracer.model.http import Request

CREDENTIALS = (
    "authorization", "proxy-authorization", "x-api-key", "api-key", "apikey", "x-auth-token", "x-auth-key",
    "x-access-token", "x-amz-security-token", "x-goog-api-key", "x-goog-iap-jwt-assertion", "ocp-apim-subscription-key",
    "private-token", "job-token", "x-vault-token", "x-functions-key", "cf-access-client-id", "cf-access-jwt-assertion",
    "x-subscription-token", "x-rapidapi-key", "x-shopify-access-token", "x-n8n-api-key", "x-figma-token", "dd-api-key",
    "circle-token", "x-session-token", "x-user-token", "x-goog-user-project", "x-plex-token", "x-emby-token",
)  # fmt: skip
"""fields that carry a key or a token, lower case; cookies apart"""
CSRF = ("x-csrf-token", "x-csrftoken", "x-xsrf-token", "x-wp-nonce", "jenkins-crumb", "x-anti-forgery-token")
SIGNED = re.compile(r"[?&](X-Amz-Signature|Signature|sig|X-Goog-Signature|hmac|token|hdnts|hdnea)=", re.IGNORECASE)
"""a link that carries its own permission"""
KEYED = re.compile(
    r"[?&](api[_-]?key|apikey|key|access[_-]?token|auth(_token)?|subscription-key|code)=[^&]{8,}", re.IGNORECASE
)


def identified(request: Request) -> bool:
    """It carries something that tells who asks, or that says that it may."""
    if any(request.get(n) for n in ("cookie", *CREDENTIALS)):
        return True
    return bool(SIGNED.search(request.target) or KEYED.search(request.target))
