"""Is it the proxy? One request asked twice at once: through a recording proxy as before, and without.

When the first is denied and the second is not, nothing but the proxy is between the two: its TLS greeting, its
protocol, the certificate that it does not have.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator

import msgspec

from tracer.model.http import Exchange
from tracer.model.tls import Handshake
from tracer.model.verdict import Cause, Evidence, Seen, Verdict
from tracer.replay.asked import Ask
from tracer.replay.browser_door import is_installed
from tracer.replay.door import Answer, Sender
from tracer.replay.outcome import Result, is_denied, judge, see
from tracer.replay.tls_side import Trust

DETAIL = "only-through-the-proxy"
_REPEATED, _RECORDED = 3.0, 1.0
"""weights, natural logarithms of likelihood ratios: of the pair, in which only the proxy differs, and of the denial
before it, which came through the proxy too"""


class Proved(enum.StrEnum):
    """What the pair says of the proxy."""

    YES = "yes"
    NO = "no"
    """denied either way"""
    GONE = "gone"
    """the denial does not come back through the proxy"""
    UNKNOWN = "unknown"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Both answers, and what they say."""

    through: Answer
    direct: Answer
    greeting: str
    """TLS fingerprint class of the direct one"""
    proved: Proved

    def __str__(self) -> str:
        through, direct = see(self.through), see(self.direct)
        words = {
            Proved.YES: "it is denied only because the proxy stands between",
            Proved.NO: "it is not the proxy"
            + ("" if self.greeting != "usual" else ", unless Python's TLS greeting is refused like the proxy's"),
            Proved.GONE: "the denial has not come back: nothing can be said of the proxy",
            Proved.UNKNOWN: "nothing can be said of the proxy",
        }
        return f"through a proxy {through}, without it {direct}: {words[self.proved]}"


def prove(ask: Ask, proxy: str, authority: str, direct: Sender) -> Proof:
    """Send both: through the recording proxy at that address, whose authority is in that file, and with `direct`.

    Raises TrustError.
    """
    via = msgspec.structs.replace(ask.place, proxy=proxy, tunnel=None, proxy_fields=())
    through = Sender(Trust(roots=authority), direct.timeout).send(msgspec.structs.replace(ask, place=via))
    direct.sent = 1  # ids of its answers differ from those of the first
    greeting, shown = greeting_of(ask), bool(direct.trust.certificate)
    answer = direct.send(msgspec.structs.replace(ask, tls=greeting, certificate=shown))
    return Proof(through=through, direct=answer, greeting=greeting, proved=_compared(through, answer))


def offered(client: Handshake | None) -> tuple[str, ...]:
    """What the recorded client offered in its handshake, as far as we speak it: the proxy offers the same onwards."""
    return tuple(a for a in client.alpn_offered if a in ("h2", "http/1.1")) if client else ()


def greeting_of(ask: Ask) -> str:
    """How the request's own client greets, as far as we can greet alike."""
    agent = ask.get(b"user-agent") or b""
    if ask.place.scheme == "https" and agent.startswith(b"Mozilla/") and is_installed():
        return "firefox" if b"Firefox/" in agent else "chrome" if b"Chrome/" in agent else "usual"
    return "usual"


def _compared(through: Answer, direct: Answer) -> Proved:
    denial = see(through)
    if not is_denied(denial):
        return Proved.GONE if denial.status is not None else Proved.UNKNOWN
    found = judge(see(direct), denial)
    if found in (Result.PASSED, Result.REACHED):
        return Proved.YES
    return Proved.NO if found is Result.DENIED else Proved.UNKNOWN


def proven(verdict: Verdict, recorded: Exchange, proof: Proof) -> Verdict:
    """The verdict on a recorded denial after a proof: who said no stays who said it, the cause is the proxy."""
    if proof.proved is not Proved.YES:
        return verdict
    evidence = list(_evidence(len(verdict.evidence) + 1, recorded, proof))
    sure = 1 / (1 + math.exp(-sum(e.weight for e in evidence)))
    return msgspec.structs.replace(
        verdict,
        cause=Cause.INTERCEPTION,
        cause_detail=DETAIL,
        cause_confidence=sure,
        evidence=(*verdict.evidence, *evidence),
        headline=f"{see(proof.through)} only through the proxy: sent without it, the same request gets "
        f"{see(proof.direct)}.",
        next_steps=(f"let the host through untouched: --pass {_host(recorded, verdict)}",),
    )


def _evidence(first: int, recorded: Exchange, proof: Proof) -> Iterator[Evidence]:
    told = (
        (f"repeated through a proxy and without it: {see(proof.through)}, then {see(proof.direct)}", _REPEATED),
        ("the denial was recorded through the proxy", _RECORDED),
    )
    for number, (says, weight) in enumerate(told, first):
        seen = Seen(exchange=recorded.id, where="repeated", value=str(see(proof.direct)))
        yield Evidence(id=f"v{number}", says=says, supports="cause:interception", weight=weight, seen=seen)


def _host(recorded: Exchange, verdict: Verdict) -> str:
    from tracer.store.coding import host_of

    return host_of((recorded.request.url if recorded.request else None) or verdict.url or "") or "HOST"
