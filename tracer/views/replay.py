"""A request that was sent again: what was changed, what came of it, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.formats import json_values as values
from tracer.model.http import Exchange
from tracer.model.http import text as as_text
from tracer.redact import Redactor
from tracer.replay.again import Again, Prepared
from tracer.replay.change import Change, Kind
from tracer.replay.compare import Difference
from tracer.replay.door import Answer

from .safe import safe
from .style import Style
from .words import duration, wrap

_VALUE = 70
_LIMIT = 64 << 20


def replay_lines(
    recorded: Exchange | None, again: Again, shown: Any, redactor: Redactor | None, style: Style, width: int
) -> Iterator[str]:
    """Lines for a terminal; `shown` is the new trace as it may be shown, `redactor` None keeps secrets."""
    ask, answer = again.prepared.ask, again.answer
    target = _clean_url(as_text(ask.target), redactor)
    yield style.bold(f"{safe(as_text(ask.method), 40)} {safe(ask.place.origin + target, 200)}") + (
        f"  {ask.version}" + style.dim(f"  to {safe(_where(again), 80)}")
    )
    if again.prepared.kept_back:
        yield from wrap(kept_back(again.prepared), width, "  ", "  ")
    yield ""
    yield f"  recorded  {_outcome(recorded, None, style)}"
    new = shown.exchange(answer.exchange.id) if answer.exchange else None
    yield f"  now       {_outcome(new, answer, style)}"
    yield ""
    yield from _differences(again, redactor, style, width)
    if answer.exchange or answer.handshake:
        yield from _judged(shown, style, width)


def kept_back(prepared: Prepared) -> str:
    """What another host does not get."""
    names = ", ".join(dict.fromkeys(named(c) for c in prepared.kept_back))
    return safe(f"another host: without the recorded {names} (--send-credentials sends them)", 600)


def _where(again: Again) -> str:
    place = again.prepared.ask.place
    peer = again.answer.connection.server if again.answer.connection else place.proxy or place.address or place.name
    return f"{peer} (proxy)" if place.proxy else peer


def _outcome(exchange: Exchange | None, answer: Answer | None, style: Style) -> str:
    if exchange is not None and exchange.response is not None:
        r = exchange.response
        status = style.status(r.status, f"{r.status} {safe(r.reason, 60)}".rstrip())
        server = f", {safe(r.get('server') or '', 40)}" if r.get("server") else ""
        took = f", {duration(answer.took_ns)}" if answer and answer.took_ns else ""
        cut = f" ({safe(answer.error, 100)})" if answer and answer.error else ""
        return f"{status}  {safe(exchange.protocol)}{server}{took}{cut}"
    alert = (
        next((a for a in answer.handshake.alerts if not a.client and a.level == 2), None)
        if (answer and answer.handshake)
        else None
    )
    words = (
        f"TLS alert {alert.code} {alert.name}" if alert else answer.error if answer and answer.error else "no answer"
    )
    return style.paint(safe(words, 200), "red")


def _differences(again: Again, redactor: Redactor | None, style: Style, width: int) -> Iterator[str]:
    told = [d for d in again.differences if not d.expected]
    usual = len(again.differences) - len(told)
    if not told:
        yield "  The answers are the same." if again.answer.exchange else "  There is nothing to compare."
    for d in told:
        before, after = (clean(d.what, v, redactor) for v in (d.before, d.after))
        yield from wrap(
            f"{_quoted(before)} {style.sign('arrow')} {_quoted(after)}", width, " " * 12, f"  {safe(d.what, 60):<9} "
        )
    if any(d.what == "body" for d in told):
        for line in again.lines:
            words = redactor.prose(line) if redactor else line
            painted = "green" if line.startswith("+") else "red"
            yield "    " + style.paint(safe(words, width - 6), painted)
    if usual:
        names = ", ".join(safe(d.what.removeprefix("header "), 30) for d in again.differences if d.expected)
        yield from wrap(f"({names} differ between any two answers)", width, "  ", "  ")
    yield ""


def clean(what: str, value: str | None, redactor: Redactor | None) -> str | None:
    """A header's value (or other text) with secrets replaced."""
    if value is None or redactor is None:
        return value
    if what.startswith("header "):
        ((_, data),) = redactor.headers(((what[7:].encode(), value.encode("utf-8", "replace")),))
        return as_text(data)
    return redactor.prose(value)


def _quoted(value: str | None) -> str:
    return "(not there)" if value is None else safe(value, _VALUE) or "(empty)"


def _clean_url(target: str, redactor: Redactor | None) -> str:
    return redactor.url(target) if redactor else target


def _judged(shown: Any, style: Style, width: int) -> Iterator[str]:
    """What the judge says of the new answer."""
    verdicts = list(shown.verdicts())
    if not verdicts:
        yield style.paint(style.sign("yes"), "green") + " The new answer is no denial."
    for v in verdicts:
        sure = f"  [{round(v.confidence * 100)} %]"
        lines = wrap(safe(v.headline, 600) + sure, width, "  ", "")
        yield f"{style.paint(style.sign('no'), 'red')} {lines[0]}"
        yield from lines[1:]
        if v.next_steps:
            yield from wrap(f"next: {safe(v.next_steps[0], 400)}", width, "    ", "  ")


def named(change: Change) -> str:
    """`Authorization`, `cookie sid`, `parameter token`, …"""
    words = {
        Kind.COOKIE: "cookie ",
        Kind.QUERY: "parameter ",
        Kind.FORM: "form field ",
        Kind.JSON: "JSON member ",
        Kind.PART: "form part ",
    }
    return {Kind.BODY: "body"}.get(change.kind) or words.get(change.kind, "") + change.name


def replay_value(recorded: Exchange | None, again: Again, shown: Any, redactor: Redactor | None) -> dict[str, Any]:
    """The document of `replay --json`."""
    ask, answer = again.prepared.ask, again.answer
    new = shown.exchange(answer.exchange.id) if answer.exchange else None
    tls = shown.handshake(answer.handshake.id) if answer.handshake else None
    verdict = next(shown.verdicts(), None)
    return {
        "request": {
            "method": as_text(ask.method),
            "url": ask.place.origin + _clean_url(as_text(ask.target), redactor),
            "protocol": ask.version,
            "to": _where(again),
            "kept_back": list(dict.fromkeys(named(c) for c in again.prepared.kept_back)),
        },
        "recorded": {"exchange": recorded.id, "status": recorded.response.status if recorded.response else None}
        if recorded
        else None,
        "answer": {
            "status": answer.status,
            "error": answer.error or None,
            "took_ns": answer.took_ns or None,
            "exchange": values.exchange_value(shown, new, _LIMIT) if new else None,
            "tls": values.handshake_value(tls) if tls else None,
        },
        "same": not [d for d in again.differences if not d.expected],
        "differences": [_difference_value(d, redactor) for d in again.differences],
        "verdict": values.verdict_value(verdict) if verdict else None,
    }


def _difference_value(d: Difference, redactor: Redactor | None) -> dict[str, Any]:
    return {
        "what": d.what,
        "before": clean(d.what, d.before, redactor),
        "after": clean(d.what, d.after, redactor),
        "expected": d.expected,
    }
