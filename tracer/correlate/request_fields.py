"""Where requests carry what identifies their caller."""

from __future__ import annotations

import re

from tracer.model.http import SANITIZED, Exchange, Message, Request, text

CREDENTIALS = (
    "authorization", "proxy-authorization", "x-api-key", "api-key", "apikey", "x-auth-token", "x-auth-key",
    "x-access-token", "x-amz-security-token", "x-goog-api-key", "x-goog-iap-jwt-assertion", "ocp-apim-subscription-key",
    "private-token", "job-token", "x-vault-token", "x-functions-key", "cf-access-client-id", "cf-access-jwt-assertion",
    "x-subscription-token", "x-rapidapi-key", "x-shopify-access-token", "x-n8n-api-key", "x-figma-token", "dd-api-key",
    "circle-token", "x-session-token", "x-user-token", "x-goog-user-project", "x-plex-token", "x-emby-token",
    "access-token", "auth-token", "api-token", "token", "x-token", "x-api-token", "x-amz-access-token",
    "x-jfrog-art-api", "x-redmine-api-key", "x-octopus-apikey", "x-nuget-apikey", "x-ms-token-aad-access-token",
)  # fmt: skip
"""fields that carry a key or a token, lower case; cookies apart"""
CSRF = ("x-csrf-token", "x-csrftoken", "x-xsrf-token", "x-wp-nonce", "jenkins-crumb", "x-anti-forgery-token")
_IDENTIFYING = frozenset(name.encode() for name in ("cookie", *CREDENTIALS))
SIGNED = re.compile(r"[?&](X-Amz-Signature|Signature|sig|X-Goog-Signature|hmac|token|hdnts|hdnea)=", re.IGNORECASE)
"""a link that carries its own permission"""
KEYED = re.compile(
    r"[?&](api[_-]?key|apikey|key|access[_-]?token|auth(_token)?|subscription-key|code)=[^&]{8,}", re.IGNORECASE
)

IN_BODY = re.compile(
    r"""(?:^|[&{,\s"'])(?:pass(?:word|wd|phrase|code)?|pwd|client_secret|client_assertion|refresh_token|otp|totp"""
    r"""|api_?key|id_token|assertion|(?:2fa|mfa|otp|verification)_?code)["']?\s*[=:]\s*["']?[^"'&\s]""",
    re.IGNORECASE,
)
"""what a form or JSON carries to prove who asks"""
LOGS_IN = re.compile(
    r"/([\w.-]*(log-?in|logon|sign-?in|oauth2?|otp|2fa|mfa)[\w.-]*|(api-)?auth(enticat\w+|ori[sz]e)?|tokens?|sessions?|verify|refresh)(/|\?|$)",
    re.IGNORECASE,
)
"""paths at which such a body is an attempt to log in, and no new user"""


def fields_of(message: Message) -> dict[str, str]:
    """First value of each field by its name in lower case: for those who look for many names."""
    found: dict[str, str] = {}
    for name, value in message.headers:
        found.setdefault(name.decode("latin-1").lower(), text(value))
    return found


def identified(request: Request) -> str | None:
    """Where it carries what tells who asks, or what says that it may; credentials before cookies."""
    carried = {name.lower() for name, value in request.headers if value} & _IDENTIFYING
    if carried:
        return f"request header {min(carried, key=lambda n: (n == b'cookie', n)).decode()}"
    return "request target" if SIGNED.search(request.target) or KEYED.search(request.target) else None


def left_out(exchange: Exchange) -> bool:
    """Its source did not keep what would tell who asks: nothing follows from what is not there."""
    return exchange.request is None or len(exchange.request.headers) < 2 or SANITIZED in exchange.extra


def logs_in(request: Request, body: str) -> bool:
    """It tries to log in: what proves who asks stands in its body."""
    return request.method == "POST" and bool(LOGS_IN.search(request.target) and IN_BODY.search(body[:4000]))
