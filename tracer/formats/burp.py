"""Burp Suite's "Save items" XML -> exchanges.

Each `item` holds the raw request and response, base64 or in CDATA. The parser is told nothing of the document type
(no entities are expanded), and the file is read as a stream. Problem codes: `burp.xml`, `burp.item`, `burp.empty`.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from xml.parsers import expat

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import Assembler, Place
from .http_text import say
from .message import address
from .raw_pair import feed_pair

_SEEN = re.compile(rb"<items\s[^>]*burpVersion=|<!ELEMENT items \(item\*\)>")
_KEPT = frozenset(("time", "url", "host", "port", "protocol", "request", "response", "comment"))


def kind_of(head: bytes) -> str | None:
    """`burp` for a document whose root is Burp's `items`."""
    return "burp" if _SEEN.search(head[:8192]) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report every item, in file order."""
    reader = _Items(context, sink)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = reader.entity
    try:
        while block := stream.read(1 << 20):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        text = f"the XML breaks after item {reader.count}: {error}"
        say(context, sink, "burp.xml", text, Severity.WARN if reader.count else Severity.ERROR, reader.count + 1)
    if not reader.count:
        say(context, sink, "burp.empty", "there is no item in this file", Severity.WARN)


class _Items:
    def __init__(self, context: Context, sink: Sink) -> None:
        self.count = 0
        self._context = context
        self._sink = sink
        self._talk = Assembler(context, sink)
        self._open: str | None = None
        self._values: dict[str, list[str]] = {}
        self._attributes: dict[str, dict[str, str]] = {}

    def entity(self, *_: object) -> None:
        raise ValueError("entities are declared")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "item":
            self._values, self._attributes = {}, {}
        elif name in _KEPT:
            self._open = name
            self._values[name] = []
            self._attributes[name] = attributes

    def text(self, text: str) -> None:
        if self._open:
            self._values[self._open].append(text)

    def end(self, name: str) -> None:
        if name == self._open:
            self._open = None
        elif name == "item":
            self.count += 1
            self._item()

    def _item(self) -> None:
        value = {name: "".join(parts).strip() for name, parts in self._values.items()}
        port = value.get("port", "")
        number = int(port) if port.isdigit() and len(port) < 6 else None
        self._talk.place = Place(
            server=address(self._attributes.get("host", {}).get("ip") or None, number),
            scheme=value.get("protocol") or None,
        )
        request, response = self._bytes("request"), self._bytes("response")
        feed_pair(self._talk, request, response, _moment(value.get("time", "")))
        self._talk.note = value.get("comment", "")[:4000]
        if not self._talk.active:
            say(self._context, self._sink, "burp.item", "this item has no HTTP message", Severity.NOTE, self.count)
        self._talk.flush()

    def _bytes(self, name: str) -> bytes:
        text = "".join(self._values.get(name, ()))
        if self._attributes.get(name, {}).get("base64") != "true":
            return text.encode("utf-8", "replace")
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            say(self._context, self._sink, "burp.item", f"the {name} is not base64", Severity.WARN, self.count)
            return b""


def _moment(text: str) -> int | None:
    """Nanoseconds of `Tue Nov 24 12:00:00 CET 2026`; only zones that say their offset count."""
    found = re.fullmatch(r"\w{3} (\w{3}) +(\d+) (\d\d:\d\d:\d\d) (GMT|UTC|Z|[+-]\d{4}|[A-Z]{3,5}) (\d{4})", text)
    if not found:
        return None
    try:
        parsed = parsedate_to_datetime(f"{found[2]} {found[1]} {found[5]} {found[3]} {found[4]}")
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return int((parsed - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9
    except (ValueError, TypeError, OverflowError):
        return None
