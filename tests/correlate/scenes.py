"""Exchanges at hops, put together by hand."""

from __future__ import annotations

from tracer.correlate import correlate
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.tls import Alert, Handshake
from tracer.model.verdict import Verdict
from tracer.store.trace import Trace

START = 1_800_000_000_000_000_000
CLIENT = "192.0.2.10:50000"
NGINX_403 = (
    "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n"
    "<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n"
)
Fields = dict[str, str]


def exchange(
    name: str,
    *,
    url: str = "http://www.test/page",
    method: str = "GET",
    asks: Fields | None = None,
    status: int | None = 403,
    says: Fields | None = None,
    page: str = "",
    sent: str = "",
    client: str = CLIENT,
    server: str = "192.0.2.80:80",
    at_ms: float = 0,
    lasts_ms: float = 10,
    tls: str | None = None,
    source: str = "a.pcap",
) -> Exchange:
    """One exchange; times in milliseconds after START."""
    start, end = START + int(at_ms * 1e6), START + int((at_ms + lasts_ms) * 1e6)
    fields = {"Host": "www.test", "User-Agent": "Mozilla/5.0", "Accept": "*/*", **(asks or {})}
    path = "/" + url.split("://", 1)[1].partition("/")[2]
    return Exchange(
        id=name,
        source=source,
        protocol="HTTP/1.1",
        client=client,
        server=server,
        connection=f"c{name}",
        tls=tls,
        request=Request(method=method, target=path, url=url, headers=_headers(fields), body=_body(sent)),
        response=None
        if status is None
        else Response(status=status, reason="Forbidden", headers=_headers(says or {}), body=_body(page)),
        timing=Timing(start_ns=start, request_end_ns=start, response_start_ns=end, end_ns=end),
    )


def _headers(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((k.encode(), v.encode()) for k, v in fields.items())


def _body(text: str) -> Body:
    return Body(size=len(text.encode()), data=text.encode())


def handshake(name: str = "t1", **facts: object) -> Handshake:
    """A TLS 1.3 handshake that asked for a client certificate and got none."""
    known: dict[str, object] = {
        "source": "a.pcap",
        "client": CLIENT,
        "server": "192.0.2.80:443",
        "connection": f"c{name}",
        "sni": "www.test",
        "version": "TLSv1.3",
        "client_cert_requested": True,
        "client_cert_sent": False,
        "start_ns": START,
        "end_ns": START + 10**6,
    }
    return Handshake(id=name, **{**known, **facts})  # type: ignore[arg-type]


def alert(code: int, name: str) -> Alert:
    """A fatal alert of the server."""
    return Alert(client=False, level=2, code=code, name=name, packet=9, time_ns=START + 10**6)


def verdicts(*seen: Exchange | Handshake | Connection) -> list[Verdict]:
    """What is said of a trace that holds these."""
    return list(correlate(saw(*seen)))


def saw(*seen: Exchange | Handshake | Connection) -> Trace:
    """A trace that holds these."""
    trace = Trace()
    for value in seen:
        if isinstance(value, Exchange):
            trace.exchange(value)
        elif isinstance(value, Handshake):
            trace.handshake(value)
        else:
            trace.connection(value)
    return trace
