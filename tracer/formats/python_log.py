"""What Python's HTTP clients write when asked to be wordy -> exchanges.

`http.client` with `debuglevel` (requests and urllib3 too) prints `send:`, `reply:` and `header:` lines; urllib3 logs a
line for each answer, httpcore the fields of each answer, httpx a line with the URL after it. None shows a response's
body. Entry N is the Nth exchange in the text.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import REQUEST_LINE, STATUS_LINE, Assembler, Place
from .http_text import load, say
from .pasted import plain

_LITERAL = rb"(b?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))"
_SEND = re.compile(rb"(?:^|(?<=[\s'\"]))send: " + _LITERAL)
_REPLY = re.compile(rb"(?:^|(?<=\s))reply: " + _LITERAL)
_HEADER = re.compile(rb"^header: ([^:\s]+:.*)")
_STARTING = re.compile(rb"Starting new (HTTPS?) connection \(\d+\): (\S+?)(?::(\d+))?\s*$")
_URLLIB3 = re.compile(
    rb"\b(https?)://([^\s\"]{1,300}) \"([A-Z]{1,20}) (\S{1,8000}) (HTTP/\d\.\d)\" (\d{3}) (?:\d+|None)"
)
_HTTPCORE = b"receive_response_headers.complete return_value="
_HTTPX = re.compile(rb"HTTP Request: ([A-Z]+) (\S+) \"(HTTP/\d(?:\.\d)? \d{3}(?: [^\"]*)?)\"")
_SEEN = re.compile(
    rb"(?m)^send: b['\"][A-Z]+ |^reply: ['\"]HTTP/|receive_response_headers\.complete return_value=\(b'HTTP/"
    rb"|\bHTTP Request: [A-Z]+ https?://\S+ \"HTTP/|urllib3\.connectionpool\W.*\"[A-Z]+ \S+ HTTP/\d\.\d\" \d{3}"
)
_LONGEST = 1 << 18
"""bytes of one line that are looked at"""


def kind_of(head: bytes) -> str | None:
    """`python` when the text has the marks of one of these clients and is no server's log."""
    from .sniff import is_log

    text = plain(head)
    return "python" if _SEEN.search(text) and not is_log(text) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report every exchange that the text tells of."""
    reader = _Reader(context, sink)
    for line in load(stream, context, sink).split(b"\n"):
        reader.line(line[:_LONGEST].rstrip(b"\r"))
    reader.finish()


class _Reader:
    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._talk = Assembler(context, sink)
        self._in_head = False
        self._answer: list[bytes] = []
        """status line and fields of an answer whose request is named after it"""
        self._named: str | None = None
        """the exchange that a line has named"""

    def line(self, line: bytes) -> None:
        if self._in_head and (found := _HEADER.match(line)):
            self._talk.field(found[1], False)
            return
        if self._in_head:
            self._in_head = False
            self._talk.end_of_head(False)
        if found := _SEND.search(line):
            self._sent(_value(found[1]))
        elif found := _REPLY.search(line):
            self._talk.response(_value(found[1]).strip())
            self._in_head = True
        elif found := _STARTING.search(line):
            self._talk.place = Place(scheme=found[1].decode().lower())
        elif found := _URLLIB3.search(line):
            self._logged(found[3], b"%s://%s%s" % (found[1], found[2], found[4]), b"%s %s" % (found[5], found[6]))
        elif (at := line.find(_HTTPCORE)) >= 0:
            self._answered(line[at + len(_HTTPCORE) :].strip())
        elif found := _HTTPX.search(line):
            self._logged(found[1], found[2], found[3])

    def _sent(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        if REQUEST_LINE.match(first):
            self._talk.request(first)
            for field in fields:
                self._talk.field(field, True)
            self._talk.end_of_head(True)
            self._talk.data(body, True)
        elif self._talk.waiting:
            self._talk.data(data, True)

    def _answered(self, literal: bytes) -> None:
        """httpcore: (version, status, reason, fields) for HTTP/1.1, (status, fields) for HTTP/2."""
        self._unnamed()
        match _literal(literal):
            case (bytes() as version, int() as status, bytes() as reason, list() as fields):
                line = b"%s %d %s" % (version, status, reason)
            case (int() as status, list() as fields):
                line = b"HTTP/2 %d" % status
            case _:
                return
        if not STATUS_LINE.match(line):
            return
        self._answer = [line]
        for field in fields:
            match field:
                case (bytes() as name, bytes() as value):
                    self._answer.append(b"%s: %s" % (name, value))

    def _logged(self, method: bytes, url: bytes, answer: bytes) -> None:
        """A line that names an exchange, after whatever was shown of it."""
        status = int(answer.split(b" ")[1])
        if self._talk.status == status and not self._answer and self._talk.id not in (None, self._named):
            self._named = self._talk.id  # send, reply and header lines told all of it
            return
        lines = self._answer if self._answer and int(self._answer[0].split(b" ")[1]) == status else [answer]
        self._answer = []
        self._talk.request(b"%s %s %s" % (method, url, lines[0].split(b" ")[0]))
        self._respond(lines)
        self._named = self._talk.id

    def _unnamed(self) -> None:
        """An answer of which no line told what it was for."""
        lines, self._answer = self._answer, []
        if lines:
            self._talk.flush()
            self._respond(lines)

    def _respond(self, lines: list[bytes]) -> None:
        self._talk.response(lines[0])
        for field in lines[1:]:
            self._talk.field(field, False)
        self._talk.end_of_head(False)

    def finish(self) -> None:
        self._unnamed()
        self._talk.flush()
        if not self._talk.count:
            say(self._context, self._sink, "text.no-message", "there is no exchange in this text", Severity.WARN)


def _literal(text: bytes) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which would quote what others wrote
            return ast.literal_eval(text.decode("utf-8", "replace"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _value(literal: bytes) -> bytes:
    """The bytes that a literal of text or bytes stands for."""
    value = _literal(literal)
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return value if isinstance(value, bytes) else b""
