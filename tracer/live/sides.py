"""The connections of the proxy, to the client and to the server, as records: each written when something is new.

mitmproxy's connection objects are read, never changed. A TLS side is followed by OpenSSL's information callback:
whether a certificate was asked for, and the alerts of both ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .records import Alert, Record, Side

_KNOWN = 2048
_CAS = 200
_ALERT, _READ, _LOOP, _ALERTS = 0x4000, 0x04, 0x01, 16
"""SSL_CB_ALERT, SSL_CB_READ, SSL_CB_LOOP of SSL_CTX_set_info_callback(3)"""
_ASKED = (b"certificate request", b"cert request")
"""ends of the states in which OpenSSL reads or writes a CertificateRequest (SSL_state_string_long(3))"""


class _Known:
    """What was seen of one connection besides what its object holds."""

    __slots__ = (
        "alerts", "asked", "cas", "end", "error", "failed", "hello", "number", "passed", "sent", "tls", "written"
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.number = number
        self.written = False
        """what is kept here is in the current segment, and so are `tls`, `end` and `error` of the connection"""
        self.tls: float | None = None
        self.end: float | None = None
        self.error: str | None = None
        self.hello: bytes | None = None
        self.asked: bool | None = None
        self.cas: tuple[str, ...] = ()
        self.sent: bool | None = None
        self.alerts: list[Alert] = []
        self.failed = self.passed = False


class Sides:
    """Numbers connections and writes them with `put`."""

    def __init__(self, put: Callable[[Record], bool]) -> None:
        self._put = put
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._count = 0

    def number(self, connection: Any) -> int:
        """The number of a connection, which is in the journal with what is known of it now."""
        known = self._known.get(connection.id) or self._new(connection)
        if not (
            known.written
            and known.tls is connection.timestamp_tls_setup
            and known.end is connection.timestamp_end
            and known.error is connection.error
        ):
            known.tls, known.end, known.error = (
                connection.timestamp_tls_setup,
                connection.timestamp_end,
                connection.error,
            )
            known.written = self._put(_record(connection, known))
        return known.number

    def note(self, connection: Any, *, write: bool = True, **seen: Any) -> None:
        """Keep facts (`hello`, `asked`, `cas`, `sent`, `failed`, `passed`) of a connection."""
        known = self._of(connection)
        for name, value in seen.items():
            setattr(known, name, value)
        known.written = False
        if write:
            self.number(connection)

    def watch(self, connection: Any, ssl: Any) -> None:
        """Follow the handshake of a pyOpenSSL connection that is about to begin."""
        if not hasattr(ssl, "set_info_callback"):  # QUIC, or a pyOpenSSL that has it for contexts only
            return
        known = self._of(connection)
        known.asked, known.written = False, False

        def event(connection: Any, where: int, value: int) -> None:
            try:
                if where & _ALERT and len(known.alerts) < _ALERTS:
                    known.alerts.append(Alert(not where & _READ, value >> 8, value & 0xFF))
                    known.written = False
                elif where & _LOOP and not known.asked and connection.get_state_string().endswith(_ASKED):
                    known.asked, known.written = True, False
            except Exception:  # OpenSSL is on the stack: it must not see this
                pass

        ssl.set_info_callback(event)

    def agreed(self, connection: Any, ssl: Any, failed: bool) -> None:
        """A handshake in which the proxy was the client: whom it would have trusted, and whether we had one to send."""
        known = self._of(connection)
        known.failed, known.written = failed, False
        if known.asked and ssl is not None:
            from tracer.tls.certificates import name_text

            known.cas = tuple(name_text(n.der()) for n in ssl.get_client_ca_list()[:_CAS])
            known.sent = ssl.get_certificate() is not None
        self.number(connection)

    def gone(self, connection: Any) -> None:
        """The connection has ended."""
        if connection.id in self._known:
            self.number(connection)

    def forget_written(self) -> None:
        """A new segment begins: whatever is used in it is written again."""
        for known in self._known.values():
            known.written = False

    def _of(self, connection: Any) -> _Known:
        return self._known.get(connection.id) or self._new(connection)

    def _new(self, connection: Any) -> _Known:
        self._count += 1
        known = self._known[connection.id] = _Known(self._count)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return known


def _record(connection: Any, known: _Known) -> Side:
    address = getattr(connection, "address", None) if not hasattr(connection, "mitmcert") else None
    via = getattr(connection, "via", None)
    mitmcert = getattr(connection, "mitmcert", None)
    mode = getattr(connection, "proxy_mode", None)
    return Side(
        number=known.number,
        outer=hasattr(connection, "mitmcert"),
        id=connection.id,
        transport_protocol=connection.transport_protocol,
        peername=_place(connection.peername),
        sockname=_place(connection.sockname),
        address=_place(address),
        via=(via[0], _place(via[1]) or ("", 0)) if via else None,
        mode=str(mode.full_spec) if mode is not None else "",
        error=connection.error,
        tls=bool(connection.tls),
        sni=connection.sni,
        alpn=connection.alpn,
        alpn_offers=tuple(connection.alpn_offers),
        cipher=connection.cipher,
        tls_version=connection.tls_version,
        certificate_list=tuple(_der(c) for c in connection.certificate_list),
        mitmcert=_der(mitmcert) if mitmcert is not None else None,
        timestamp_start=connection.timestamp_start,
        timestamp_tcp_setup=getattr(connection, "timestamp_tcp_setup", None),
        timestamp_tls_setup=connection.timestamp_tls_setup,
        timestamp_end=connection.timestamp_end,
        hello=known.hello,
        asked=known.asked,
        cas=known.cas,
        sent=known.sent,
        alerts=tuple(known.alerts),
        failed=known.failed,
        passed=known.passed,
    )


def _place(address: Any) -> tuple[str, int] | None:
    return (str(address[0]), int(address[1])) if address else None


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    encoded: bytes = certificate.to_cryptography().public_bytes(Encoding.DER)
    return encoded
