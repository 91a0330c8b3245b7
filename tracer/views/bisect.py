"""What a search found: the sentence, the two commands that show it, what was tried."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from tracer.formats.curl_export import command
from tracer.formats.writing import Options
from tracer.model.http import Body, Exchange, Request
from tracer.model.http import text as as_text
from tracer.redact import Redactor
from tracer.replay.asked import Ask
from tracer.replay.browser_door import BROWSERS
from tracer.replay.change import Change, Kind, apply
from tracer.replay.findings import Told, tell
from tracer.replay.outcome import Seen
from tracer.replay.search import Conclusion, Experiment, Finding
from tracer.replay.subject import Subject
from tracer.replay.tls_side import CURL_WORDS, Trust

from .safe import safe, safe_block
from .style import Style
from .words import plural, wrap

_SHOWN = 12
"""experiments that are listed one by one"""


def cleaner(redactor: Redactor | None) -> Callable[[Change, bytes], str]:
    """Values of changes as they may be shown: decoded, without secrets."""

    def clean(change: Change, value: bytes) -> str:
        words = _clean(change, as_text(value), redactor) if redactor is not None and value else as_text(value)
        return safe(unquote_plus(words) if change.kind in (Kind.QUERY, Kind.FORM) else words, 200)

    return clean


def _clean(change: Change, words: str, redactor: Redactor) -> str:
    """Without secrets: a name tells whether its value is one."""
    name = change.name
    if change.kind is Kind.HEADER:
        ((_, data),) = redactor.headers(((name.encode("latin-1", "replace"), words.encode("utf-8", "replace")),))
        return as_text(data)
    if change.kind not in (Kind.COOKIE, Kind.QUERY, Kind.FORM):
        return redactor.prose(words)
    front = "" if words.startswith(f"{name}=") else f"{name}="
    if change.kind is Kind.COOKIE:
        ((_, data),) = redactor.headers(((b"Cookie", f"{front}{words}".encode("utf-8", "replace")),))
        return as_text(data).removeprefix(front)
    whole = redactor.url(f"http://x/?{front}{words}")
    return whole.removeprefix("http://x/?").removeprefix(front)


def experiment_line(number: int, experiment: Experiment, seen: Seen, style: Style) -> str:
    """`  7  without header X-Foo   403 Forbidden`"""
    status = style.status(seen.status, safe(str(seen), 60))
    return f"{number:>3}  {safe(_about(experiment), 52):<52}  {status}"


def _about(experiment: Experiment) -> str:
    names = list(dict.fromkeys(c.name or c.kind.value for c in experiment.changes))
    if not names:
        return experiment.about
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"{experiment.about}: {shown}"


def bisect_lines(
    subject: Subject, finding: Finding, redactor: Redactor | None, style: Style, width: int
) -> Iterator[str]:
    """Lines for a terminal."""
    told = tell(finding, subject, cleaner(redactor))
    good = finding.conclusion in (Conclusion.FOUND, Conclusion.NOT_REPRODUCED)
    sign = style.paint(style.sign("yes"), "green") if good else style.paint(style.sign("no"), "yellow")
    lines = wrap(safe(told.sentence, 2000), width - 2)
    yield f"{sign} {style.bold(lines[0])}"
    yield from (style.bold(f"  {line}") for line in lines[1:])
    yield ""
    yield from _cause(told, subject, style)
    yield f"  sent     {plural(len(finding.tried), 'request')}" + _surely(finding)
    if finding.conclusion is Conclusion.FOUND:
        asks = (("denied", subject.ask), ("passes", apply(subject.ask, finding.changes)))
        commands = [(label, curl(ask, subject, redactor)) for label, ask in asks]
        if any("[redacted:" in words for _, words in commands):
            yield style.dim("           secrets are marks in what follows; --no-redact prints them as they are")
        for label, words in commands:
            yield ""
            yield style.dim(f"# {label}")
            yield from safe_block(words).rstrip("\n").split("\n")


def _cause(told: Told, subject: Subject, style: Style) -> Iterator[str]:
    if told.cause is None:
        return
    yield f"  cause    {told.cause}" + (f" ({told.cause_detail})" if told.cause_detail else "")
    if subject.verdict is not None and subject.verdict.cause != told.cause:
        yield style.dim(f"           the capture alone said {subject.verdict.cause}")


def _surely(finding: Finding) -> str:
    if finding.conclusion is not Conclusion.FOUND:
        return ""
    sure = "denied and passed once more" if finding.confirmed else "not confirmed"
    return f"; {sure}, {'nothing of it can be left out' if finding.minimal else 'perhaps less would do'}"


def curl(ask: Ask, subject: Subject, redactor: Redactor | None) -> str:
    """The curl command that sends this request."""
    exchange = _exchange(ask)
    content: dict[Body, bytes] = {}
    if redactor is not None:
        exchange = redactor.exchange(exchange, lambda _, body: body.data or b"")
    written = command(_Only(content), exchange, None, Options())  # type: ignore[arg-type]
    words = written.split("\n", 1)[1]
    if ask.tls in BROWSERS:
        words = f"# curl cannot greet like {ask.tls}; curl-impersonate can\n{words}"
    return words.replace("curl --verbose", " ".join(["curl --verbose", *_trust(ask, subject.trust)]), 1)


def _trust(ask: Ask, trust: Trust) -> Iterator[str]:
    """Options about certificates; none in the clear."""
    if ask.place.scheme != "https":
        return
    shown = ask.certificate
    for option, path in (("cert", shown and trust.certificate), ("key", shown and trust.key), ("cacert", trust.roots)):
        if path:
            yield f"--{option} {shlex.quote(path)}"
    if trust.insecure:
        yield "--insecure"
    yield from CURL_WORDS.get(ask.tls, ())


class _Only:
    """As much of a trace as a curl command needs."""

    def __init__(self, content: dict[Body, bytes]) -> None:
        self._content = content

    def content(self, source: str, body: Body, /) -> bytes:  # noqa: ARG002
        return body.data or b""


def _exchange(ask: Ask) -> Exchange:
    target = as_text(ask.target)
    url = target if target.startswith(("http://", "https://")) else ask.place.origin + target
    host = as_text(ask.get(b"host") or ask.place.name.encode())
    request = Request(
        method=as_text(ask.method),
        target=target,
        url=url,
        scheme=ask.place.scheme,
        authority=host,
        version=ask.version,
        headers=tuple((f.name, f.value) for f in ask.fields),
        body=Body(size=len(ask.body), data=ask.body),
    )
    proxy = ask.place.proxy
    return Exchange(
        id="e1",
        source="",
        protocol=ask.version,
        server=proxy or ask.place.address,
        tunnel="e0" if proxy else None,
        request=request,
    )


def bisect_value(subject: Subject, finding: Finding, redactor: Redactor | None) -> dict[str, Any]:
    """The document of `bisect --json`."""
    clean = cleaner(redactor)
    told = tell(finding, subject, clean)
    found = finding.conclusion is Conclusion.FOUND
    return {
        "exchange": subject.exchange,
        "conclusion": finding.conclusion,
        "sentence": told.sentence,
        "element": told.element,
        "cause": told.cause,
        "cause_detail": told.cause_detail,
        "direction": ("with" if finding.adds else "without") if found else None,
        "changes": [_change_value(c, clean) for c in finding.changes],
        "denied": _seen_value(finding.denied),
        "passed": _seen_value(finding.passed) if found or finding.conclusion is Conclusion.NOT_REPRODUCED else None,
        "enough": clean(finding.changes[0], finding.enough) if finding.enough else None,
        "minimal": finding.minimal,
        "confirmed": finding.confirmed,
        "stopped": finding.stopped or None,
        "curl": {
            "denied": curl(subject.ask, subject, redactor),
            "passes": curl(apply(subject.ask, finding.changes), subject, redactor) if found else None,
        },
        "requests": len(finding.tried),
        "tried": [
            {
                "about": t.experiment.about,
                "changes": [_change_value(c, clean) for c in t.experiment.changes],
                "status": t.seen.status,
                "result": t.result,
            }
            for t in finding.tried
        ],
    }


def _change_value(change: Change, clean: Callable[[Change, bytes], str]) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": safe(change.name, 200),
        "was": clean(change, change.was) if change.was else None,
        "value": None if change.value is None else clean(change, change.value),
    }


def _seen_value(seen: Seen) -> dict[str, Any]:
    return {"status": seen.status, "says": safe(str(seen), 200)}
