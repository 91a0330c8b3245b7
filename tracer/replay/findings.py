"""What was found, as a cause of the vocabulary and in one sentence."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Callable

import msgspec

from tracer.model.verdict import Cause, Verdict

from .change import Change, Kind
from .outcome import Result
from .parts import looks_like_attack
from .search import Conclusion, Finding
from .subject import Subject

Clean = Callable[[Change, bytes], str]
"""a value of a change as it may be shown"""
_VALUE = 60


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The conclusion for people and for scripts."""

    sentence: str
    cause: Cause | None = None
    """None: the search says nothing about it"""
    cause_detail: str | None = None
    """`parameter-q`, `header-referer`, `tls-fingerprint`"""
    element: str | None = None
    """`query q`, `header referer`, `path /private/`; None when nothing was found"""


_CAUSES: dict[Kind, Cause] = {
    Kind.QUERY: Cause.WAF_RULE,
    Kind.FORM: Cause.WAF_RULE,
    Kind.PART: Cause.WAF_RULE,
    Kind.JSON: Cause.WAF_RULE,
    Kind.BODY: Cause.WAF_RULE,
    Kind.METHOD: Cause.METHOD_DENIED,
    Kind.PATH: Cause.PATH_DENIED,
    Kind.HOST: Cause.HOST_DENIED,
    Kind.VERSION: Cause.CLIENT_DENIED,
    Kind.TLS: Cause.CLIENT_DENIED,
    Kind.CERTIFICATE: Cause.CLIENT_CERT_MISSING,
}
_REFINED: dict[Kind, frozenset[Cause]] = {
    Kind.QUERY: frozenset(
        (Cause.SIGNATURE_MISMATCH, Cause.CREDENTIALS_EXPIRED, Cause.CREDENTIALS_INVALID, Cause.REQUEST_REJECTED)
    ),
    Kind.PATH: frozenset(
        (
            Cause.FILE_PERMISSIONS,
            Cause.DIRECTORY_INDEX,
            Cause.OBJECT_HIDDEN,
            Cause.RESOURCE_POLICY,
            Cause.INSUFFICIENT_SCOPE,
            Cause.NOT_OWNER,
            Cause.PLAN_OR_SUBSCRIPTION,
            Cause.TLS_REQUIRED,
            Cause.MAINTENANCE,
            Cause.IP_DENIED,
            Cause.QUOTA_EXCEEDED,
        )
    ),
    Kind.METHOD: frozenset((Cause.CORS_DENIED, Cause.INSUFFICIENT_SCOPE, Cause.CSRF_FAILED)),
    Kind.CERTIFICATE: frozenset((Cause.CLIENT_CERT_REJECTED,)),
    Kind.COOKIE: frozenset((Cause.CREDENTIALS_EXPIRED, Cause.CREDENTIALS_INVALID, Cause.BOT_CHALLENGE)),
    Kind.FORM: frozenset((Cause.CSRF_FAILED, Cause.REQUEST_REJECTED, Cause.NOT_OWNER)),
    Kind.PART: frozenset((Cause.CSRF_FAILED, Cause.REQUEST_REJECTED, Cause.NOT_OWNER)),
    Kind.JSON: frozenset((Cause.CSRF_FAILED, Cause.REQUEST_REJECTED, Cause.NOT_OWNER)),
}
"""causes of the verdict that such an element agrees with and makes no more doubtful"""
_RULES = {
    Cause.WAF_RULE: "a WAF rule on {element}",
    Cause.CLIENT_DENIED: "{element} is not welcome",
    Cause.REFERER_DENIED: "a rule on the Referer",
    Cause.CORS_DENIED: "the cross-origin request is refused",
    Cause.METHOD_DENIED: "{element} is not allowed here",
    Cause.HOST_DENIED: "the Host is not served here",
    Cause.PATH_DENIED: "a rule on {element}",
    Cause.CLIENT_CERT_MISSING: "the server wants a client certificate",
    Cause.CLIENT_CERT_REJECTED: "the certificate that was shown is not accepted",
    Cause.CREDENTIALS_MISSING: "{element} is missing",
    Cause.CREDENTIALS_EXPIRED: "{element} is out of date",
    Cause.CREDENTIALS_INVALID: "{element} is not accepted",
    Cause.CSRF_FAILED: "the CSRF check wants {element}",
    Cause.REQUEST_REJECTED: "{element} is not accepted",
    Cause.SIGNATURE_MISMATCH: "the signature does not fit",
}


def tell(finding: Finding, subject: Subject, clean: Clean) -> Told:
    """The sentence, the cause and the element."""
    ask, verdict = subject.ask, subject.verdict
    if finding.conclusion is Conclusion.FOUND:
        return _found(finding, verdict, clean)
    denied = finding.denied
    cause: Cause | None = None
    if finding.conclusion is Conclusion.NOT_REPRODUCED:
        words = (
            f"the same request passes now ({finding.passed}): what denied it was not in the request alone, but the "
            "moment, the address it came from, or how its client speaks TLS"
        )
        if subject.greeting and finding.passed.greeting not in ("", subject.greeting):
            words += f" (JA4 {subject.greeting} then, {finding.passed.greeting} now)"
    elif finding.conclusion is Conclusion.UNSTABLE:
        replies = ", ".join(str(t.seen) for t in finding.tried if not t.experiment.changes)
        words = (
            f"the answers to one and the same request differ ({replies}): several servers, a cache or a limit decide, "
            "not the request"
        )
    elif finding.conclusion is Conclusion.STOPPED:
        words = f"stopped before anything was found: {finding.stopped}"
        cause = Cause.RATE_LIMITED if denied.status == 429 else cause
    elif finding.deduced:
        cause = finding.deduced
        words = (
            f"nothing in the request turns the {denied} into a pass; without its credentials it becomes a 401, so the "
            "caller is known and lacks the permission"
        )
    else:
        words = f"nothing in the request turns the {denied} into anything else: {_remains(finding)}"
    if (
        finding.conclusion in (Conclusion.NOTHING, Conclusion.STOPPED)
        and denied.wants_certificate
        and not ask.certificate
    ):
        words += "; the server asks for a client certificate and none was shown: try --cert and --key"
        cause = Cause.CLIENT_CERT_MISSING if denied.refused else cause
    return Told(sentence=_capital(words) + ".", cause=cause)


def _remains(finding: Finding) -> str:
    others = {str(t.seen): t.experiment.about for t in finding.tried if t.result is Result.OTHER}
    seen = "; ".join(f"{about} gives {said}" for said, about in [*others.items()][:3])
    return "the resource, the caller or the address it comes from decide" + (f" ({seen})" if seen else "")


def _found(finding: Finding, verdict: Verdict | None, clean: Clean) -> Told:
    changes = [c for c in finding.changes if not _is_companion(c, finding.changes)]
    first = changes[0]
    too_large = finding.denied.status in _TOO_LARGE and first.kind not in _UNNAMED
    cause = Cause.REQUEST_REJECTED if too_large else _cause(first, verdict)
    parts = [_words(c, clean) for c in changes]
    through = "it passes" if (finding.passed.status or 0) < 400 else "it gets past the denial"
    element = " and ".join(dict.fromkeys(element_of(c) for c in changes))
    spoken = " and ".join(dict.fromkeys(_spoken(c) for c in changes))
    rule = ("{element} is too large" if too_large else _rule(cause, first)).format(element=spoken)
    until = _expiry(first.was) if cause is Cause.CREDENTIALS_EXPIRED else None
    if until:
        rule += f" (it ended {until})"
    if finding.group.startswith("passing "):
        rule += f", as {finding.group[8:]} had it"
    words = f"{_joined(parts)} {through} ({finding.passed}): {rule}"
    if finding.enough:
        words += f"; `{clean(first, finding.enough)[:_VALUE]}` alone is denied"
    if not finding.confirmed:
        words += "; not confirmed" + (f": {finding.stopped}" if finding.stopped else "")
    elif not finding.minimal:
        words += f"; perhaps less would do, {finding.stopped}"
    return Told(sentence=_capital(words) + ".", cause=cause, cause_detail=_detail(first), element=element)


def _rule(cause: Cause, change: Change) -> str:
    """What the finding means, with a place for the element."""
    if cause is Cause.REQUEST_REJECTED and not change.at:
        return "{element} is missing"
    if cause is Cause.REQUEST_REJECTED and change.value is None:
        return "{element} is not wanted here"
    if change.kind is Kind.HEADER and change.name.lower() in _OVERRIDES:
        return "the method that {element} asks for is not allowed here"
    return _RULES.get(cause, "{element} decides")


def _is_companion(change: Change, changes: tuple[Change, ...]) -> bool:
    """Goes along with another change and says nothing by itself: a body that GET has not, credentials left behind."""
    kinds = {c.kind for c in changes}
    if Kind.HOST in kinds:
        return change.kind is not Kind.HOST
    return Kind.METHOD in kinds and (
        change.kind is Kind.BODY or (change.kind is Kind.HEADER and change.name.lower() == "content-type")
    )


def _cause(change: Change, verdict: Verdict | None) -> Cause:
    if change.kind in (Kind.HEADER, Kind.COOKIE):
        return _named_cause(change, verdict)
    said = verdict.cause if verdict else Cause.UNKNOWN
    if said in _REFINED.get(change.kind, ()) and not looks_like_attack(change.was):
        return said
    return _CAUSES[change.kind]


def _named_cause(change: Change, verdict: Verdict | None) -> Cause:
    """Of a header field or cookie."""
    name = change.name.lower()
    secret = change.kind is Kind.COOKIE or bool(_SECRET.search(name))
    if re.search(r"csrf|xsrf|verification-?token", name):
        return Cause.CSRF_FAILED
    if name in _BY_HEADER and change.kind is Kind.HEADER:
        if name in ("user-agent",) and looks_like_attack(re.sub(rb"[();]", b"", change.was)):
            return Cause.WAF_RULE
        if name in ("referer", "origin") and verdict and verdict.cause is Cause.CSRF_FAILED:
            return Cause.CSRF_FAILED
        return _BY_HEADER[name]
    if not secret:
        return Cause.WAF_RULE if change.was and looks_like_attack(change.was) else Cause.REQUEST_REJECTED
    if not change.was:
        return Cause.CREDENTIALS_MISSING
    if _expiry(change.was):
        return Cause.CREDENTIALS_EXPIRED
    if change.value is None and change.kind is Kind.COOKIE and looks_like_attack(change.was.partition(b"=")[2]):
        return Cause.WAF_RULE
    said = verdict.cause if verdict else Cause.UNKNOWN
    return said if said in _REFINED[Kind.COOKIE] else Cause.CREDENTIALS_INVALID


_SECRET = re.compile(r"auth|token|key|secret|session|credential|signature|jwt", re.IGNORECASE)
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_BY_HEADER = {
    **dict.fromkeys(_OVERRIDES, Cause.METHOD_DENIED),
    "user-agent": Cause.CLIENT_DENIED,
    "referer": Cause.REFERER_DENIED,
    "origin": Cause.CORS_DENIED,
    "content-type": Cause.METHOD_DENIED,
    "x-forwarded-for": Cause.IP_DENIED,
    "x-real-ip": Cause.IP_DENIED,
    "forwarded": Cause.IP_DENIED,
    "x-requested-with": Cause.CSRF_FAILED,
    "host": Cause.HOST_DENIED,
}


def element_of(change: Change) -> str:
    """`query q`, `header referer`, `path /private/`, `method DELETE`: for scripts."""
    if change.kind is Kind.METHOD:
        return f"method {change.was.decode('latin-1')}"
    if change.kind in (Kind.VERSION, Kind.TLS):
        return f"{change.kind} {change.was.decode('latin-1')}"
    if change.kind is Kind.HOST:
        return f"host {change.was.decode('latin-1')}"
    if change.kind is Kind.HEADER:
        return f"header {change.name.lower()}"
    return f"{change.kind} {_name(change)}".strip() if change.kind is not Kind.CERTIFICATE else "certificate"


def _detail(change: Change) -> str:
    kind = {Kind.QUERY: "parameter", Kind.TLS: "tls-fingerprint", Kind.VERSION: "http-version"}.get(
        change.kind, change.kind
    )
    name = re.sub(r"[^a-z0-9]+", "-", change.name.lower()).strip("-") if change.kind not in _UNNAMED else ""
    return f"{kind}-{name}"[:60].strip("-")


_UNNAMED = frozenset((Kind.TLS, Kind.VERSION, Kind.CERTIFICATE, Kind.HOST, Kind.METHOD))
_TOO_LARGE = frozenset((413, 414, 431))
"""RFC 9110 sections 15.5.14 and 15.5.15, RFC 6585 section 5: the size is what is refused, whatever is in it"""


def _spoken(change: Change) -> str:
    """The element, in the middle of a sentence."""
    name = _name(change)
    words = {
        Kind.QUERY: f"parameter {name}",
        Kind.FORM: f"form field {name}",
        Kind.PART: f"form part {name}",
        Kind.JSON: f"JSON member {name}",
        Kind.BODY: "the body",
        Kind.COOKIE: f"the cookie {name}",
        Kind.METHOD: f"the method {change.was.decode('latin-1')}",
        Kind.PATH: f"the path {change.name}" if not change.name.startswith(".") else f"the ending {change.name}",
        Kind.VERSION: change.was.decode("latin-1"),
        Kind.TLS: "the TLS fingerprint of the client",
        Kind.HOST: "the Host",
        Kind.CERTIFICATE: "a client certificate",
    }
    if change.kind is Kind.HEADER:
        return "this User-Agent" if change.name.lower() == "user-agent" and change.was else f"the header {change.name}"
    return words[change.kind]


def _words(change: Change, clean: Clean) -> str:
    """`without q=…`, `with another User-Agent`, `with GET instead of DELETE`."""
    was, value = clean(change, change.was)[:_VALUE], clean(change, change.value or b"")[:_VALUE]
    if change.kind is Kind.CERTIFICATE:
        return f"with the client certificate {change.name}"
    if change.kind is Kind.PATH:
        other = "another ending than" if change.name.startswith(".") else "another path than"
        return f"with {other} `{change.name}`"
    if change.kind in (Kind.METHOD, Kind.VERSION, Kind.HOST):
        what = "the Host " if change.kind is Kind.HOST else ""
        return f"with {what}{value} instead of {was}"
    if change.kind is Kind.TLS:
        return f"with another TLS fingerprint ({change.name})"
    if change.kind is Kind.BODY:
        return "without the body"
    if not change.at:
        return f"with `{_pair(change, value)}` added"
    if change.value is None and change.kind is Kind.COOKIE:
        return f"without the cookie {_name(change)}"
    if change.value is None:
        return f"without `{was if change.kind in _PAIRS else _pair(change, was)}`"
    if change.name.lower() == "user-agent":
        return f"with another User-Agent than `{was}`"
    if change.kind is Kind.COOKIE:
        return f"with another value of the cookie {_name(change)}"
    return f"with `{_pair(change, value)}` instead of `{was.rpartition('=')[2] if change.kind in _PAIRS else was}`"


_PAIRS = frozenset((Kind.QUERY, Kind.FORM, Kind.COOKIE))


def _pair(change: Change, value: str) -> str:
    name = _name(change)
    return f"{name}: {value}" if change.kind in (Kind.HEADER, Kind.JSON, Kind.PART) else f"{name}={value}"


def _name(change: Change) -> str:
    """As it fits a sentence: of a body that is no form, everything may be the name."""
    return change.name if len(change.name) <= _VALUE else f"{change.name[: _VALUE - 1]}…"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _expiry(value: bytes) -> str | None:
    """When a JSON Web Token in the value ended (RFC 7519 section 4.1.4); None when it has not, or there is none."""
    found = re.search(rb"eyJ[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.", value)
    if not found:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(found[1] + b"=" * (-len(found[1]) % 4)))
        ended = dt.datetime.fromtimestamp(float(claims["exp"]), dt.UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
    return f"{ended:%Y-%m-%d %H:%M} UTC" if ended < dt.datetime.now(dt.UTC) else None
