"""Who gets the recorded credentials: the host they were sent to, and nobody else without being told so."""

from __future__ import annotations

from tracer.redact import Redactor

from .asked import Ask
from .change import Change, Kind, split_cookies, split_target

MARK = b"[redacted:"
SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""RFC 9110 section 9.2.1. PUT and DELETE are idempotent, but they change what is there when they get through"""


def is_secret_header(redactor: Redactor, name: bytes, value: bytes) -> bool:
    """Redaction would hide it."""
    ((_, clean),) = redactor.headers(((name, value),))
    return clean != value


def credentials(ask: Ask, redactor: Redactor) -> list[Change]:
    """The changes that leave out everything that redaction calls secret: fields, cookies, parameters, the body."""
    changes = []
    for at, field in enumerate(ask.fields):
        name = field.name.decode("latin-1")
        if field.name.lower() == b"cookie":
            for n, pair in enumerate(split_cookies(field.value)):
                cookie = pair.partition(b"=")[0].decode("utf-8", "replace")
                changes.append(Change(kind=Kind.COOKIE, name=cookie, at=(at, n), was=pair))
        elif field.name.lower() != b"host" and is_secret_header(redactor, field.name, field.value):
            changes.append(Change(kind=Kind.HEADER, name=name, at=(at,), was=field.value))
    query = split_target(ask.target)[2]
    for n, pair in enumerate(query.split(b"&") if query else ()):
        shown = "http://x/?" + pair.decode("utf-8", "replace")
        if redactor.url(shown) != shown:
            parameter = pair.partition(b"=")[0].decode("utf-8", "replace")
            changes.append(Change(kind=Kind.QUERY, name=parameter, at=(n,), was=pair))
    if ask.body and redactor.prose(text := ask.body[:65536].decode("utf-8", "replace")) != text:
        changes.append(Change(kind=Kind.BODY))
    return changes


def redaction_marks(ask: Ask) -> list[str]:
    """Parts that are not what was sent: the source was redacted before."""
    found = [f.name.decode("latin-1") for f in ask.fields if MARK in f.value]
    found += ["the target"] if MARK in ask.target or b"%5Bredacted" in ask.target else []
    return found + (["the body"] if MARK in ask.body else [])
