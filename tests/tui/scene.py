"""A trace that says the same in every release: exchanges of `pcaps/`, and beside them some that are made here.

The verdicts are written out, so that what the screens show changes with the interface alone, not with the judge.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.tui.stage import capture
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Headers, Request, Response, Timing
from tracer.model.source import Source
from tracer.model.tls import Alert, Certificate, Handshake, HandshakeMessage
from tracer.model.verdict import Alternative, Cause, Evidence, Hop, Layer, Link, PathEntry, Said, Seen, Verdict
from tracer.pipeline import read
from tracer.store.trace import Trace

MS = 10**6
DAY = 86_400 * 10**9
DENIED = "e24"
"""an exchange of the capture"""
NAME = "shop.pcapng"
CLIENT, GATEWAY = "10.0.0.7:50412", "192.0.2.10:443"


def scene() -> Trace:
    """Thirteen exchanges in the clear and over TLS, a redirect that loses a token, a handshake that is refused."""
    real = read([capture("nginx-deny")], judge=False).trace
    trace = Trace()
    trace.source(Source(name=NAME, kind="pcapng", packets=40, path=capture("nginx-deny")))
    for connection in real.connections():
        trace.connection(msgspec.structs.replace(connection, source=NAME))
    for exchange in real.exchanges():
        trace.exchange(msgspec.structs.replace(exchange, source=NAME))
    denied = real.exchange(DENIED)
    assert denied is not None
    assert denied.timing.start_ns is not None
    begin = denied.timing.start_ns + 2 * MS
    trace.connection(
        Connection(id="c100", source=NAME, client=CLIENT, server=GATEWAY, start_ns=begin, end_ns=begin + 90 * MS,
                   rtt_ns=400_000, client_rtt_ns=200_000, packets=60)
    )  # fmt: skip
    trace.handshake(_handshake("t100", begin + MS, refused=False))
    trace.handshake(_handshake("t200", begin + 80 * MS, refused=True))
    for exchange in _exchanges(begin):
        trace.exchange(exchange)
    for verdict in (_by_nginx(denied.timing.start_ns), _lost(begin + 40 * MS), _refused(begin + 80 * MS)):
        trace.verdict(verdict)
    return trace


def _exchanges(begin: int) -> Iterator[Exchange]:
    token = ((b"authorization", b"Bearer abcdefghijklmnop-0001"),)
    yield _exchange(
        "e100", begin + 6 * MS, "GET", "shop.example.test", "/", 200, 5, b"<html><title>Shop</title></html>"
    )
    for number, (method, target, status, took) in enumerate(
        (("GET", "/style.css", 200, 2), ("GET", "/app.js", 200, 9), ("POST", "/api/cart?item=17", 201, 14),
         ("GET", "/api/cart", 200, 6), ("GET", "/img/a-picture-with-a-very-long-name-that-no-list-has-room-for.png",
          404, 3), ("GET", "/api/slow", 502, 30))
    ):  # fmt: skip
        yield _exchange(
            f"e{101 + number}", begin + (12 + 4 * number) * MS, method, "shop.example.test", target, status, took
        )
    redirect = ((b"location", b"https://api.example.test/orders"),)
    yield _exchange("e110", begin + 34 * MS, "GET", "shop.example.test", "/orders", 302, 3, sent=token, got=redirect)
    yield _exchange("e111", begin + 38 * MS, "GET", "api.example.test", "/orders", 401, 4, b'{"error": "no token"}')


def _exchange(
    name: str, at: int, method: str, host: str, target: str, status: int, took: int, body: bytes = b"",
    sent: Headers = (), got: Headers = (),
) -> Exchange:  # fmt: skip
    kind = b"application/json" if body[:1] == b"{" else b"text/html"
    number = int(name[1:])
    return Exchange(
        id=name, source=NAME, protocol="HTTP/2", connection="c100", tls="t100", client=CLIENT, server=GATEWAY,
        stream=2 * number - 199, packets=(number, number + 1),
        request=Request(method=method, target=target, url=f"https://{host}{target}", version="HTTP/2", packet=number,
                        headers=((b"host", host.encode()), (b"user-agent", b"shop/1.0"), *sent)),
        response=Response(status=status, version="HTTP/2", packet=number + 1, body=Body(size=len(body), data=body),
                          headers=((b"server", b"gate"), (b"content-type", kind), *got)),
        timing=Timing(start_ns=at, request_end_ns=at + MS // 10, response_start_ns=at + took * MS - MS // 2,
                      end_ns=at + took * MS),
    )  # fmt: skip


def _handshake(name: str, at: int, refused: bool) -> Handshake:
    authority = "CN=Example Test CA"
    leaf = Certificate(
        subject="CN=*.example.test", issuer=authority, serial="0a", sha256="ab" * 32, not_before_ns=at - 30 * DAY,
        not_after_ns=at + 60 * DAY, names=("DNS:*.example.test",), key="ECDSA 256", signature="ecdsa-sha256",
    )  # fmt: skip
    told = [(True, "ClientHello", 512), (False, "ServerHello", 122), (False, "CertificateRequest", 84),
            (False, "Certificate", 910), (False, "CertificateVerify", 79), (False, "Finished", 36),
            (True, "Certificate", 8), (True, "Finished", 36)]  # fmt: skip
    messages = tuple(
        HandshakeMessage(client=client, name=what, packet=100 + n, time_ns=at + n * MS // 4, size=size)
        for n, (client, what, size) in enumerate(told)
    )
    alert = Alert(client=False, level=2, code=116, name="certificate_required", packet=110, time_ns=at + 3 * MS)
    return Handshake(
        id=name, source=NAME, client=CLIENT, server=GATEWAY, connection="c100", sni="shop.example.test",
        version="TLSv1.3", alpn="h2", cipher="TLS_AES_128_GCM_SHA256", group="x25519", resumed=False,
        server_certs=(leaf,), client_certs=(), client_cert_requested=True, client_cert_sent=False,
        acceptable_cas=(authority,), alerts=(alert,) if refused else (), messages=messages, complete=not refused,
        decrypted=True, ja4="t13d1516h2_8daaf6152771_e5627efa2ab1", start_ns=at, end_ns=at + 3 * MS,
        packets=(100, 110),
    )  # fmt: skip


def _by_nginx(at: int) -> Verdict:
    return Verdict(
        source=NAME, exchange=DENIED, method="GET", url="http://static.example.test/private/report.html", status=403,
        time_ns=at, layer=Layer.ORIGIN, product="nginx", cause=Cause.PATH_DENIED, confidence=0.91,
        cause_confidence=0.62, hop=Hop(name="nginx", address="127.0.4.1:80"), story="origin nginx path-denied",
        headline="403 was said by nginx (origin): a rule denies this path.", seen_at=("e29",),
        path=(PathEntry(layer=Layer.CDN, product="varnish", address="127.0.1.2:80", said=Said.FORWARDED),
              PathEntry(layer=Layer.ORIGIN, product="nginx", address="127.0.4.1:80", said=Said.GENERATED)),
        evidence=(
            Evidence(id="v1", says="nginx writes this page", supports="generated:origin", weight=3.6,
                     seen=Seen(exchange=DENIED, where="response body", packet=36,
                               value="<html><head><title>403 Forbidden</title></head><body>nginx/1.22.1</body></html>"),
                     reference="https://nginx.org/en/docs/http/ngx_http_access_module.html"),
            Evidence(id="v2", says="Varnish relayed this answer: Via and Age are present", supports="forwarded:cdn",
                     weight=2.1, seen=Seen(exchange=DENIED, where="response header via", packet=36,
                                           value="1.1 varnish (Varnish/7.1)")),
            Evidence(id="v3", says="an application would have set a cookie", supports="against:app", weight=-0.7,
                     seen=Seen(exchange=DENIED, where="response status line", value="403", packet=36)),
        ),
        alternatives=(Alternative(layer=Layer.APP, cause=Cause.INSUFFICIENT_SCOPE, confidence=0.06),
                      Alternative(layer=Layer.WAF, product="modsecurity", cause=Cause.WAF_RULE, confidence=0.02)),
        next_steps=("`nginx -T | grep -n 'location\\|deny'`: which location matches, and what it denies",
                    "read nginx's error log at that time: `access forbidden by rule` names the rule"),
    )  # fmt: skip


def _lost(at: int) -> Verdict:
    return Verdict(
        source=NAME, exchange="e111", method="GET", url="https://api.example.test/orders", status=401, time_ns=at,
        layer=Layer.APP, product=None, cause=Cause.CREDENTIALS_LOST_IN_REDIRECT, confidence=0.83,
        cause_confidence=0.9, hop=Hop(), chain=("e110", "e111"), story="app credentials-lost-in-redirect",
        links=(Link(first="e110", then="e111", kind="redirect", lost=("Authorization: another host",)),),
        headline="401 was said by the application: the credentials were lost on the way through a redirect.",
        path=(PathEntry(layer=Layer.GATEWAY, product="envoy", address=GATEWAY, said=Said.FORWARDED),
              PathEntry(layer=Layer.APP, said=Said.GENERATED)),
        evidence=(Evidence(id="v1", says="Authorization went to shop.example.test only", supports="cause:"
                           "credentials-lost-in-redirect", weight=5.5,
                           seen=Seen(exchange="e110", where="request header authorization", packet=110)),),
        next_steps=("ask the last URL directly, with the credentials",),
    )  # fmt: skip


def _refused(at: int) -> Verdict:
    return Verdict(
        source=NAME, exchange="t200", url="https://shop.example.test/", time_ns=at, layer=Layer.GATEWAY, confidence=0.7,
        cause=Cause.CLIENT_CERT_MISSING, cause_confidence=0.95, hop=Hop(address=GATEWAY),
        headline="The TLS handshake was refused by the gateway: a client certificate is asked for, and none was sent.",
        path=(PathEntry(layer=Layer.GATEWAY, address=GATEWAY, said=Said.GENERATED),),
        evidence=(Evidence(id="v1", says="the server says that a certificate is required", supports="generated:gateway",
                           weight=3.0, seen=Seen(where="alert certificate_required", packet=110)),),
        next_steps=("give the client a certificate of CN=Example Test CA",), story="gateway client-cert-missing",
    )  # fmt: skip
