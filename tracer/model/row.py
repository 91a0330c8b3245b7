"""An exchange as a line of a listing tells it: what readers give when nothing else is asked for."""

from __future__ import annotations

from typing import NamedTuple

DENIALS = frozenset({401, 403, 405, 407, 421, 429, 451, 495, 496, 511})


class Row(NamedTuple):
    """One exchange. Times are in ns, sizes in bytes of body without framing; None: not in the capture."""

    start_ns: int
    """of the request, or of the response when the request is missing"""
    order: int
    """packet it starts in"""
    id: str
    protocol: str
    client: str
    server: str
    method: str | None
    authority: str
    """the Host field as it was sent, else the host of the target"""
    target: str | None
    url: str | None
    status: int | None
    reason: str
    content_type: str
    request_size: int | None
    response_size: int | None
    request_end_ns: int | None
    response_start_ns: int | None
    end_ns: int | None
    tls: str | None = None

    @property
    def host(self) -> str:
        """Host of the URL, lower case, without port."""
        _, found, rest = (self.url or "").partition("://")
        host = rest.split("/", 1)[0].split("?", 1)[0].rpartition("@")[2] if found else ""
        return (host[1:].split("]")[0] if host[:1] == "[" else host.split(":")[0]).lower()

    @property
    def size(self) -> int | None:
        """Bytes of the response's body."""
        return self.response_size

    @property
    def duration_ns(self) -> int | None:
        """From the request's first byte to the response's last."""
        return self.end_ns - self.start_ns if self.method is not None and self.end_ns is not None else None

    @property
    def denied(self) -> bool:
        """A denial by its status alone, or a CONNECT that was refused."""
        return self.status in DENIALS or (self.method == "CONNECT" and (self.status or 0) >= 400)
