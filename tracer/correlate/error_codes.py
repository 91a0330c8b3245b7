"""Error codes: the identifiers that programs put into answers for other programs to read.

`RateLimitExceeded`, `rate_limit_exceeded`, `rate-limit-exceeded` and "Rate limit exceeded" are one code. What each
means is data (`codes` in `cues.toml`).
"""

from __future__ import annotations

import re
from functools import lru_cache

READ = 8_000
"""characters of a body in which codes are looked for: they stand at the beginning"""
SHORT = 80
"""characters: a body that is no longer may be a code itself"""
IN_JSON = re.compile(
    r'"(?:__type|type|title|name|reason|status|code|err|msg|message|detail|error(?:[_-]?(?:code|type|name|id|key|'
    r'message|description))?|err[_-]?(?:code|msg)|sub[_-]?code)"\s*:\s*"([^"\\]{3,80})"',
    re.IGNORECASE,
)
IN_XML = re.compile(
    r"<(?:[a-z]+:)?(?:code|error_?code|type|message|reason|faultcode)\b[^<>]{0,80}>([^<]{3,80})<", re.IGNORECASE
)
IN_CHALLENGE = re.compile(r'\berror="?([\w. -]{3,60})', re.IGNORECASE)
"""RFC 6750 section 3: the attribute `error` of a challenge; some write words there"""
_SUFFIX = re.compile(r"(?:exception|error|fault)+$")
_SIGNS = re.compile(r"[\W_]+")


@lru_cache(64)  # asked more than once of every denial, and many have the same body
def codes_in(body: str) -> tuple[str, ...]:
    """What may be a code in a decoded body, as it is written there."""
    text = body[:READ]
    alone = text.strip().strip('"') if len(text) <= SHORT else ""
    in_json = IN_JSON.findall(text) if '"' in text else ()
    in_xml = IN_XML.findall(text) if "</" in text else ()
    return *((alone,) if alone else ()), *in_json, *in_xml


@lru_cache(4096)
def plain(raw: str) -> tuple[str, ...]:
    """The forms in which a code may be known, without what differs between the ways to write it.

    The whole, and its last part: codes come with a namespace (`com.amazonaws#X`, `System.X`, `urn:…:x`, a URI).
    """
    whole = raw.strip()
    head, sep, rest = whole.partition("://")
    if sep:  # a problem type (RFC 9457) is a URI; AWS appends one
        whole = rest.rstrip("/") if head.lower() in ("http", "https") else head.rpartition(":")[0]
    last = re.split(r"[#/:.,]", whole)[-1]
    known = (_SUFFIX.sub("", _SIGNS.sub("", part.lower())) for part in dict.fromkeys((whole, last)))
    return tuple(part for part in known if part)


def kebab(raw: str) -> str:
    """The code as a detail is written: lower case, words apart."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", re.split(r"[#/:.,]", raw.strip().rstrip("/"))[-1])
    return _SIGNS.sub("-", parted.lower()).strip("-")[:60]
