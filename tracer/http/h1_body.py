"""Bodies of HTTP/1 messages on the wire: by length, in chunks, until close; over gaps where the framing allows it."""

from __future__ import annotations

from tracer.model.http import Body, Headers
from tracer.transport.stream import Stream, Taken

LONGEST_LINE = 4096
KEPT = 16 << 20
"""bytes of a body kept in memory, where they are no part of the capture as they stand; more is counted"""


class Collector:
    """Pieces of a body as they are passed over; only their sizes when it `counts`."""

    __slots__ = ("counts", "dropped", "missing", "parts", "size", "spans")

    def __init__(self, counts: bool = False) -> None:
        self.counts = counts
        self.spans: list[tuple[int, int]] = []
        self.parts: list[bytes] | None = None
        self.size = 0
        self.missing = 0
        self.dropped = False
        """some bytes were counted and not kept"""

    def pass_over(self, stream: Stream, n: int) -> None:
        """Take the next `n` bytes off the stream, gaps included."""
        if self.counts:
            missing = stream.pass_over(n)
            self.size += n - missing
            self.missing += missing
        else:
            self.add(stream.skip(n))

    def add(self, taken: Taken) -> None:
        self.missing += taken.missing
        if self.counts:
            pass
        elif taken.data is None:
            self.spans.extend(taken.spans)
        elif self.size > KEPT:
            self.dropped = True
        else:
            if self.parts is None:
                self.parts = []
            self.parts.append(taken.data)
        self.size += taken.size

    def body(self, complete: bool, codings: tuple[str, ...]) -> Body:
        data = b"".join(self.parts) if self.parts is not None else None
        return Body(
            size=self.size,
            complete=complete and not self.missing and not self.dropped,
            data=data,
            spans=tuple(self.spans),
            codings=codings,
            lost=f"only its first {KEPT >> 20} MiB were kept" if self.dropped else None,
        )


class ByLength:
    """Content-Length, or until close when `length` is None (RFC 9112 section 6.3)."""

    __slots__ = ("collector", "left")

    def __init__(self, length: int | None, counts: bool = False) -> None:
        self.left = length
        self.collector = Collector(counts)

    def advance(self, stream: Stream) -> bool:
        """Pass over what is there; True when the body has ended."""
        here = stream.end - stream.pos
        if self.left is not None:
            here = min(here, self.left)
            self.left -= here
        if here > 0:
            self.collector.pass_over(stream, here)
        if self.left is None:
            return stream.closed
        return self.left == 0

    @property
    def whole(self) -> bool:
        return not self.left


class Unframed(ByLength):
    """What followed a head that is cut: how long it was, nobody knows. The reader goes on at the next head."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(0)

    @property
    def whole(self) -> bool:
        return False


class Chunked:
    """Chunked coding (RFC 9112 section 7.1), extensions ignored, trailers kept."""

    __slots__ = ("broken", "collector", "left", "state", "trailers")

    def __init__(self, counts: bool = False) -> None:
        self.collector = Collector(counts)
        self.left = 0
        self.state = "size"
        self.broken: str | None = None
        self.trailers: list[bytes] = []

    def advance(self, stream: Stream) -> bool:
        while self.state != "done":
            if self.state == "data":
                here = min(stream.end - stream.pos, self.left)
                if here <= 0:
                    return False
                self.collector.pass_over(stream, here)
                self.left -= here
                if self.left:
                    return False
                self.state = "crlf"
            line = self._line(stream)
            if line is None:
                if stream.at_gap or self.broken:
                    self.broken = self.broken or "a gap where a chunk size should be"
                    return True
                return False
            self._take(line)
            if self.broken:
                return True
        return True

    def _line(self, stream: Stream) -> bytes | None:
        n = stream.find(b"\n", LONGEST_LINE)
        if n < 0:
            if stream.available >= LONGEST_LINE:
                self.broken = "no chunk size where one should be (RFC 9112 section 7.1)"
            return None
        return stream.take(n + 1).rstrip(b"\r\n")

    def _take(self, line: bytes) -> None:
        if self.state == "crlf":
            self.state = "size"
            if line:
                self.broken = "a chunk that does not end where its size says (RFC 9112 section 7.1)"
        elif self.state == "size":
            digits = line.split(b";", 1)[0].strip()
            if not digits or len(digits) > 16 or not all(c in b"0123456789abcdefABCDEF" for c in digits):
                self.broken = "a chunk size that is no hexadecimal number (RFC 9112 section 7.1)"
                return
            self.left = int(digits, 16)
            self.state = "data" if self.left else "trailer"
        elif line:
            self.trailers.append(line)
        else:
            self.state = "done"

    @property
    def whole(self) -> bool:
        return self.state == "done"


_CODINGS = {len(b"content-encoding"): b"content-encoding", len(b"transfer-encoding"): b"transfer-encoding"}


def codings_of(headers: Headers) -> tuple[str, ...]:
    """Content codings, then transfer codings other than chunked, in the order they were applied."""
    told = [(n.lower(), v) for n, v in headers if len(n) in _CODINGS]  # lengths first: most fields are neither
    found: list[str] = []
    for wanted in _CODINGS.values() if told else ():
        for name, value in told:
            if name == wanted:
                found += [c.strip().lower().decode("latin-1") for c in value.split(b",")]
    return tuple([c for c in found if c and c not in ("identity", "chunked")])
