"""HTTPie's `-v` output: the request and the response as messages, coloured and pretty-printed -> exchanges.

HTTPie formats JSON bodies, so a body whose length is not the one announced is kept as shown, not as sent.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .http_talk import Assembler, Place
from .http_text import load, say, start_of
from .message import target_of
from .pasted import plain

_AGENT = re.compile(rb"(?im)^user-agent: *HTTPie/|^[$#%>] *https? .*\n(?:.*\n){0,3}?(?:HTTP/|[A-Z]+ \S+ HTTP/)")
_PROMPT = re.compile(rb"^[$#%>] *(https?)(?: |$)(.*)")


def kind_of(head: bytes) -> str | None:
    """`httpie` when the text holds messages and HTTPie's User-Agent or prompt."""
    text = plain(head)
    starts = any(start_of(line.rstrip(b"\r")) for line in text.split(b"\n")[:200])
    return "httpie" if starts and _AGENT.search(text) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report every request with its response."""
    talk = Assembler(context, sink)
    talk.lossy = True
    in_head, out = False, False
    for line in load(stream, context, sink).split(b"\n"):
        line = line.rstrip(b"\r")
        if not in_head and (found := _PROMPT.match(line)):
            talk.place = Place(scheme=_scheme(found[1], found[2]))
        elif not in_head and (start := start_of(line)):
            in_head, out = True, start == "request"
            talk.request(line) if out else talk.response(line)
        elif in_head and line:
            talk.field(line, out)
        elif in_head:
            in_head = False
            talk.end_of_head(out)
        elif talk.active:
            talk.text_line(line, out)
    talk.flush()
    if not talk.count:
        say(context, sink, "text.no-message", "there is no HTTP message in this text", Severity.ERROR)


def _scheme(program: bytes, words: bytes) -> str:
    for word in words.decode("utf-8", "replace").split():
        scheme, _, _ = target_of("GET", word.strip("'\""))
        if scheme in ("http", "https"):
            return scheme
    return program.decode()
