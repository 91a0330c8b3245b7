"""What every writer is given: a readable trace (already redacted by the caller) and options."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange
from tracer.model.problem import Problem
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict


class Readable(Protocol):
    """The part of a trace that writers read; iterators run in time order."""

    def sources(self) -> Iterator[Source]: ...
    def problems(self) -> Iterator[Problem]: ...
    def exchanges(self) -> Iterator[Exchange]: ...
    def exchange(self, name: str, /) -> Exchange | None: ...
    def handshakes(self) -> Iterator[Handshake]: ...
    def handshake(self, name: str, /) -> Handshake | None: ...
    def connections(self) -> Iterator[Connection]: ...
    def connection(self, name: str, /) -> Connection | None: ...
    def verdicts(self) -> Iterator[Verdict]: ...
    def content(self, source: str, body: Body, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Options:
    """How to write; every writer understands the defaults."""

    only: frozenset[str] | None = None
    """ids of the exchanges to write; None = all"""
    version: str = ""
    """tracer's version, for files that name their maker"""
    made_ns: int | None = None
    """time of writing, for files that show it; None leaves it out, and equal traces give equal files"""
    secrets: tuple[bytes, ...] | None = None
    """key logs from which to embed what opens the chosen exchanges (pcapng); None: embed no keys at all"""
    body_limit: int = 16 << 20
    """decoded bytes of one body; longer ones are left out or cut, and the file says so"""


def chosen(trace: Readable, options: Options) -> Iterator[Exchange]:
    """The exchanges to write, in time order."""
    for exchange in trace.exchanges():
        if options.only is None or exchange.id in options.only:
            yield exchange


def beneath(trace: Readable, options: Options) -> tuple[frozenset[str], frozenset[str]] | None:
    """Ids of the handshakes and of the connections that carried the chosen exchanges; None when all are chosen."""
    if options.only is None:
        return None
    found = list(chosen(trace, options))
    handshakes = {e.tls for e in found if e.tls} | options.only
    named = (trace.handshake(name) for name in sorted(handshakes))
    connections = {v.connection for v in (*found, *named) if v is not None and v.connection}
    return frozenset(handshakes), frozenset(connections)


def verdicts_of(trace: Readable) -> dict[str, Verdict]:
    """Verdicts by the exchange (or handshake) they judge."""
    return {v.exchange: v for v in trace.verdicts()}


def decoded(trace: Readable, exchange: Exchange, body: Body, limit: int) -> bytes | None:
    """The body without content codings; None when it was not kept, or only in part, or is beyond the limit."""
    if body.size and not has_bytes(body):
        return None
    if not body.complete or body.size > limit:
        return None
    raw = body.data if body.data is not None else trace.content(exchange.source, body)
    if not body.codings or not raw:
        return raw
    from tracer.http.body import decode

    result = decode(raw, body.codings, limit)
    return result.data if result.complete else None


def has_bytes(body: Body) -> bool:
    """The bytes were kept somewhere."""
    return body.data is not None or bool(body.spans) or body.blob is not None


def iso(time_ns: int | None, digits: int = 6) -> str | None:
    """`2026-11-23T20:00:00.123456Z`; None for None and for times that no calendar has."""
    if time_ns is None:
        return None
    try:
        whole = datetime.fromtimestamp(time_ns // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    fraction = f".{time_ns % 10**9:09d}"[: digits + 1] if digits else ""
    return f"{whole:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def to_json(value: object) -> bytes:
    """Compact JSON; unpaired surrogates, and what a terminal would obey or a reader not see, as escapes."""
    try:
        data = msgspec.json.encode(value)
        return data.replace(b"\x7f", rb"\u007f") if data.isascii() else _ACTING.sub(_escaped, data)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f").encode()


_ACTING = re.compile(
    b"\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)
"""DEL, C1, and format characters that reorder or hide text, in UTF-8; JSON escapes C0 itself"""


def _escaped(found: re.Match[bytes]) -> bytes:
    return f"\\u{ord(found[0].decode()):04x}".encode()


def one_line(text: str) -> str:
    """The text on one line: control, format and unpaired characters become spaces."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


_SOMEBODY = {
    "client": "the client",
    "forward-proxy": "a forward proxy",
    "cdn": "a CDN",
    "waf": "a firewall",
    "gateway": "a gateway",
    "origin": "the origin server",
    "app": "the application",
}


def or_else(verdict: Verdict, limit: int = 4) -> list[tuple[str, float]]:
    """The other candidates and their probabilities, named as headlines name them: `nginx (gateway)`, `a gateway`."""
    return [
        (f"{a.product} ({a.layer})" if a.product else _SOMEBODY.get(a.layer, "an unknown hop"), a.confidence)
        for a in verdict.alternatives[:limit]
    ]


def sentence(text: str, words: Callable[[str], str], command: Callable[[str], str]) -> str:
    """The text with `words` made of its prose and `command` of what stands between backticks."""
    made = ""
    for at, part in enumerate(re.split(r"`([^`]{1,2000})`", text)):
        if at % 2:
            made += command(part)
        elif part:
            made += " " * part[0].isspace() + words(part.strip()) + " " * (part[-1].isspace() and bool(part.strip()))
    return made
