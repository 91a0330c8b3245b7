"""HAR 1.1 and 1.2 as browsers, proxies and API clients write them -> exchanges.

Format: http://www.softwareishard.com/blog/har-12-spec/. Entry N becomes exchange `eN`; a broken entry costs one
exchange. Problem codes: `har.not-json`, `har.no-log`, `har.no-entries`, `har.entry`, `har.entry-too-large`,
`har.truncated`, `har.body`, `har.time`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracer.model.http import SANITIZED, Exchange
from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context, Sink

from .har_entry import Producer, read_entry
from .har_scan import Piece, Scanner

_BLOCK = 1 << 20
_MENTIONED = 100
"""broken entries that get a problem of their own; the rest are counted in one"""
SPECIFICATION = "HAR 1.2"
_SENSITIVE = frozenset((b"cookie", b"set-cookie", b"authorization"))


def kind_of(head: bytes) -> str | None:
    """`har` when the first bytes of a source open a JSON object with a `log` member that looks like one."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:65536]
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _from_utf16(text)
    if not text.startswith(b"{") or b'"log"' not in text:
        return None
    before, _, after = text.partition(b'"log"')
    if after.lstrip()[:1] not in (b":", b""):
        return None
    named = (b'"entries"', b'"creator"', b'"version"', b'"pages"', b'"browser"')
    return "har" if before.count(b"{") == 1 or any(n in after for n in named) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report every entry of a HAR into `sink`, in file order, in memory bounded by the largest entry."""
    scanner = Scanner()
    reader = _Entries(context, sink)
    for block in _blocks(stream):
        for piece in scanner.feed(block):
            reader.take(piece)
    for piece in scanner.close():
        reader.take(piece)
    reader.finish(scanner)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(_BLOCK)
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield _from_utf16(first + stream.read())
        return
    while first:
        yield first
        first = stream.read(_BLOCK)


def _from_utf16(data: bytes) -> bytes:
    return data.decode("utf-16", "replace").encode("utf-8", "replace")


class _Entries:
    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._producer = Producer()
        self._number = 0
        self._broken = 0
        self._whole = False
        """some entry has a field that is left out by default"""

    def take(self, piece: Piece) -> None:
        if piece.key == "creator" and piece.text:
            self._producer = _producer(piece.text)
        if piece.key != "entries":
            return
        self._number += 1
        if piece.text is None:
            self._report("har.entry-too-large", f"entry {self._number} is too large to be read and was passed over")
            return
        try:
            entry = _decode(piece.text)
            exchange, handshake = read_entry(entry, self._number, self._context, self._producer)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._broken += 1
            if self._broken <= _MENTIONED:
                self._report("har.entry", f"entry {self._number} cannot be read: {_plain(error)}")
            return
        if handshake is not None:
            self._sink.handshake(handshake)
        self._sink.exchange(self._marked(exchange))

    def _marked(self, exchange: Exchange) -> Exchange:
        """Chromium leaves Cookie, Set-Cookie and Authorization out, unless its user asks for "sensitive data"."""
        fields = (
            [*exchange.request.headers, *(exchange.response.headers if exchange.response else ())]
            if exchange.request
            else []
        )
        self._whole = self._whole or any(name.lower() in _SENSITIVE for name, _ in fields)
        if self._whole or self._producer.name != "WebInspector":
            return exchange
        extra = exchange.extra | {SANITIZED: "no cookies and no Authorization, as browsers export by default"}
        return msgspec.structs.replace(exchange, extra=extra)

    def finish(self, scanner: Scanner) -> None:
        if self._broken > _MENTIONED:
            self._report("har.entry", f"{self._broken - _MENTIONED} more entries cannot be read", entry=False)
        if not scanner.has_log:
            self._report("har.no-log", "there is no log object in this JSON document", entry=False)
        elif not scanner.has_entries:
            self._report("har.no-entries", "the log has no list of entries", entry=False)
        elif scanner.inside:
            text = f"the file ends inside entry {self._number + 1}; the {self._number} before it were read"
            self._report("har.truncated", text, entry=False)
        elif not scanner.finished or scanner.fault:
            text = f"the file ends early or is damaged after entry {self._number}"
            self._report("har.truncated", f"{text}: {scanner.fault}" if scanner.fault else text, entry=False)

    def _report(self, code: str, text: str, entry: bool = True) -> None:
        self._sink.problem(
            Problem(
                code=code,
                severity=Severity.WARN,
                text=text,
                source=self._context.source,
                packet=self._number if entry else None,
                reference=SPECIFICATION,
            )
        )


def _decode(text: bytes) -> Any:
    """The value of a JSON text; lone surrogates, NaN and bytes that are not UTF-8 are let pass."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text.decode("utf-8", "replace"), strict=False)


def _producer(text: bytes) -> Producer:
    try:
        creator = _decode(text)
    except (ValueError, RecursionError):
        return Producer()
    if not isinstance(creator, dict):
        return Producer()
    return Producer(name=str(creator.get("name", ""))[:80], version=str(creator.get("version", ""))[:40])


def _plain(error: Exception) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(error))[:160]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
