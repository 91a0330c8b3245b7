"""Handshake messages into a draft (RFC 8446 section 4, RFC 5246 section 7.4)."""

from __future__ import annotations

from tracer.model.tls import Certificate

from .certificates import LARGEST, name_text, read_certificate
from .cipher_suites import cipher_name
from .draft import Draft
from .hello import (
    ALPN,
    CLIENT_TYPE,
    EARLY_DATA,
    ECH,
    RAW_KEY,
    SCT,
    SERVER_TYPE,
    STATUS,
    read_alpn,
    read_client_hello,
    read_server_hello,
)
from .names import KEY_TYPES, SIGNATURES, name_of
from .wire import Cursor, items, numbers

CHAIN = 32
"""certificates read of one chain"""
INFLATED = 1 << 20
_NAMED_CURVE = 3


UNLISTED = {8, 11, 13, 15, 22, 25}
"""messages that bear neither on keys nor on whether there are any, once TLS 1.3 is agreed on; but the one that says
whether early data was taken"""


def take(draft: Draft, client: bool, kind: int, body: bytes) -> None:
    """Note what a message tells; raises ShortError for one that is cut or lies."""
    if draft.context.brief and draft.is_13 and kind in UNLISTED and not (kind == 8 and draft.offers_early_data):
        return
    if kind == 1 and client:
        draft.client_hello = read_client_hello(body)
    elif kind == 2 and not client:
        draft.server_hello = read_server_hello(body)
    elif kind == 8:
        _encrypted_extensions(draft, body)
    elif kind == 11:
        _certificate(draft, client, body)
    elif kind == 25:
        _compressed_certificate(draft, client, body)
    elif kind == 12:
        _key_exchange(draft, body)
    elif kind == 13:
        _certificate_request(draft, body)
    elif kind == 4 and not draft.is_13:
        draft.ticket = Cursor(body, 4).opaque(2)
    elif kind == 14:
        draft.server_done = True
    elif kind == 22:
        _status(draft, body)
    elif kind == 20:
        draft.finished.add(client)


def _encrypted_extensions(draft: Draft, body: bytes) -> None:
    draft.early_data = False
    for kind, data in items(Cursor(body).inside(2), lambda c: (c.number(2), c.opaque(2))):
        if kind == ALPN:
            draft.alpn = next(iter(read_alpn(data)), None)
        elif kind == EARLY_DATA:
            draft.early_data = True
        elif kind == ECH:
            # configurations to try again with (RFC 9849 section 5)
            draft.ech_refused = True


def _certificate(draft: Draft, client: bool, body: bytes) -> None:
    c = Cursor(body)
    ders: list[bytes] = []
    if draft.is_13:
        c.opaque(1)
        for der, extensions in items(c.inside(3), lambda x: (x.opaque(3), x.opaque(2))):
            ders.append(der)
            if len(ders) == 1:
                _leaf_extensions(draft, extensions)
    elif draft.server_hello and draft.server_hello.extension(CLIENT_TYPE if client else SERVER_TYPE) == RAW_KEY:
        ders.append(c.opaque(3))
    else:
        ders = list(items(c.inside(3), lambda x: x.opaque(3)))
    read = _unread if draft.context.brief else read_certificate
    chain = tuple(read(der[:LARGEST]) for der in ders[:CHAIN])
    if client:
        draft.client_certs = chain
    else:
        draft.server_certs = chain


def _unread(der: bytes) -> Certificate:
    return Certificate(der=der)


def _leaf_extensions(draft: Draft, data: bytes) -> None:
    for kind, value in items(Cursor(data), lambda c: (c.number(2), c.opaque(2))):
        if kind == STATUS and len(value) > 4:
            draft.ocsp = value[4:]
        elif kind == SCT:
            draft.scts = sum(1 for _ in items(Cursor(value, 2), lambda c: c.opaque(2)))


def _compressed_certificate(draft: Draft, client: bool, body: bytes) -> None:
    """RFC 8879: zlib, brotli or zstd, to a length that is told and bounded."""
    from tracer.http.body import decode

    c = Cursor(body)
    algorithm, size = c.number(2), c.number(3)
    coding = {1: "deflate", 2: "br", 3: "zstd"}.get(algorithm)
    data = c.opaque(3)
    if coding is None:
        return
    found = decode(data, (coding,), min(size, INFLATED))
    if len(found.data) < size:
        raise ValueError(found.problem or f"{len(found.data)} bytes unpacked where {size} were told")
    _certificate(draft, client, found.data)


def _key_exchange(draft: Draft, body: bytes) -> None:
    """The named curve of ECDHE (RFC 8422 section 5.4), behind a hint where keys are shared (RFC 5489 section 2)."""
    name = cipher_name(draft.server_hello.cipher) if draft.server_hello else ""
    if name.startswith("TLS_ECDH"):
        c = Cursor(body)
        if "_PSK_" in name:
            c.opaque(2)
        if c.number(1) == _NAMED_CURVE:
            draft.group = c.number(2)


def _certificate_request(draft: Draft, body: bytes) -> None:
    draft.requested = True
    c = Cursor(body)
    if draft.is_13:
        c.opaque(1)
        for kind, data in items(c.inside(2), lambda x: (x.number(2), x.opaque(2))):
            if kind == 13:
                draft.acceptable_signatures = tuple(name_of(SIGNATURES, s) for s in numbers(data[2:]))
            elif kind == 47:
                draft.acceptable_cas = tuple(name_text(n) for n in items(Cursor(data, 2), lambda x: x.opaque(2)))
        return
    draft.acceptable_key_types = tuple(KEY_TYPES.get(k, str(k)) for k in c.opaque(1))
    if draft.version == 0x0303:
        draft.acceptable_signatures = tuple(name_of(SIGNATURES, s) for s in numbers(c.opaque(2)))
    draft.acceptable_cas = tuple(name_text(n) for n in items(c.inside(2), lambda x: x.opaque(2)))


def _status(draft: Draft, body: bytes) -> None:
    """RFC 6066 section 8."""
    if len(body) > 4 and body[0] == 1:
        draft.ocsp = body[4:]
