"""`tracer replay --prove`: is a denial there only because the proxy stands between?"""

from __future__ import annotations

import sys
from typing import Any

from .program import Failure
from .reading import OK, PARTIAL, USAGE, redactor, shown
from .sending import confirm


def prove(
    trace: Any, recorded: Any, ask: Any, sending: Any, *, yes: bool, save: str | None, as_json: bool, no_redact: bool
) -> int:
    """Ask both ways, tell what that says of the proxy, and the verdict with it; the exit code."""
    import msgspec

    from tracer.live.proving import Proved, offered, proven
    from tracer.replay.credentials import SAFE_METHODS
    from tracer.replay.keeping import SOURCE, keep

    method = ask.method.decode("latin-1")
    if recorded is None or "mitm.proxy" not in recorded.extra:
        raise Failure("--prove is for an exchange that was recorded through the proxy", USAGE)
    if ask.method not in SAFE_METHODS:
        raise Failure(f"--prove repeats GET, HEAD and OPTIONS only; this is {method}", USAGE)
    client = trace.handshake(recorded.extra.get("mitm.client-tls.handshake", ""))
    ask = msgspec.structs.replace(ask, alpn=offered(client))
    confirm(f"{method} goes to {ask.place.origin} twice: through a proxy, then without it. Send it?", yes)
    proof = _proof(ask, sending)
    new = keep([proof.through, proof.direct])
    denied = proof.through.exchange.id if proof.through.exchange else ""
    before = new.verdict_on(denied) or (trace.verdict_on(recorded.id) if proof.proved is Proved.YES else None)
    if before is not None and denied:
        new.verdict(msgspec.structs.replace(proven(before, recorded, proof), exchange=denied, source=SOURCE))
    if save:
        from .replay import save_trace

        save_trace(new, save)
    clean = None if no_redact else redactor()
    told = _clean(str(proof), clean)
    safe_verdict = next((v for v in shown(new, no_redact).verdicts() if v.exchange == denied), None)
    (_document if as_json else _lines)(proof, told, safe_verdict)
    return PARTIAL if proof.proved is Proved.UNKNOWN else OK


def _proof(ask: Any, sending: Any) -> Any:
    from tracer.live.proving import prove
    from tracer.live.trust import authority, confdir

    from .proxying import recording

    trust = sending.trust
    given = {"save": None, "quiet": True, "authorities": (trust.roots,) if trust.roots else (), "cert": None}
    given |= {"insecure": trust.insecure, "passed": (), "settings": ()}
    with recording(given, [("--listen-host", "127.0.0.1"), ("--listen-port", "0")]) as proxy:
        return prove(ask, proxy.addresses[0], str(authority(confdir())), sending)


def _clean(words: str, clean: Any) -> str:
    from tracer.views.safe import safe

    return safe(clean.prose(words) if clean else words, 600)


def _lines(proof: Any, told: str, verdict: Any) -> None:
    from tracer.replay.outcome import see
    from tracer.views.safe import safe
    from tracer.views.words import wrap

    from .terminal import style, width

    for name, answer in (("through a proxy", proof.through), ("without it", proof.direct)):
        print(f"  {name:<16} {safe(str(see(answer)), 200)}")
    print()
    paint = style()
    proved = proof.proved == "yes"
    text = verdict.headline + f"  [{round(verdict.cause_confidence * 100)} %]" if proved and verdict else told
    sign = paint.sign("no") if proved else "·"
    for line in wrap(f"{sign} {safe(text, 600)}", width(), "  ", ""):
        print(line)
    if proved and verdict and verdict.next_steps:
        print(f"  next: {safe(verdict.next_steps[0], 400)}")
    sys.stdout.flush()


def _document(proof: Any, told: str, verdict: Any) -> None:
    import msgspec

    from tracer.formats.json_values import verdict_value

    value = {
        "proved": str(proof.proved),
        "says": told,
        "through": {"status": proof.through.status, "error": proof.through.error or None},
        "direct": {"status": proof.direct.status, "error": proof.direct.error or None, "greeting": proof.greeting},
        "verdict": verdict_value(verdict) if verdict else None,
    }
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.flush()
