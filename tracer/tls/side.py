"""One direction of a TLS connection: its records, and what protects them."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.transport.stream import Mark, Stream

from .protection import Protection
from .search import Search

CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
LONGEST = (1 << 14) + 2048
"""bytes of a protected record's body (RFC 5246 section 6.2.3)"""
AHEAD = 1 << 18
"""bytes of records looked at together"""


def is_header(head: bytes) -> bool:
    """Five bytes that begin a record: type, version 3.x, a length that is possible."""
    return 20 <= head[0] <= 24 and head[1] == 3 and head[2] <= 4 and (head[3] << 8 | head[4]) <= LONGEST


class Side:
    """One direction."""

    def __init__(self, stream: Stream, client: bool) -> None:
        self.stream = stream
        self.client = client
        self.inner = Stream()
        self.head = b""
        self.mark = Mark(0, 0)
        """place of the record at the front"""
        self.protection: Protection | None = None
        self.search = Search()
        self.sealed = False
        """what comes is encrypted, whether it can be opened or not"""
        self.passed = 0
        """sealed records that went by without keys"""
        self.pieces = bytearray()
        """handshake bytes that are no whole message yet"""
        self.lost = 0
        """plaintext bytes that went missing before the next ones"""

    def front(self) -> int | None:
        """Packet of the record, or of what will never be one, at the front; its first bytes become `head`."""
        stream = self.stream
        size = stream.end - stream.pos
        if size <= 0:
            return None
        head, mark = stream.front(5)
        self.head, self.mark = head, mark or stream.mark(stream.pos)
        if len(head) < 5:
            # a header in pieces waits for its rest, unless a gap stands where the rest would be
            return self.mark[0] if size > len(head) else None
        return self.mark[0] if not is_header(head) or size >= 5 + (head[3] << 8 | head[4]) else None

    def data(self, packet: int) -> Iterator[tuple[bytes, bytes, Mark]]:
        """(header, body, mark) of whole records of application data that follow one another, those that begin up to
        that packet; each is read off the stream as it is given."""
        stream = self.stream
        at = 1
        while at:
            start = stream.pos
            ahead = stream.ahead(packet, AHEAD)
            at, end = 0, len(ahead)
            while at + 5 <= end and ahead[at : at + 2] == b"\x17\x03" and ahead[at + 2] <= 4:
                body = at + 5
                stop = body + (ahead[at + 3] << 8 | ahead[at + 4])
                if stop > end or stop > body + LONGEST:
                    break
                mark = stream.mark(start + at)
                if mark[0] > packet:
                    return
                stream.jump(start + stop)
                yield ahead[at:body], ahead[body:stop], mark
                at = stop

    def lose(self, size: int) -> None:
        """So many bytes of records are missing."""
        self.lost += size
        self.search.lost(size)
        self.pieces.clear()

    def lose_record(self, size: int) -> None:
        """One record is missing, whose body had so many bytes."""
        self.lost += max(0, size - 24)
        self.search.passed()
        self.pieces.clear()
        if self.protection is not None:
            self.protection.skip(size)

    def use(self, protection: Protection | None) -> None:
        """Records from now on are under these keys."""
        self.protection = protection
        if protection is not None and self.passed:
            self.search.passed(self.passed)
        self.passed = 0
