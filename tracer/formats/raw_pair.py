"""A raw request and the raw response to it, each known to be one message -> one exchange."""

from __future__ import annotations

from .http_talk import REQUEST_LINE, STATUS_LINE, Assembler


def feed_pair(talk: Assembler, request: bytes, response: bytes, start_ns: int | None = None) -> None:
    """Feed both messages whole: everything after the empty line is the body, whatever the fields say."""
    for message, out in ((request, True), (response, False)):
        head, body = _split(message)
        lines = head.split(b"\n")
        first = lines[0].rstrip(b"\r")
        if out and REQUEST_LINE.match(first):
            talk.request(first, start_ns)
        elif not out and STATUS_LINE.match(first):
            talk.response(first)
        else:
            continue
        for line in lines[1:]:
            talk.field(line.rstrip(b"\r"), out)
        talk.end_of_head(out)
        talk.data(body, out)


def _split(message: bytes) -> tuple[bytes, bytes]:
    """Head and body, parted at the first empty line of either kind."""
    places = [(message.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    at, width = min(((p, w) for p, w in places if p >= 0), default=(len(message), 0))
    return message[:at], message[at + width :]
