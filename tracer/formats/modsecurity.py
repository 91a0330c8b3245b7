"""ModSecurity's audit log, native or JSON -> exchanges: it holds whole requests, and answers where it was told to.

What it says of rules is evidence of a log (`logs.modsecurity_audit`, `logs.modsecurity_json`), read besides. An answer
that it does not hold has the status with which the request was denied. Problem code: `modsecurity.empty`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from tracer.model.log import LogLine
from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import Assembler, Place
from .http_text import say
from .logs import modsecurity_json
from .logs.modsecurity_audit import BOUNDARY, entry_of
from .message import address
from .raw_pair import feed_pair

_SEEN = re.compile(rb'\A\s*(?:-{2,3}[0-9A-Za-z@-]{4,64}-{1,3}A--\r?\n\[|\{\s*"transaction"\s*:\s*\{)')
_SECTION = 8 << 20
"""bytes kept of one section"""
_LINE = 16 << 20


def kind_of(head: bytes) -> str | None:
    """`modsecurity` when it begins with a transaction of an audit log."""
    return "modsecurity" if _SEEN.match(head) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report the exchange of every transaction."""
    talk = Assembler(context, sink)
    first = stream.readline(_LINE)
    found = _json(first, stream) if first.lstrip().startswith(b"{") else _native(first, stream)
    for entry, asked, answered in found:
        talk.place = _place(entry)
        feed_pair(talk, asked, answered or b"", entry.time_ns)
        if not answered and entry.status is not None:
            talk.response(f"HTTP/1.1 {entry.status}".encode())
            talk.extra = {"modsecurity.reconstructed": "the answer, from the status that it was denied with"}
        talk.flush()
    if not talk.count:
        say(context, sink, "modsecurity.empty", "there is no transaction in this audit log", Severity.ERROR)


Transaction = tuple[LogLine, bytes, bytes]
"""what the log says of it, the request, the response: empty when it was not logged"""


def _place(entry: LogLine) -> Place:
    secure = (entry.server or "").endswith(":443")
    client = address(entry.client, entry.client_port) if entry.client and entry.client_port else None
    return Place(server=entry.server, client=client, scheme="https" if secure else "http")


def _native(first: bytes, stream: BinaryIO) -> Iterator[Transaction]:
    sections: dict[str, bytearray] = {}
    section = ""
    line = first
    while line:
        if hit := BOUNDARY.fullmatch(line.rstrip(b"\r\n").decode("latin-1")):
            section = hit[2]
            if section in "AZ":
                yield from _transaction(sections)
                sections = {}
        elif section and len(kept := sections.setdefault(section, bytearray())) < _SECTION:
            kept += line
        line = stream.readline(_LINE)
    yield from _transaction(sections)


def _transaction(sections: Mapping[str, bytearray]) -> Iterator[Transaction]:
    lines = {name: data.decode("utf-8", "replace").splitlines() for name, data in sections.items()}
    entry = entry_of(lines, 0) if "A" in lines else None
    if entry is not None:
        yield entry, _message(sections, "B", "CI"), _message(sections, "F", "E")


def _message(sections: Mapping[str, bytearray], head: str, bodies: str) -> bytes:
    body = next((sections[name] for name in bodies if name in sections), b"")
    start = bytes(sections.get(head, b"")).strip(b"\r\n")
    return start + b"\n\n" + bytes(body).removesuffix(b"\n") if start else b""


def _json(first: bytes, stream: BinaryIO) -> Iterator[Transaction]:
    line = first
    while line:
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        entry = modsecurity_json.read(value) if isinstance(value, dict) else None
        if entry is not None and isinstance(value, dict):
            inner = value if "request" in value else value["transaction"]
            asked, answered = (_object(inner.get(name)) for name in ("request", "response"))
            start = f"{entry.method} {entry.target} HTTP/1.1" if entry.method and entry.target else ""
            status = f"HTTP/1.1 {entry.status}" if entry.status is not None and answered.get("headers") else ""
            yield entry, _rendered(start, asked), _rendered(status, answered)
        line = stream.readline(_LINE)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rendered(start: str, message: dict[str, Any]) -> bytes:
    if not start:
        return b""
    fields = [f"{name}: {value}" for name, value in _object(message.get("headers")).items()]
    body = message.get("body")
    words = "".join(map(str, body)) if isinstance(body, list) else body if isinstance(body, str) else ""
    clean = (" ".join(line.split("\n")) for line in (start, *fields))
    return "\n".join((*clean, "", words)).encode("utf-8", "replace")
