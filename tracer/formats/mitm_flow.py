"""One mitmproxy flow -> one exchange, and the connections and handshakes on both sides of the proxy.

Saved and live flows take this one path. A flow tells what was agreed in TLS on both sides, not how: that becomes
facts, `mitm.server-tls.…` and `mitm.client-tls.…`. Only where the handshake itself is the matter (it was refused, or
the client showed a certificate) it becomes a Handshake; the exchange names the server's side, the fact
`mitm.client-tls.handshake` the client's.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from tracer.model.connection import Connection
from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, Timing
from tracer.model.tls import Alert, Handshake
from tracer.transport.conversation import Context, Sink

from . import tls_words
from .certificate import certificate_of
from .message import address, version_of
from .writing import iso

_REMEMBERED = 4096
_LISTENING = re.compile(r"@(?:[\w.:\[\]]*:)?\d+$")
"""where a mode listens, at its end: `reverse:https://shop.test@8443` would read as a name and a password"""
_OPCODES = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


class FlowReader:
    """Converts flows one after the other; remembers which connections it has reported."""

    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._seen: OrderedDict[str, tuple[str, str | None]] = OrderedDict()

    def take(self, flow: Any, number: int) -> bool:
        """Report a flow's exchange as `e<number>`; False when the flow is not HTTP."""
        client, server = flow.client_conn, flow.server_conn
        _, inner_tls = self._connection(client, name_of(client.peername), name_of(client.sockname), number, True)
        upstream, tls = None, None
        if server.timestamp_start or server.peername or server.error:
            here, there = name_of(server.sockname), name_of(server.peername) or name_of(server.address)
            upstream, tls = self._connection(server, here, there, number, False)
        if flow.type != "http":
            return False
        extra = _extra(flow)
        if inner_tls:
            extra["mitm.client-tls.handshake"] = inner_tls
        name, source = self._context.new_id("e", number), self._context.source
        self._sink.exchange(exchange_of(flow, name, source, number, connection=upstream, tls=tls, extra=extra))
        return True

    def _connection(
        self, side: Any, client: str | None, server: str | None, number: int, outer: bool
    ) -> tuple[str, str | None]:
        """Ids of the Connection and the Handshake of one side, reported when first met."""
        if known := self._seen.get(side.id):
            return known
        tls = _handshake(side, client or "", server or "", number, outer, self._context)
        connection = Connection(
            id=self._context.new_id("c", number),
            source=self._context.source,
            transport="quic" if side.transport_protocol == "udp" else "tcp",
            client=client or "",
            server=server or "",
            start_ns=nanoseconds(side.timestamp_start) or 0,
            end_ns=nanoseconds(side.timestamp_end) or 0,
        )
        if tls is not None:
            self._sink.handshake(tls)
        self._sink.connection(connection)
        known = self._seen[side.id] = connection.id, tls.id if tls else None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return known


def exchange_of(
    flow: Any,
    name: str,
    source: str,
    number: int,
    *,
    extra: dict[str, str],
    connection: str | None = None,
    tls: str | None = None,
    tunnel: str | None = None,
) -> Exchange:
    """The exchange that an HTTP flow holds, as its client saw it; `name` becomes its id."""
    request = _request(flow.request, number)
    response = _response(flow.response, number) if flow.response else None
    server = flow.server_conn
    return Exchange(
        id=name,
        source=source,
        protocol=request.version,
        client=name_of(flow.client_conn.peername),
        server=name_of(server.peername) or name_of(server.address),
        connection=connection,
        tls=tls,
        tunnel=tunnel,
        request=request,
        response=response,
        timing=_timing(flow),
        events=_events(flow.websocket),
        aborted=flow.error.msg[:400] if flow.error else None,
        comment="; ".join(w for w in (flow.error.msg if flow.error else "", flow.comment) if w)[:4000],
        extra=extra,
    )


def name_of(place: Any) -> str | None:
    return address(str(place[0]), int(place[1])) if place else None


def nanoseconds(seconds: float | None) -> int | None:
    """Nanoseconds; a double holds today's seconds to about a quarter of a microsecond, so to whole microseconds."""
    return round(seconds * 1e6) * 1000 if seconds else None


def _headers(fields: Any) -> Headers:
    return tuple(map(tuple, fields.fields)) if fields else ()


def _body(message: Any) -> Body:
    data = message.raw_content
    whole = getattr(message, "size", None)
    """of a body that was recorded in part"""
    if data is None:
        lost = "but passed through the proxy as a stream and was not kept" if whole is None else None
        return Body(size=_declared(message) if whole is None else whole, complete=False, lost=lost)
    named = ",".join(message.headers.get_all("content-encoding")).split(",")
    codings = tuple(c.strip().lower() for c in named if c.strip() and c.strip().lower() != "identity")
    return Body(size=whole or len(data), complete=whole is None, data=bytes(data), codings=codings)


def _declared(message: Any) -> int:
    """The length that the head tells of a body that was not kept; 0 where it tells none."""
    value = (message.headers.get("content-length") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0


def _request(message: Any, number: int) -> Request:
    connect = message.method == "CONNECT"
    two = version_of(message.http_version) in ("HTTP/2", "HTTP/3")
    target = (message.authority or f"{message.host}:{message.port}") if connect else message.path
    return Request(
        method=message.method,
        target=target,
        scheme=None if connect else message.scheme or None,
        authority=message.authority or None,
        url=target if connect else message.pretty_url,
        version=version_of(message.http_version) or "HTTP/1.1",
        headers=_headers(message.headers),
        trailers=_headers(message.trailers),
        body=_body(message),
        head=b"" if two else _head(f"{message.method} {target} {message.http_version}", message),
        packet=number,
    )


def _response(message: Any, number: int) -> Response:
    version = version_of(message.http_version) or "HTTP/1.1"
    two = version in ("HTTP/2", "HTTP/3")
    return Response(
        status=message.status_code,
        reason=message.reason or "",
        version=version,
        headers=_headers(message.headers),
        trailers=_headers(message.trailers),
        body=_body(message),
        head=b"" if two else _head(f"{message.http_version} {message.status_code} {message.reason}", message),
        packet=number,
    )


def _head(line: str, message: Any) -> bytes:
    return b"\r\n".join((line.encode("utf-8", "surrogateescape"), bytes(message.headers), b""))


def _timing(flow: Any) -> Timing:
    response = flow.response
    return Timing(
        start_ns=nanoseconds(flow.request.timestamp_start),
        request_end_ns=nanoseconds(flow.request.timestamp_end),
        response_start_ns=nanoseconds(response.timestamp_start) if response else None,
        end_ns=nanoseconds(response.timestamp_end) if response else None,
    )


def _events(websocket: Any) -> tuple[Event, ...]:
    if websocket is None:
        return ()
    events = [
        Event(
            kind=_OPCODES.get(int(m.type), "binary"),
            client=bool(m.from_client),
            time_ns=nanoseconds(m.timestamp),
            data=m.content,
            size=len(m.content),
        )
        for m in websocket.messages
    ]
    if websocket.close_code is not None:
        reason = (websocket.close_reason or "").encode()
        events.append(
            Event(
                kind="close",
                client=bool(websocket.closed_by_client),
                time_ns=nanoseconds(websocket.timestamp_end),
                data=reason,
                size=len(reason),
                code=websocket.close_code,
            )
        )
    return tuple(events)


def facts_of(
    client: Any, server: Any, client_tls: Mapping[str, str | None], server_tls: Mapping[str, str | None]
) -> dict[str, str]:
    """The proxy as a hop between two connections, and what was agreed on them (see `agreed`)."""
    mode = _LISTENING.sub("", str(getattr(client.proxy_mode, "full_spec", ""))) if client.proxy_mode else ""
    facts = {
        "mitm.proxy": name_of(client.sockname),
        "mitm.mode": mode,
        "mitm.server-address": name_of(server.address),
        "mitm.upstream-proxy": name_of(server.via[1]) if server.via else None,
        "mitm.server-error": server.error,
        "mitm.client-error": client.error,
    }
    facts |= {f"mitm.client-tls.{name}": value for name, value in client_tls.items()}
    facts |= {f"mitm.server-tls.{name}": value for name, value in server_tls.items()}
    return _told(facts)


def treated(flow: Any) -> dict[str, str]:
    """What was done to a flow in the proxy."""
    changed = "true" if flow.type == "http" and flow.modified() else None
    return _told({"mitm.replay": flow.is_replay, "mitm.marked": flow.marked, "mitm.modified": changed})


def _told(facts: dict[str, str | None]) -> dict[str, str]:
    return {name: str(value)[:400] for name, value in facts.items() if value}


def _extra(flow: Any) -> dict[str, str]:
    client, server = flow.client_conn, flow.server_conn
    return facts_of(client, server, agreed(client), agreed(server)) | treated(flow)


def agreed(side: Any) -> dict[str, str | None]:
    """What one side of the proxy agreed on in TLS, and the certificate that was shown there."""
    if not side.tls_version and not side.timestamp_tls_setup:
        return {}
    leaf = certificate_of(_der(side.certificate_list[0])) if side.certificate_list else None
    return {
        "version": tls_words.version(side.tls_version),
        "cipher": tls_words.cipher(side.cipher),
        "alpn": side.alpn.decode("latin-1") if side.alpn else None,
        "sni": side.sni,
        "subject": leaf.subject if leaf else None,
        "issuer": leaf.issuer if leaf else None,
        "sha256": leaf.sha256 if leaf else None,
        "not-after": iso(leaf.not_after_ns, 0) if leaf else None,
    }


def _handshake(side: Any, client: str, server: str, number: int, outer: bool, context: Context) -> Handshake | None:
    """The handshake of one side of the proxy, where it is the matter; else None."""
    said = tls_words.alert_in(side.error or "")
    if not said and not (outer and side.certificate_list):
        return None
    certs = tuple(certificate_of(_der(c)) for c in side.certificate_list or ())
    mitm = getattr(side, "mitmcert", None) if outer else None
    presented = (certificate_of(_der(mitm)),) if mitm else None
    return Handshake(
        id=context.new_id("t", number),
        source=context.source,
        client=client,
        server=server,
        transport="quic" if side.transport_protocol == "udp" else "tcp",
        sni=side.sni or None,
        version=tls_words.version(side.tls_version),
        alpn=side.alpn.decode("latin-1") if side.alpn else None,
        alpn_offered=tuple(a.decode("latin-1") for a in side.alpn_offers or ()),
        cipher=tls_words.cipher(side.cipher),
        server_certs=presented if outer else (certs or None),
        client_certs=certs if outer and certs else None,
        client_cert_sent=True if outer and certs else None,
        alerts=(Alert(client=outer, level=2, code=said.code, name=said.name),) if said else (),
        complete=True if side.timestamp_tls_setup else (False if said else None),
        decrypted=bool(side.timestamp_tls_setup),
        start_ns=nanoseconds(getattr(side, "timestamp_tcp_setup", None) or side.timestamp_start),
        end_ns=nanoseconds(side.timestamp_tls_setup),
    )


def _der(cert: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    if isinstance(cert, bytes):
        return cert
    encoded: bytes = cert.to_cryptography().public_bytes(Encoding.DER)
    return encoded
