"""Sends a request and keeps the answer: beside `browser_door` the only module here that opens a socket.

Every request has a connection of its own. TLS runs in memory buffers, so that what was on the wire can be read like
a capture: certificates, alerts, what the server asked for.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from pathlib import Path

import msgspec

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.tls import Handshake
from tracer.store.scratch import scratch
from tracer.tls.keys import Keys

from .asked import Ask, Place
from .browser_door import BROWSERS, send_as_browser
from .h1_out import write_h1
from .h2_out import H2Client
from .tape import Tape
from .tls_side import Trust, tls_context

_PIECE = 1 << 16
LARGEST_ANSWER = 64 << 20
"""bytes after which an answer is cut"""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request."""

    exchange: Exchange | None = None
    handshake: Handshake | None = None
    connection: Connection | None = None
    error: str = ""
    """why there is no (whole) answer: one sentence"""
    own_fault: bool = False
    """the error is on our side of the wire: a name that does not resolve, a certificate that we do not trust"""
    took_ns: int = 0
    """from the first byte sent to the first byte of the answer; 0 without one"""

    @property
    def status(self) -> int | None:
        """Final status; None without an answer."""
        return self.exchange.response.status if self.exchange and self.exchange.response else None


class _GaveUpError(Exception):
    """The text is the answer's `error`."""

    def __init__(self, text: str, own: bool = False) -> None:
        super().__init__(text)
        self.own = own


class Sender:
    """Sends requests one at a time."""

    def __init__(self, trust: Trust | None = None, timeout: float = 15.0) -> None:
        self.trust = trust or Trust()
        self.timeout = timeout
        """seconds until an answer is whole"""
        self.sent = 0

    def send(self, ask: Ask) -> Answer:
        """Send one request and wait for its answer. Raises TrustError for files of the user's that cannot be used."""
        self.sent += 1
        if ask.tls in BROWSERS:
            got = send_as_browser(ask, self.trust, self.timeout, f"r{self.sent}.", LARGEST_ANSWER)
            return Answer(exchange=got.exchange, error=got.error, took_ns=got.took_ns)
        until = time.monotonic() + self.timeout
        try:
            with _connect(ask.place, until) as sock:
                return _Talk(self.trust, ask, sock, f"r{self.sent}.", until).run()
        except _GaveUpError as error:
            return Answer(error=str(error), own_fault=error.own)


def _connect(place: Place, until: float) -> socket.socket:
    target = place.proxy or place.address
    host, port = _split(target) if target else (place.host, place.port)
    try:
        sock = socket.create_connection((host, port), max(0.1, until - time.monotonic()))
    except socket.gaierror as error:
        raise _GaveUpError(f"{host} does not resolve: {error.strerror}", own=True) from None
    except TimeoutError:
        raise _GaveUpError(f"{host}:{port} does not answer a connection attempt", own=True) from None
    except OSError as error:
        raise _GaveUpError(f"no connection to {host}:{port}: {error.strerror or error}", own=True) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if place.proxy:
        try:
            _tunnel(sock, place, until)
        except BaseException:
            sock.close()
            raise
    return sock


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _tunnel(sock: socket.socket, place: Place, until: float) -> None:
    """CONNECT through the proxy (RFC 9110 section 9.3.6)."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    where = (place.tunnel or f"{host}:{place.port}").encode()
    lines = [b"CONNECT %b HTTP/1.1" % where, b"Host: " + where, *(n + b": " + v for n, v in place.proxy_fields)]
    head = b""
    try:
        sock.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        while b"\r\n\r\n" not in head and len(head) < _PIECE:
            sock.settimeout(max(0.05, until - time.monotonic()))
            piece = sock.recv(1)  # not a byte of what follows
            if not piece:
                break
            head += piece
    except OSError as error:
        raise _GaveUpError(f"the proxy {place.proxy} gave up: {error.strerror or error}", own=True) from None
    found = re.match(rb"HTTP/\d\.\d (\d{3})", head)
    if not found or not found[1].startswith(b"2"):
        said = found[1].decode() if found else "nothing"
        raise _GaveUpError(f"the proxy {place.proxy} said {said} to CONNECT {where.decode()}", own=True)


class _Talk:
    """One request on one connection."""

    def __init__(self, trust: Trust, ask: Ask, sock: socket.socket, prefix: str, until: float) -> None:
        self.trust, self.ask, self.sock, self.until = trust, ask, sock, until
        self.keys = Keys()
        place = ask.place
        self.tape = Tape("replay", prefix, _end(sock.getsockname), _end(sock.getpeername), place.scheme, self.keys)
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.closed: str | None = None
        self.received = 0
        self.asked_ns = self.answered_ns = 0
        self.h2: H2Client | None = None

    def run(self) -> Answer:
        error, own = "", False
        with scratch() as folder:
            try:
                if self.ask.place.scheme == "https":
                    self._handshake(folder / "keys.log")
                self._ask()
                self._listen()
            except _GaveUpError as gave_up:
                error, own = str(gave_up), gave_up.own
            except ssl.SSLError as failed:
                own = isinstance(failed, ssl.SSLCertVerificationError)
                error = _tls_words(failed, self.ask.place)
            except TimeoutError:
                error = "no (whole) answer in time"
            except OSError as failed:
                self.closed = self.closed or "server-rst"
                error = f"the connection broke: {failed.strerror or failed}"
            exchange, handshake, connection = self.tape.end(self.closed)
        took = max(0, self.answered_ns - self.asked_ns) if self.answered_ns else 0
        return Answer(
            exchange=exchange, handshake=handshake, connection=connection, error=error, own_fault=own, took_ns=took
        )

    # -- TLS

    def _handshake(self, key_log: Path) -> None:
        ask = self.ask
        os.close(os.open(key_log, os.O_CREAT | os.O_WRONLY, 0o600))
        log = open(key_log, "rb")  # noqa: SIM115 (closed by the garbage collector with its reader)
        self.keys.follow(log.read, "replay")
        alpn = list(ask.alpn) or (["h2", "http/1.1"] if ask.version == "HTTP/2" else ["http/1.1"])
        context = tls_context(self.trust, alpn, ask.tls, ask.certificate, str(key_log))
        name = ask.place.sni or ask.place.host
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    self.closed = "server-fin"
                    raise _GaveUpError("the server closed the connection during the TLS handshake") from None
            except ssl.SSLError:
                self._flush()  # our alert
                raise
        self._flush()
        if ask.version == "HTTP/2" and self.tls.selected_alpn_protocol() != "h2":
            raise _GaveUpError("the server does not speak HTTP/2 here")

    def _flush(self) -> None:
        data = self.outgoing.read()
        if data:
            self.tape.say_sealed(True, data, time.time_ns())
            self._send_raw(data)

    def _fill(self) -> bool:
        """Take what came off the wire; False at its end."""
        data = self._receive_raw()
        if not data:
            self.incoming.write_eof()
            return False
        self.tape.say_sealed(False, data, time.time_ns())
        self.incoming.write(data)
        return True

    # -- the request

    def _ask(self) -> None:
        if self.ask.version == "HTTP/2":
            self.h2 = H2Client(self.ask)
            data = self.h2.start()
        else:
            data = write_h1(self.ask)
        self.asked_ns = time.time_ns()
        self._say(data)

    def _say(self, data: bytes) -> None:
        if not data:
            return
        self.tape.say(True, data, time.time_ns())
        if self.tls is None:
            self._send_raw(data)
            return
        for at in range(0, len(data), _PIECE):
            self.tls.write(data[at : at + _PIECE])
            self._flush()

    def _listen(self) -> None:
        while not self._is_over():
            data = self._hear()
            if data is None:
                self.closed = self.closed or "server-fin"
                break
            self.answered_ns = self.answered_ns or time.time_ns()
            self.received += len(data)
            self.tape.say(False, data, time.time_ns())
            if self.h2:
                self._say(self.h2.receive(data))
            if self.received > LARGEST_ANSWER:
                raise _GaveUpError(f"the answer is longer than {LARGEST_ANSWER >> 20} MiB; the rest was not taken")

    def _is_over(self) -> bool:
        if self.h2:
            return self.h2.done
        return self.tape.exchange is not None or self.tape.switched

    def _hear(self) -> bytes | None:
        """Plain bytes of the server; None at the end."""
        if self.tls is None:
            return self._receive_raw() or None
        while True:
            try:
                return self.tls.read(_PIECE) or None
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return None

    # -- the socket

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _send_raw(self, data: bytes) -> None:
        self.sock.settimeout(self._left())
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may be there already: a server may refuse before it has read everything

    def _receive_raw(self) -> bytes:
        self.sock.settimeout(self._left())
        return self.sock.recv(_PIECE)


def _end(name: object) -> str:
    host, port = name()[:2]  # type: ignore[operator]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tls_words(error: ssl.SSLError, place: Place) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {place.name} is not trusted: {error.verify_message}; --cacert or --insecure"
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return f"TLS: {reason}"
