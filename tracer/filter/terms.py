"""The terms of the language, as a table: name, argument, what it asks for, how it decides.

Names and meanings are those of mitmproxy's filter expressions (docs.mitmproxy.org, "Filter expressions"); `~layer`,
`~cause`, `~product` and `~denied` are ours.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tracer.model.http import Exchange

from .subject import content_types, extra_lines, header_bytes

ASSET = re.compile(
    rb"text/javascript|application/x-javascript|application/javascript|text/css|image/|font/|application/font"
)


class Needs(enum.IntEnum):
    """What must be at hand to decide, cheapest first."""

    ROW = 0
    EXCHANGE = 1
    BODY = 2
    VERDICT = 3


class Argument(enum.Enum):
    NONE = "nothing"
    REGEX = "regular expression"
    BYTES = "regular expression over bytes"
    NUMBER = "number"


Test = Callable[[Any, Any], bool]
"""(subject, argument) -> does it match"""


class Term(NamedTuple):
    argument: Argument
    needs: Needs
    test: Test
    help: str
    flags: int = 0


def _bodies(s: Any, rex: Any, request: bool, response: bool) -> bool:
    e: Exchange = s.exchange
    found = [s.body(e.request)] if request else []
    found += [s.body(e.response)] if response else []
    if any(body is not None and rex.search(body) for body in found):
        return True
    return any(rex.search(event.data) for event in e.events if (request if event.client else response))


def _types(s: Any, rex: Any, request: bool, response: bool) -> bool:
    values = content_types(s.exchange.request) if request else []
    values = values + content_types(s.exchange.response) if response else values
    return any(rex.search(value) for value in values)


def _heads(s: Any, rex: Any, request: bool, response: bool) -> bool:
    e: Exchange = s.exchange
    return bool(
        (request and e.request and rex.search(header_bytes(e.request)))
        or (response and e.response and rex.search(header_bytes(e.response)))
    )


def _of_verdict(name: str) -> Test:
    return lambda s, rex: s.verdict is not None and bool(rex.search(str(getattr(s.verdict, name) or "")))


def _failed(s: Any, _: Any) -> bool:
    e: Exchange = s.exchange
    return e.aborted is not None or (e.request is not None and e.response is None)


def _search(value: str | None, rex: Any) -> bool:
    return value is not None and bool(rex.search(value))


_NONE, _REGEX, _BYTES, _NUMBER = Argument.NONE, Argument.REGEX, Argument.BYTES, Argument.NUMBER
_ROW, _EXCHANGE, _BODY, _VERDICT = Needs.ROW, Needs.EXCHANGE, Needs.BODY, Needs.VERDICT

TERMS: dict[str, Term] = {
    "a": Term(_NONE, _EXCHANGE, lambda s, _: any(ASSET.search(t) for t in content_types(s.exchange.response)),
              "asset in the response: CSS, JavaScript, image, font"),
    "all": Term(_NONE, _ROW, lambda *_: True, "everything"),
    "b": Term(_BYTES, _BODY, lambda s, r: _bodies(s, r, True, True), "body of either message", re.DOTALL),
    "bq": Term(_BYTES, _BODY, lambda s, r: _bodies(s, r, True, False), "request body", re.DOTALL),
    "bs": Term(_BYTES, _BODY, lambda s, r: _bodies(s, r, False, True), "response body", re.DOTALL),
    "c": Term(_NUMBER, _ROW, lambda s, n: s.status == n, "status code"),
    "cause": Term(_REGEX, _VERDICT, _of_verdict("cause"), "cause in the verdict"),
    "comment": Term(_REGEX, _EXCHANGE, lambda s, r: bool(r.search(s.marked[1])), "note or comment", re.MULTILINE),
    "d": Term(_REGEX, _ROW, lambda s, r: any(r.search(h) for h in s.hosts), "host the request is for"),
    "denied": Term(_NONE, _ROW, lambda s, _: s.denied, "denied"),
    "dns": Term(_NONE, _ROW, lambda *_: False, "DNS (none are kept)"),
    "dst": Term(_REGEX, _ROW, lambda s, r: _search(s.server, r), "server address"),
    "e": Term(_NONE, _EXCHANGE, _failed, "ended early"),
    "h": Term(_BYTES, _EXCHANGE, lambda s, r: _heads(s, r, True, True), "header line of either", re.MULTILINE),
    "hq": Term(_BYTES, _EXCHANGE, lambda s, r: _heads(s, r, True, False), "request header line", re.MULTILINE),
    "hs": Term(_BYTES, _EXCHANGE, lambda s, r: _heads(s, r, False, True), "response header line", re.MULTILINE),
    "http": Term(_NONE, _ROW, lambda *_: True, "HTTP"),
    "layer": Term(_REGEX, _VERDICT, _of_verdict("layer"), "layer in the verdict"),
    "m": Term(_BYTES, _ROW, lambda s, r: s.method is not None and bool(r.search(s.method.encode())), "method"),
    "marked": Term(_NONE, _EXCHANGE, lambda s, _: bool(s.marked[0]), "marked"),
    "marker": Term(_REGEX, _EXCHANGE, lambda s, r: bool(r.search(s.marked[0])), "marked so"),
    "meta": Term(_REGEX, _EXCHANGE, lambda s, r: bool(r.search(extra_lines(s.exchange))),
                 "fact only the source knows", re.MULTILINE),
    "product": Term(_REGEX, _VERDICT, _of_verdict("product"), "product in the verdict"),
    "q": Term(_NONE, _ROW, lambda s, _: s.status is None, "request without response"),
    "replay": Term(_NONE, _EXCHANGE, lambda s, _: "mitm.replay" in s.exchange.extra, "replayed by mitmproxy"),
    "replayq": Term(_NONE, _EXCHANGE, lambda s, _: s.exchange.extra.get("mitm.replay") == "request",
                    "replayed request"),
    "replays": Term(_NONE, _EXCHANGE, lambda s, _: s.exchange.extra.get("mitm.replay") == "response",
                    "replayed response"),
    "s": Term(_NONE, _ROW, lambda s, _: s.status is not None, "has a response"),
    "src": Term(_REGEX, _ROW, lambda s, r: _search(s.client, r), "client address"),
    "t": Term(_BYTES, _EXCHANGE, lambda s, r: _types(s, r, True, True), "Content-Type of either"),
    "tcp": Term(_NONE, _ROW, lambda *_: False, "plain TCP (none are kept)"),
    "tq": Term(_BYTES, _EXCHANGE, lambda s, r: _types(s, r, True, False), "Content-Type of the request"),
    "ts": Term(_BYTES, _EXCHANGE, lambda s, r: _types(s, r, False, True), "Content-Type of the response"),
    "u": Term(_REGEX, _ROW, lambda s, r: _search(s.url, r), "URL"),
    "udp": Term(_NONE, _ROW, lambda *_: False, "plain UDP (none are kept)"),
    "websocket": Term(_NONE, _EXCHANGE, lambda s, _: _is_websocket(s.exchange), "WebSocket"),
}  # fmt: skip


def _is_websocket(e: Exchange) -> bool:
    if e.request is None or e.response is None:
        return False
    upgraded = e.response.status == 101 and (e.response.get("upgrade") or "").lower() == "websocket"
    return upgraded or any(event.kind in ("text", "binary", "ping", "pong", "close") for event in e.events)


def case() -> int:
    """Case does not matter, as with mitmproxy, unless its environment variable says otherwise."""
    return 0 if os.environ.get("MITMPROXY_CASE_SENSITIVE_FILTERS") == "1" else re.IGNORECASE
