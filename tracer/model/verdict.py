"""The answer: who said no, why, how sure, on what evidence, what next."""

from __future__ import annotations

import enum

import msgspec


class Layer(enum.StrEnum):
    """Where a denial can come from, in the order a request meets them."""

    CLIENT = "client"
    FORWARD_PROXY = "forward-proxy"
    CDN = "cdn"
    WAF = "waf"
    GATEWAY = "gateway"
    ORIGIN = "origin"
    APP = "app"
    UNKNOWN = "unknown"


class Cause(enum.StrEnum):
    """What is wrong."""

    CREDENTIALS_MISSING = "credentials-missing"
    CREDENTIALS_INVALID = "credentials-invalid"
    CREDENTIALS_EXPIRED = "credentials-expired"
    SIGNATURE_MISMATCH = "signature-mismatch"
    CLOCK_SKEW = "clock-skew"
    CLIENT_CERT_MISSING = "client-cert-missing"
    CLIENT_CERT_REJECTED = "client-cert-rejected"
    CREDENTIALS_LOST_IN_REDIRECT = "credentials-lost-in-redirect"
    CSRF_FAILED = "csrf-failed"
    INSUFFICIENT_SCOPE = "insufficient-scope"
    NOT_OWNER = "not-owner"
    RESOURCE_POLICY = "resource-policy"
    OBJECT_HIDDEN = "object-hidden"
    ACCOUNT_RESTRICTED = "account-restricted"
    PLAN_OR_SUBSCRIPTION = "plan-or-subscription"
    QUOTA_EXCEEDED = "quota-exceeded"
    RATE_LIMITED = "rate-limited"
    IP_DENIED = "ip-denied"
    GEO_DENIED = "geo-denied"
    CLIENT_DENIED = "client-denied"
    BOT_CHALLENGE = "bot-challenge"
    HOST_DENIED = "host-denied"
    REFERER_DENIED = "referer-denied"
    CORS_DENIED = "cors-denied"
    DESTINATION_DENIED = "destination-denied"
    WAF_RULE = "waf-rule"
    METHOD_DENIED = "method-denied"
    REQUEST_REJECTED = "request-rejected"
    PATH_DENIED = "path-denied"
    TLS_REQUIRED = "tls-required"
    DIRECTORY_INDEX = "directory-index"
    FILE_PERMISSIONS = "file-permissions"
    CONFIG_ERROR = "config-error"
    MAINTENANCE = "maintenance"
    STALE_DENIAL = "stale-denial"
    INTERCEPTION = "interception"
    UNKNOWN = "unknown"


class Said(enum.StrEnum):
    """What a hop did with the answer."""

    GENERATED = "generated"
    FORWARDED = "forwarded"
    PRESENT = "present"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The place in the trace that a piece of evidence quotes."""

    exchange: str | None = None
    """id of an exchange, handshake or connection"""
    where: str = ""
    """`response header via`, `response body`, `request target`, `tls alert`, `timing`, `log access.log:12`"""
    value: str = ""
    """what stood there, shortened, secrets redacted"""
    packet: int | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One observed fact and what it says for or against."""

    id: str
    """`v3`, unique within its verdict"""
    says: str
    """a sentence a person understands"""
    supports: str
    """`generated:waf`, `forwarded:cdn`, `present:gateway`, `cause:waf-rule`, `against:origin`;
    `role:waf`: the program that answered did so in this role"""
    weight: float
    """natural logarithm of the likelihood ratio; negative counts against"""
    seen: Seen = Seen()
    reference: str = ""
    """RFC section or the maker's documentation"""
    product: str | None = None
    kind: str = ""
    """which rule found it: `marks`, `standards`, `timing`, `contrast`, …"""


def asked(verdict: Verdict, limit: int = 2000) -> str:
    """What was asked for, as one line: method and URL, or what is known instead."""
    method = verdict.method or ("TLS handshake" if verdict.status is None else "")
    url = (verdict.url or "")[:limit]
    return f"{method} {url}".strip() if url else method or "(the request was not captured)"


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """The hop that decided."""

    name: str | None = None
    address: str | None = None
    """listening address as far as the capture shows it"""


class PathEntry(msgspec.Struct, frozen=True, kw_only=True):
    layer: Layer
    product: str | None = None
    address: str | None = None
    said: Said = Said.PRESENT
    evidence: tuple[str, ...] = ()
    """ids of the evidence"""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    layer: Layer
    product: str | None = None
    cause: Cause = Cause.UNKNOWN
    confidence: float = 0.0


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the chain that led to a denial, and what happened to credentials, method and body on the way."""

    first: str
    """id of the exchange that led on"""
    then: str
    """id of the exchange that followed"""
    kind: str
    """`redirect`, `refresh`, `script`, `authenticate`, `retry`, `preflight`, `tunnel`"""
    lost: tuple[str, ...] = ()
    """in words: `Authorization: another host`, `cookie session: it is Secure, the request is not`"""
    gained: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """`https to http`, `seen before: a loop`"""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One denial as its client saw it, and who said it."""

    source: str
    exchange: str
    """id of the exchange, or of the handshake when that was refused"""
    method: str | None = None
    url: str | None = None
    status: int | None = None
    original_status: int | None = None
    time_ns: int | None = None
    """start of the response"""
    layer: Layer = Layer.UNKNOWN
    product: str | None = None
    cause: Cause = Cause.UNKNOWN
    cause_detail: str | None = None
    confidence: float = 0.0
    """probability that `layer` is right"""
    cause_confidence: float = 0.0
    hop: Hop = Hop()
    alternatives: tuple[Alternative, ...] = ()
    path: tuple[PathEntry, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    chain: tuple[str, ...] = ()
    """ids of the exchanges that led here, this one last"""
    links: tuple[Link, ...] = ()
    """how each exchange of the chain led to the next one"""
    seen_at: tuple[str, ...] = ()
    """ids of deeper copies of the same denial"""
    headline: str = ""
    next_steps: tuple[str, ...] = ()
    story: str | None = None
    """id of the group of denials with one cause that it belongs to"""
