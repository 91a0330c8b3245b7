"""ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1)."""

from __future__ import annotations

import struct

import msgspec

from .names import MESSAGES, is_grease
from .wire import Cursor, ShortError, items, numbers

SNI, GROUPS, FORMATS, SIGNATURES, ALPN = 0, 10, 11, 13, 16
EXTENDED_MASTER_SECRET, ENCRYPT_THEN_MAC, TICKET = 23, 22, 35
CLIENT_TYPE, SERVER_TYPE, RAW_KEY = 19, 20, b"\2"
"""kinds of certificates, and the one that is a public key alone (RFC 7250 section 3)"""
PSK, EARLY_DATA, VERSIONS, KEY_SHARE, STATUS, SCT, ECH = 41, 42, 43, 51, 5, 18, 0xFE0D
_EXTENSION = struct.Struct(">HH")
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""the random of a HelloRetryRequest (RFC 8446 section 4.1.3)"""


class ClientHello(msgspec.Struct, frozen=True):
    version: int
    random: bytes
    session_id: bytes
    ciphers: tuple[int, ...]
    extensions: tuple[tuple[int, bytes], ...]
    """(type, data) in order"""

    def extension(self, kind: int) -> bytes | None:
        return next((data for k, data in self.extensions if k == kind), None)

    @property
    def sni(self) -> str | None:
        """The host name asked for (RFC 6066 section 3)."""
        data = self.extension(SNI)
        if not data:
            return None
        try:
            for kind, name in items(Cursor(data).inside(2), lambda c: (c.number(1), c.opaque(2))):
                if kind == 0:
                    return name.decode("utf-8", "replace")
        except ShortError:
            pass
        return None

    @property
    def alpn(self) -> tuple[str, ...]:
        return read_alpn(self.extension(ALPN))

    @property
    def versions(self) -> tuple[int, ...]:
        data = self.extension(VERSIONS)
        return numbers(data[1:]) if data else ()

    @property
    def groups(self) -> tuple[int, ...]:
        return _list(self.extension(GROUPS))

    @property
    def signatures(self) -> tuple[int, ...]:
        return _list(self.extension(SIGNATURES))

    @property
    def formats(self) -> tuple[int, ...]:
        data = self.extension(FORMATS)
        return tuple(data[1 : 1 + data[0]]) if data else ()


class ServerHello(msgspec.Struct, frozen=True):
    legacy_version: int
    random: bytes
    session_id: bytes
    cipher: int
    extensions: tuple[tuple[int, bytes], ...]
    version: int
    """the negotiated version (RFC 8446 section 4.2.1)"""

    def extension(self, kind: int) -> bytes | None:
        return next((data for k, data in self.extensions if k == kind), None)

    @property
    def is_retry(self) -> bool:
        return self.random == RETRY_RANDOM

    @property
    def alpn(self) -> str | None:
        return next(iter(read_alpn(self.extension(ALPN))), None)

    @property
    def group(self) -> int | None:
        data = self.extension(KEY_SHARE)
        return int.from_bytes(data[:2]) if data and len(data) >= 2 else None


def message_name(kind: int, body: bytes) -> str:
    """The message's name; a HelloRetryRequest is a ServerHello by its type."""
    if kind == 2 and body[2:34] == RETRY_RANDOM:
        return "HelloRetryRequest"
    return MESSAGES.get(kind, f"message {kind}")


def read_client_hello(body: bytes) -> ClientHello:
    """The hello in a handshake message's body; raises ShortError. Extensions that are cut are left out."""
    c = Cursor(body)
    version, random = c.number(2), c.take(32)
    session, ciphers = c.opaque(1), numbers(c.opaque(2))
    c.opaque(1)
    return ClientHello(version, random, session, ciphers, _extensions(c))


def read_sslv2_hello(body: bytes) -> ClientHello:
    """A version 2 hello of a client that knows later versions (RFC 5246 appendix E.2)."""
    c = Cursor(body)
    version, ciphers, session, challenge = c.number(2), c.number(2), c.number(2), c.number(2)
    specs = numbers(c.take(ciphers), 3)
    c.take(session)
    random = c.take(challenge).rjust(32, b"\0")
    return ClientHello(version, random, b"", tuple(s for s in specs if s < 0x10000), ())


def read_server_hello(body: bytes) -> ServerHello:
    """The hello in a handshake message's body; raises ShortError."""
    c = Cursor(body)
    version, random = c.number(2), c.take(32)
    if version >> 8 == 0x7F:
        # drafts of TLS 1.3 before 22 had neither session id nor compression here
        session, cipher = b"", c.number(2)
    else:
        session, cipher = c.opaque(1), c.number(2)
        c.take(1)
    extensions = _extensions(c)
    return ServerHello(version, random, session, cipher, extensions, _negotiated(version, extensions))


def _negotiated(version: int, extensions: tuple[tuple[int, bytes], ...]) -> int:
    """What the server chose; drafts of TLS 1.3 (0x7f00 | draft) behave as it does."""
    data = next((data for kind, data in extensions if kind == VERSIONS), None)
    chosen = int.from_bytes(data[:2]) if data and len(data) >= 2 else version
    return 0x0304 if chosen >> 8 == 0x7F else chosen


def _extensions(c: Cursor) -> tuple[tuple[int, bytes], ...]:
    if len(c) < 2:
        return ()
    length, data, at = c.number(2), c.data, c.at
    end, found = min(c.end, at + length), []
    while at + 4 <= end:
        kind, size = _EXTENSION.unpack_from(data, at)
        at += 4 + size
        if at > end:
            break
        found.append((kind, data[at - size : at]))
    return tuple(found)


def _list(data: bytes | None) -> tuple[int, ...]:
    return numbers(data[2:]) if data else ()


def read_alpn(data: bytes | None) -> tuple[str, ...]:
    """Protocol names (RFC 7301 section 3.1), GREASE left out."""
    if not data or len(data) < 2:
        return ()
    names = items(Cursor(data, 2), lambda c: c.opaque(1))
    return tuple(n.decode("latin-1") for n in names if not (len(n) == 2 and is_grease(int.from_bytes(n))))
