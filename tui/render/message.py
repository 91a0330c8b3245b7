"""A request or response: start line, headers as received, what its cookies and tokens say, its body."""

from __future__ import annotations

from tracer.model.http import Exchange, Message, Request, Response, text
from tracer.views.safe import safe

from . import cookies
from .body import body_lines
from .content import Content
from .sheet import Sheet
from .told import meanings
from .words import duration, size, status_style

PHASES = {"sending": "send", "waiting": "wait", "receiving": "receive"}
_VALUE = 8000
"""characters of a field value shown"""


def request(exchange: Exchange, content: Content, tokens: Sheet, raw: bool) -> Sheet:
    """The request as it was captured."""
    out = Sheet()
    message = exchange.request
    if message is None:
        out.add(("the request was not captured", "note"))
        return out
    out.add(
        (safe(message.method, 40), "strong"), f" {safe(message.target, _VALUE)} ", (safe(message.version), "faint"),
        anchor="request target", hang=2,
    )  # fmt: skip
    _fields(out, message, "request")
    if len(tokens):
        out.title("Token, decoded", "its signature is not checked")
        out.extend(tokens)
    out.extend(cookies.sent(message))
    _body(out, message, content, "request", raw)
    return out


def response(exchange: Exchange, content: Content, raw: bool) -> Sheet:
    """The response with what came before it, then times and addresses."""
    out = Sheet()
    for interim in exchange.interim:
        _status(out, interim, "interim response")
        _fields(out, interim, "interim response")
        out.add("")
    message = exchange.response
    if message is None:
        out.add(("no response was captured", "note"))
        if exchange.aborted:
            out.add((f"it ended early: {safe(exchange.aborted, 300)}", "warn"))
    else:
        _status(out, message, "response")
        _fields(out, message, "response")
        told = meanings(exchange, content.data or b"")
        if len(told):
            out.title("Meaning")
            out.extend(told)
        out.extend(cookies.received(message, exchange))
        _body(out, message, content, "response", raw)
    out.title("Times and addresses", anchor="timing")
    out.extend(summary(exchange))
    return out


def _status(out: Sheet, message: Response, anchor: str) -> None:
    out.add(
        (str(message.status), status_style(message.status)), (f" {safe(message.reason, 200)} ", "strong"),
        (safe(message.version), "faint"), anchor=f"{anchor} status line",
    )  # fmt: skip


def _fields(out: Sheet, message: Message, anchor: str) -> None:
    for name, value in message.headers:
        _field(out, name, value, anchor, "header")
    if message.trailers:
        out.add(("trailers", "faint"))
        for name, value in message.trailers:
            _field(out, name, value, anchor, "trailer")


def _field(out: Sheet, name: bytes, value: bytes, anchor: str, kind: str) -> None:
    words = text(name)
    out.add(
        (safe(words, 200), "name"), (": ", "faint"), safe(text(value), _VALUE),
        anchor=f"{anchor} {kind} {words.lower()}", hang=4,
    )  # fmt: skip


def _body(out: Sheet, message: Message, content: Content, anchor: str, raw: bool) -> None:
    kind = message.get("content-type") or ""
    codings = f", {'+'.join(message.body.codings)} removed" if message.body.codings and not content.note else ""
    told = size(len(content.data)) if content.data is not None else size(message.body.size)
    if not message.body.size and not content.data:
        out.add("")
        out.add(("no body", "note"), anchor=f"{anchor} body")
        return
    shown = "as it is" if raw else "r shows it as it is"
    out.title("Body", f"{told}{codings}  {safe(kind, 80)}  ({shown})", anchor=f"{anchor} body")
    if content.note:
        out.add((safe(content.note, 300), "warn"))
    if content.data is None:
        out.add((f"{size(message.body.size)}, not kept", "note"))
        return
    out.extend(body_lines(content.data, kind, raw))


def summary(exchange: Exchange) -> Sheet:
    """Where and when: addresses, protocol, phases with bars, packets, problems."""
    out = Sheet()
    stream = f" stream {exchange.stream}" if exchange.stream is not None else ""
    rows = (
        ("id", exchange.id), ("url", exchange.request.url if exchange.request else ""),
        ("protocol", exchange.protocol + stream), ("client", exchange.client), ("server", exchange.server),
        ("packets", " ".join(map(str, exchange.packets))), ("tunnel", exchange.tunnel),
        ("ended early", exchange.aborted), ("source says", exchange.comment), ("source", exchange.source),
    )  # fmt: skip
    for name, value in rows:
        if value:
            out.add((f"{name:>12}  ", "faint"), safe(value, 2000), hang=14)
    known = phases(exchange)
    total = max(1, sum(took for _, took in known))
    for name, took in known:
        out.add((f"{name:>12}  ", "faint"), f"{duration(took):>9}  ", ("━" * round(took * 30 / total), PHASES[name]))
    for key, value in exchange.extra.items():
        out.add((f"{safe(key, 40):>12}  ", "faint"), safe(value, 400), hang=14)
    for problem in exchange.problems:
        out.add(
            (f"{problem.severity:>12}  ", "warn"), f"{safe(problem.text, 600)}  ", (safe(problem.reference), "faint")
        )
    return out


def phases(exchange: Exchange) -> list[tuple[str, int]]:
    """(name, nanoseconds) of sending, waiting, receiving; those that are known."""
    t = exchange.timing
    points = (
        ("sending", t.start_ns, t.request_end_ns),
        ("waiting", t.request_end_ns, t.response_start_ns),
        ("receiving", t.response_start_ns, t.end_ns),
    )
    return [(name, b - a) for name, a, b in points if a is not None and b is not None and b >= a]


def requested(message: Request | None) -> str:
    """`GET https://shop.example/x`, on one line."""
    return f"{safe(message.method, 40)} {safe(message.url, 2000)}" if message else "(request not captured)"
