"""What a search begins with: the request, what the judge thinks, what the trace and the user offer."""

from __future__ import annotations

from typing import Any

import msgspec

from tracer.model.http import Exchange
from tracer.model.verdict import Cause, Verdict
from tracer.redact import Redactor

from . import offers, parts
from .asked import Ask
from .change import Change
from .credentials import credentials
from .search import Search, ordered
from .tls_side import Trust


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A denied request."""

    exchange: str
    """its id, or that of the handshake that was refused"""
    ask: Ask
    verdict: Verdict | None = None
    trust: Trust = Trust()
    """the client certificate that may be shown, and whom to trust"""
    extra: tuple[Change, ...] = ()
    """what the user offers"""
    greeting: str = ""
    """JA4 of the ClientHello that was recorded"""
    narrow: bool = False
    """look for the part of a forbidden value too"""
    elsewhere: bool = False
    """it goes to another place than it was recorded for: nothing recorded is added to it"""


class NotDeniedError(ValueError):
    """There is no denial to search for the cause of; the text says so."""


def subject_of(
    trace: Any,
    name: str,
    exchange: Exchange | None,
    ask: Ask,
    trust: Trust | None = None,
    extra: tuple[Change, ...] = (),
    elsewhere: bool = False,
) -> Subject:
    """The denied request of this id, with what the judge and its handshake tell. Raises NotDeniedError."""
    verdict = next((v for v in trace.verdicts() if v.exchange == name or name in v.seen_at), None)
    response = exchange.response if exchange is not None else None
    if verdict is None and response is not None and response.status < 400:
        raise NotDeniedError(f"{name} was not denied: its answer is {response.status}")
    handshake = trace.handshake(exchange.tls) if exchange is not None and exchange.tls else None
    return Subject(
        exchange=name,
        greeting=(handshake.ja4 or "") if handshake is not None else "",
        ask=ask,
        verdict=verdict,
        trust=trust or Trust(),
        extra=extra,
        elsewhere=elsewhere,
    )


def search_of(subject: Subject, trace: Any, exchange: Exchange | None, redactor: Redactor) -> Search:
    """The search for what is forbidden or missing in it."""
    ask = subject.ask
    found = [
        *parts.groups(ask, redactor),
        *offers.given(ask, subject.trust.certificate, subject.extra),
        *offers.ordinary(ask),
    ]
    names: list[bytes] = []
    if exchange is not None and not subject.elsewhere:
        found += [g for p in offers.passing(trace, exchange, ask) if (g := offers.lacking(ask, p)) is not None]
        names = offers.hosts(trace, exchange, ask) + _certificate_names(trace, exchange)
    found += offers.other_hosts(ask, names, credentials(ask, redactor))
    cause = subject.verdict.cause if subject.verdict else Cause.UNKNOWN
    return Search(ordered(found, cause), [*parts.segments(ask)], subject.narrow)


def _certificate_names(trace: Any, exchange: Exchange) -> list[bytes]:
    """Names that the server's certificate holds, without patterns."""
    handshake = trace.handshake(exchange.tls) if exchange.tls else None
    leaf = handshake.server_certs[0] if handshake is not None and handshake.server_certs else None
    names = [n[4:] for n in leaf.names if n.startswith("DNS:") and "*" not in n] if leaf else []
    return [n.encode("latin-1", "replace") for n in names[:2]]
