"""What an answer says, as far as a search looks: is it the same denial, another one, or did the request get through?"""

from __future__ import annotations

import enum
import re

import msgspec

from tracer.correlate.denials import ALWAYS, refusal
from tracer.correlate.scene import from_cache
from tracer.http.body import decode
from tracer.model.http import Response, text

from .door import Answer

_WORD = re.compile(r"[A-Za-z]{3,}")
_VARIABLE = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F-]*")
_LOGIN = re.compile(r"log-?in|sign-?in|/auth|/sso|saml|oauth|authorize", re.IGNORECASE)
_CHALLENGE = re.compile(r"captcha|checking your browser|just a moment|are you (?:a )?human", re.IGNORECASE)
_BODY = 16384
ALIKE = 0.6
"""share of common words from which two pages count as the same"""


class Result(enum.StrEnum):
    DENIED = "denied"
    """as before"""
    OTHER = "other"
    """denied in another way: another status, or another page"""
    REACHED = "reached"
    """past the denial, to something that is not there: 404, 410, 422"""
    PASSED = "passed"
    LIMITED = "limited"
    """rate limiting or a challenge that was not there before"""
    BROKEN = "broken"
    """no answer, or an error of the server"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    status: int | None = None
    """None: no answer, or the TLS handshake was refused"""
    reason: str = ""
    server: str = ""
    words: frozenset[str] = frozenset()
    """of the page, without numbers"""
    location: str = ""
    retry_after: bool = False
    challenge: bool = False
    refused: str = ""
    """name of the alert with which the server refused the handshake; `closed` for one that said nothing"""
    error: str = ""
    own_fault: bool = False
    took_ns: int = 0
    wants_certificate: bool = False
    greeting: str = ""
    """JA4 of the ClientHello that was sent"""
    cached: bool = False
    """it comes out of a cache"""

    def __str__(self) -> str:
        if self.status is not None:
            return f"{self.status} {self.reason}".strip()
        return f"TLS refused: {self.refused}" if self.refused else self.error or "no answer"


def see(answer: Answer) -> Seen:
    """What a search needs of an answer."""
    response = answer.exchange.response if answer.exchange else None
    handshake = answer.handshake
    asked = bool(handshake and handshake.client_cert_requested)
    if response is None:
        said = refusal(handshake) if handshake else None
        silent = asked and handshake is not None and not handshake.client_cert_sent and not answer.own_fault
        return Seen(
            refused=said.name if said else "closed" if silent else "",
            error=answer.error,
            own_fault=answer.own_fault,
            wants_certificate=asked,
        )
    page = _page(response)
    return Seen(
        status=response.status,
        reason=response.reason,
        server=response.get("server") or "",
        words=frozenset(_WORD.findall(_VARIABLE.sub(" ", page))),
        location=response.get("location") or "",
        retry_after=response.get("retry-after") is not None,
        challenge=response.get("cf-mitigated") is not None or bool(_CHALLENGE.search(page)),
        took_ns=answer.took_ns,
        wants_certificate=asked,
        greeting=(handshake.ja4 or "") if handshake else "",
        cached=from_cache(response),
    )


def _page(response: Response) -> str:
    data = response.body.data or b""
    return text(decode(data, response.body.codings, _BODY).data) if data else ""


def is_denied(seen: Seen) -> bool:
    """An answer that a search can begin with."""
    return bool(seen.refused) or (seen.status is not None and 400 <= seen.status < 600)


def judge(seen: Seen, denial: Seen) -> Result:
    """The answer beside the denial that is searched."""
    if seen.status is None:
        if seen.refused:
            return Result.DENIED if denial.refused else Result.OTHER
        return Result.BROKEN
    if _is_limit(seen) and not _is_limit(denial):
        return Result.LIMITED
    if seen.status == denial.status:
        return Result.DENIED if alike(seen, denial) else Result.OTHER
    if _is_past(seen.status, denial):
        return Result.REACHED
    if seen.status < 400:
        return Result.OTHER if 300 <= seen.status < 400 and _LOGIN.search(seen.location) else Result.PASSED
    if seen.status in (404, 410, 422):
        return Result.REACHED
    if seen.status >= 500 and seen.status not in ALWAYS:
        return Result.BROKEN
    return Result.OTHER


def _is_past(status: int, denial: Seen) -> bool:
    """Whatever the server says now, it says it after what the denial was about: handshake, name, method."""
    return status >= 400 and (bool(denial.refused) or denial.status in (405, 421, 495, 496))


def _is_limit(seen: Seen) -> bool:
    return seen.status == 429 or seen.challenge or (seen.retry_after and (seen.status or 0) >= 400)


def alike(one: Seen, two: Seen) -> bool:
    """The same page of the same server, but for what varies."""
    if one.server != two.server:
        return False
    either = one.words | two.words
    return not either or len(one.words & two.words) / len(either) >= ALIKE
