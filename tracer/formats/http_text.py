"""HTTP messages written out as text: one or several requests and responses, as a person pastes them -> exchanges.

`Assembler` puts exchanges together from start lines, fields and body bytes, whoever found them; the readers of
curl, wget and HTTPie output feed it too. Problem codes: `text.no-message`, `text.too-large`, `text.cut`.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import REQUEST_LINE, STATUS_LINE, Assembler
from .pasted import dedented, plain

LARGEST = 256 << 20
_LINE = rb"(?:HTTP/\d(?:\.\d)? \d{3}(?: [^\r\n]*)?|[A-Z][A-Z0-9_-]{1,20} \S+ HTTP/\d(?:\.\d)?)[ \t]*"
_START = re.compile(rb"\A\s*" + _LINE + rb"\r?$", re.MULTILINE)
_WITHIN = re.compile(
    rb"^(?P<before>[^\r\n\"]{0,100}[ \t\])>|:])??(?P<line>" + _LINE + rb")\r?\n(?=[ \t]*[A-Za-z][\w-]*: )", re.MULTILINE
)
"""a start line in other text: after what a logger or a prompt puts before it, and with a field in the next line"""
_QUOTED = re.compile(rb"\"(" + _LINE + rb"\\r\\n(?:[^\"\\\n]++|\\[^\n])*+)\"")
"""messages that a program logged as one string"""
_ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t"}
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u00([0-9a-fA-F]{2})|(.))")


def kind_of(head: bytes) -> str | None:
    """`http` when the bytes begin with a request line or a status line, or hold one with fields after it."""
    text = plain(head)
    if _START.match(text):
        return "http"
    from .sniff import is_log

    return "http" if (_WITHIN.search(text) or _QUOTED.search(text)) and not is_log(text) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report the exchanges of a text of HTTP messages; requests pair with the responses that follow them."""
    data = load(stream, context, sink)
    talk = Assembler(context, sink)
    data = dedented(data) if _START.match(data) else _bare(data)
    read_messages(data, talk)
    talk.flush()
    if not talk.count:
        say(context, sink, "text.no-message", "there is no HTTP message in this text", Severity.ERROR)


def load(stream: BinaryIO, context: Context, sink: Sink) -> bytes:
    """The text as its tool wrote it, at most `LARGEST` bytes of it."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        say(
            context, sink, "text.too-large", f"only the first {LARGEST >> 20} MiB of this text were read", Severity.WARN
        )
    return plain(data[:LARGEST])


def _bare(data: bytes) -> bytes:
    """Other text with messages in it: each start line at the start of its line, messages in strings unpacked."""
    data = dedented(_QUOTED.sub(lambda found: b"\n" + _ESCAPE.sub(_unescaped, found[1]) + b"\n", data))
    return _WITHIN.sub(lambda found: found["line"].rstrip() + b"\n", data)


def _unescaped(found: re.Match[bytes]) -> bytes:
    if digits := found[1] or found[2]:
        return bytes((int(digits, 16),))
    return _ESCAPES.get(found[3], found[3])


def say(context: Context, sink: Sink, code: str, text: str, severity: Severity, number: int | None = None) -> None:
    """Report a problem of a text source."""
    clean = "".join(c if c.isprintable() else " " for c in text)[:400]
    sink.problem(Problem(code=code, severity=severity, text=clean, source=context.source, packet=number))


def read_messages(data: bytes, talk: Assembler) -> None:
    """Feed every message in `data` to `talk`; lines before the first start line are passed over."""
    at, size = 0, len(data)
    in_head, out = False, False
    while at < size:
        if not in_head and talk.active and (left := talk.remaining(out)):
            stop = _body_end(data, at, left)
            if stop > at:
                talk.data(data[at:stop], out)
                at = stop
                continue
        end = data.find(b"\n", at)
        end = size if end < 0 else end + 1
        line = data[at:end].rstrip(b"\r\n")
        if not in_head and (start := start_of(line)):
            in_head, out = True, start == "request"
            talk.request(line) if out else talk.response(line)
        elif in_head and not line:
            in_head = False
            talk.end_of_head(out)
        elif in_head:
            talk.field(line, out)
        elif talk.active and talk.remaining(out) is None:
            talk.data(data[at:end], out)
        at = end


def _body_end(data: bytes, at: int, left: int) -> int:
    """Where the body that should have `left` more bytes ends: there, or earlier before a line that starts a message."""
    stop = min(len(data), at + left)
    found = _BOUNDARY.search(data, max(at - 1, 0), min(len(data), stop + _LONGEST_START))
    return max(found.start() + 1, at) if found and found.start() + 1 < stop else stop


_LONGEST_START = 1 << 16
"""bytes of a start line that may lie beyond the announced end: `curl -iL` shows no body of a redirect"""


_BOUNDARY = re.compile(rb"\n(?=(?:HTTP/\d(?:\.\d)? \d{3}[ \r\n]|[A-Z][A-Z-]{1,20} \S+ HTTP/\d(?:\.\d)?\r?\n))")


def start_of(line: bytes) -> str | None:
    """`request` or `response` for a line that starts a message."""
    if STATUS_LINE.match(line):
        return "response"
    return "request" if REQUEST_LINE.match(line) else None
