"""One side of the proxy -> its TLS handshake, as far as an end of it can tell."""

from __future__ import annotations

from functools import lru_cache

from tracer.formats import tls_words
from tracer.formats.mitm_flow import name_of, nanoseconds
from tracer.model.tls import Alert, Certificate, Handshake
from tracer.tls.certificates import read_certificate
from tracer.tls.hello import ClientHello, read_client_hello
from tracer.tls.ja import ja3, ja4
from tracer.tls.wire import ShortError

from .records import Side

PASSED = "passed through untouched by a rule"


def handshake_of(side: Side, name: str, connection: str, source: str) -> Handshake | None:
    """The handshake of this side; None while there is none."""
    if not (side.timestamp_tls_setup or side.hello or side.alerts or side.failed):
        return None
    hello = _hello(side.hello)
    own, peer = name_of(side.sockname) or "", name_of(side.peername) or name_of(side.address) or ""
    shown = tuple(_certificate(c) for c in side.certificate_list)
    done = bool(side.timestamp_tls_setup)
    transport = "quic" if side.transport_protocol == "udp" else "tcp"
    ours = (_certificate(side.mitmcert),) if side.mitmcert else None
    return Handshake(
        id=name,
        source=source,
        client=peer if side.outer else own,
        server=own if side.outer else peer,
        connection=connection,
        transport=transport,
        sni=side.sni or (hello.sni if hello else None),
        version=tls_words.version(side.tls_version),
        alpn=side.alpn.decode("latin-1") if side.alpn else None,
        alpn_offered=tuple(a.decode("latin-1") for a in side.alpn_offers) or (hello.alpn if hello else ()),
        cipher=tls_words.cipher(side.cipher),
        server_certs=ours if side.outer else (shown or None),
        client_certs=(shown if side.outer else None) if done or shown else None,
        client_cert_requested=side.asked,
        client_cert_sent=_sent(side, bool(shown)),
        acceptable_cas=side.cas,
        alerts=_alerts(side),
        complete=None if side.passed else done if done or side.failed else None,
        decrypted=done,
        why_not=PASSED if side.passed else None,
        client_random=hello.random.hex() if hello else None,
        ja3=ja3(hello) if hello else None,
        ja4=ja4(hello, transport) if hello else None,
        start_ns=nanoseconds(side.timestamp_tcp_setup or side.timestamp_start),
        end_ns=nanoseconds(side.timestamp_tls_setup or side.timestamp_end),
    )


def _sent(side: Side, shown: bool) -> bool | None:
    if side.asked is None and side.sent is None:
        return None
    return shown if side.outer else bool(side.sent and side.asked)


def _alerts(side: Side) -> tuple[Alert, ...]:
    """Those that OpenSSL told of; where it tells none, the one that its error message names."""
    alerts = tuple(
        Alert(client=a.sent is not side.outer, level=a.level, code=a.code, name=tls_words.alert_name(a.code))
        for a in side.alerts
    )
    said = tls_words.alert_in(side.error or "") if not alerts else None
    return (Alert(client=side.outer, level=2, code=said.code, name=said.name),) if said else alerts


def _hello(body: bytes | None) -> ClientHello | None:
    try:
        return read_client_hello(body) if body else None
    except (ShortError, ValueError):
        return None


@lru_cache(512)
def _certificate(der: bytes) -> Certificate:
    return read_certificate(der)
