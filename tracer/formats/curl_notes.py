"""What curl says on its `*` lines -> connections, handshakes, and where the next exchange runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tracer.model.connection import Connection
from tracer.model.tls import Alert, Certificate, Handshake, HandshakeMessage
from tracer.transport.conversation import Context, Sink

from . import tls_words
from .http_talk import Place
from .message import address

_TRYING = re.compile(r"\s*Trying (\[?[0-9a-fA-F.:]+?\]?)(?::(\d+))?\.\.\.")
_CONNECTED = re.compile(r"Connected to (\S+) \(([^)\s]+)\) port (\d+)(?: \(#(\d+)\))?")
_ESTABLISHED = re.compile(r"Established connection to (\S+) \((\S+) port (\d+)\) from (\S+) port (\d+)")
_REUSED = re.compile(r"Re-?using existing (?:\S+ )?connection!?(?: \(?#(\d+)\)?)? with (?:host|proxy) (\S+)")
_MESSAGE = re.compile(r"(?:(TLSv1(?:\.\d)?|SSLv3|TLS \S+|QUIC) )?\((IN|OUT)\), TLS handshake, (.+?) \((\d+)\):?")
_ALERT = re.compile(r"(?:TLSv1(?:\.\d)?|SSLv3|TLS \S+|QUIC)? ?\((IN|OUT)\), TLS alert, (?:.*?)\((\d+)\):?")
_USING = re.compile(r"SSL connection using (\S+) / ([A-Z0-9_-]+)(?: / (\S+))?")
_ALPN = re.compile(r"ALPN[,:] server accepted(?: to use)? (\S+)")
_OFFERS = re.compile(r"ALPN[,:] (?:curl )?offer(?:s|ing) (\S+)")
_CERTIFICATE = re.compile(r"\s+(subject|issuer|start date|expire date|subjectAltName|common name): (.*)")
_STREAM = re.compile(r"Using (?:HTTP/?3 )?Stream ID: (\d+)|\[HTTP/[23]\] \[(\d+)\] OPENED stream for")
_PSEUDO = re.compile(r"(?:h2h3|h2|h3|\[HTTP/[23]\] \[\d+\]) ?\[:scheme: (\w+)\]|OPENED stream for (https?)://")
_RESET = re.compile(r"Connection reset by peer|Recv failure|Send failure|Empty reply from server", re.IGNORECASE)
_RESUMED = re.compile(r"SSL (?:re-using|reusing) session(?: ID)?|SSL session reused", re.IGNORECASE)
_BLOCK = re.compile(r"(Server|Proxy) certificate:")
_OTHER_TLS = re.compile(r"(?:TLS (1\.\d)|SSL) connection using (TLS_\S+|[A-Z0-9-]+)\s*$")
_NO_CERTIFICATE = re.compile(r"NSS: client certificate not found")
_MESSAGES = {
    1: "ClientHello",
    2: "ServerHello",
    4: "NewSessionTicket",
    8: "EncryptedExtensions",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    22: "CertificateStatus",
}
_KEPT_ALIVE = 100
"""connections back that a reuse is looked for; curl keeps fewer open"""
_RDN = {"organizationName": "O", "commonName": "CN"}


@dataclass(slots=True)
class _Tls:
    id: str
    sni: str | None = None
    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    offered: tuple[str, ...] = ()
    resumed: bool | None = None
    messages: list[HandshakeMessage] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    leaf: dict[str, str] = field(default_factory=dict)
    request: bool = False
    verify: bool = False
    finished: set[bool] = field(default_factory=set)


@dataclass(slots=True)
class _Peer:
    """One connection that curl made."""

    id: str
    host: str | None = None
    server: str | None = None
    client: str | None = None
    number: str | None = None
    pending: bool = True
    closed: str | None = None
    tls: list[_Tls] = field(default_factory=list)
    protocol: str = ""


class Notes:
    """Takes the text of `*` lines one by one; `place` says where the next request goes."""

    def __init__(self, context: Context) -> None:
        self.place = Place()
        self.scheme: str | None = None
        """told by a command line or an HTTP/2 line; wins over the port"""
        self.last: str = ""
        """the last line that told of a failure"""
        self._context = context
        self._peers: list[_Peer] = []
        self._offered: tuple[str, ...] = ()
        self._handshakes = 0
        self._block = ""

    def take(self, line: str) -> None:
        """Learn from one line."""
        if self._connection(line) or self._handshake(line) or self._certificate(line):
            return
        if found := _STREAM.search(line):
            self._place(stream=int(found[1] or found[2] or 0))
        if found := _PSEUDO.search(line):
            self.scheme = (found[1] or found[2]).lower()
            self._place()
        if _RESET.search(line):
            self.last = line.strip()
            if self._peers and "reset" in line.lower():
                self._peers[-1].closed = "server-rst"
        if said := tls_words.alert_in(line):
            self.last = line.strip()
            self._alert(False, 2, said.code)

    def tunnel(self, exchange: str) -> None:
        """A CONNECT was answered with 2xx: what follows runs inside it."""
        self._place(tunnel=exchange)

    # -- connections

    def _connection(self, line: str) -> bool:
        if found := _TRYING.match(line):
            if not (self._peers and self._peers[-1].pending and not self._peers[-1].tls):
                self._new_peer()
            self._peers[-1].server = address(found[1], int(found[2] or 0)) or self._peers[-1].server
        elif found := _CONNECTED.search(line):
            self._connected(found[1], found[2], int(found[3]), found[4])
        elif found := _ESTABLISHED.search(line):
            self._connected(found[1], found[2], int(found[3]), None)
            self._peers[-1].client = address(found[4], int(found[5]))
        elif found := _REUSED.search(line):
            self._reuse(found[1], found[2])
        else:
            return False
        self._place()
        return True

    def _new_peer(self) -> None:
        count = len(self._peers) + 1
        self._peers.append(_Peer(self._context.new_id("c", count)))
        self.place = Place()
        self.scheme = None

    def _connected(self, host: str, ip: str, port: int, number: str | None) -> None:
        if not (self._peers and self._peers[-1].pending):
            self._new_peer()
        peer = self._peers[-1]
        peer.host, peer.server, peer.number, peer.pending = host, address(ip, port), number, False

    def _reuse(self, number: str | None, host: str) -> None:
        for index in range(len(self._peers) - 1, max(len(self._peers) - _KEPT_ALIVE, 0) - 1, -1):
            peer = self._peers[index]
            if peer.number == number or peer.host == host.removesuffix(":443"):
                self._peers.append(self._peers.pop(index))
                return

    def _place(self, stream: int | None = None, tunnel: str | None = None) -> None:
        """A fresh value: the exchange at hand keeps the place it began with."""
        peer = self._peers[-1] if self._peers else None
        tls = peer.tls[-1] if peer and peer.tls else None
        port = (peer.server or "").rpartition(":")[2] if peer else ""
        same = peer is not None and self.place.connection == peer.id
        guess = "https" if tls or port in ("443", "8443") else "http" if peer else None
        self.place = Place(
            server=peer.server if peer else None,
            client=peer.client if peer else None,
            scheme=self.scheme or guess,
            connection=peer.id if peer else None,
            tls=tls.id if tls else None,
            tunnel=tunnel or (self.place.tunnel if same else None),
            stream=stream if stream is not None else (self.place.stream if same else None),
        )

    # -- handshakes

    def _handshake(self, line: str) -> bool:
        if found := _MESSAGE.search(line):
            self._message(found[2] == "OUT", found[1], found[3], int(found[4]))
        elif found := _ALERT.search(line):
            number = int(found[2])
            self._alert(found[1] == "OUT", number >> 8, number & 0xFF)
        elif found := _USING.search(line):
            tls = self._tls()
            tls.version, tls.cipher = tls_words.version(found[1]), tls_words.cipher(found[2])
            tls.group = found[3] if found[3] and found[3] != "[blank]" else None
        elif found := _OTHER_TLS.search(line):
            tls = self._tls()
            tls.version = f"TLSv{found[1]}" if found[1] else tls.version
            tls.cipher = tls_words.cipher(found[2])
        elif found := _ALPN.search(line):
            self._tls().alpn = found[1].rstrip(".")
        elif found := _OFFERS.search(line):
            self._offered += tuple(p for p in found[1].rstrip(".").split(",") if p not in self._offered)
        elif _NO_CERTIFICATE.search(line):
            self._tls().request = True
            self._tls().finished.add(True)
        elif _RESUMED.search(line):
            self._tls().resumed = True
        else:
            return False
        return True

    def _tls(self, fresh: bool = False) -> _Tls:
        if not self._peers:
            self._new_peer()
        peer = self._peers[-1]
        if not peer.tls or fresh:
            self._handshakes += 1
            peer.tls.append(_Tls(self._context.new_id("t", self._handshakes), offered=self._offered))
            self._offered = ()
            self._place()
        return peer.tls[-1]

    def _message(self, out: bool, version: str | None, name: str, number: int) -> None:
        again = number == 1 and out and self._peers and self._peers[-1].tls and self._peers[-1].tls[-1].finished
        tls = self._tls(fresh=bool(again))
        tls.messages.append(HandshakeMessage(client=out, name=_MESSAGES.get(number, name)))
        if number in (2, 20) and version and version.startswith("TLSv") and tls.version is None:
            tls.version = tls_words.version(version)
        tls.request |= number == 13 and not out
        tls.verify |= number == 15 and out
        if number == 20:
            tls.finished.add(out)

    def _alert(self, client: bool, level: int, code: int) -> None:
        tls = self._tls()
        if not any(a.client == client and a.code == code for a in tls.alerts):
            tls.alerts.append(Alert(client=client, level=level, code=code, name=tls_words.alert_name(code)))

    def _certificate(self, line: str) -> bool:
        if found := _BLOCK.match(line):
            self._block = found[1]
            return True
        found = _CERTIFICATE.match(line) if self._block else None
        if found:
            self._tls().leaf.setdefault(found[1], found[2].strip())
        return bool(found)

    # -- what was learnt

    def report(self, sink: Sink) -> None:
        """Report every connection and handshake."""
        for peer in self._peers:
            for tls in peer.tls:
                sink.handshake(_handshake(tls, peer, self._context))
            sink.connection(
                Connection(
                    id=peer.id,
                    source=self._context.source,
                    client=peer.client or "",
                    server=peer.server or "",
                    closed=peer.closed,
                )
            )


def _handshake(tls: _Tls, peer: _Peer, context: Context) -> Handshake:
    listed = bool(tls.messages)
    return Handshake(
        id=tls.id,
        source=context.source,
        client=peer.client or "",
        server=peer.server or "",
        connection=peer.id,
        sni=_sni(peer.host),
        version=tls.version,
        alpn=tls.alpn,
        alpn_offered=tls.offered,
        cipher=tls.cipher,
        group=tls.group,
        resumed=tls.resumed,
        server_certs=(_leaf(tls.leaf),) if tls.leaf.get("subject") else None,
        client_certs=() if tls.request and not tls.verify and True in tls.finished else None,
        client_cert_requested=tls.request if listed or tls.request else None,
        client_cert_sent=tls.verify if tls.request and True in tls.finished else (False if tls.finished else None),
        alerts=tuple(tls.alerts),
        messages=tuple(tls.messages),
        complete=len(tls.finished) == 2 or bool(tls.cipher) if listed or tls.cipher else None,
        decrypted=listed,
    )


def _sni(host: str | None) -> str | None:
    return None if host is None or re.fullmatch(r"[\d.]+|.*:.*", host) else host


def _leaf(facts: dict[str, str]) -> Certificate:
    """The server's certificate as curl prints it: names with `; ` between their parts, no serial."""
    return Certificate(
        subject=_rfc4514(facts.get("subject", "")),
        issuer=_rfc4514(facts.get("issuer", "")),
        not_before_ns=_moment(facts.get("start date", "")),
        not_after_ns=_moment(facts.get("expire date", "")),
        self_signed=bool(facts.get("issuer")) and facts.get("issuer") == facts.get("subject"),
    )


def _rfc4514(name: str) -> str:
    parts = [p.strip() for p in name.split(";") if "=" in p]
    return ",".join(
        _RDN.get(k.strip(), k.strip()) + "=" + v.strip() for k, _, v in (p.partition("=") for p in parts[::-1])
    )


def _moment(text: str) -> int | None:
    try:
        parsed = datetime.strptime(" ".join(text.split()).removesuffix(" GMT"), "%b %d %H:%M:%S %Y")
    except ValueError:
        return None
    return int(parsed.replace(tzinfo=UTC).timestamp()) * 10**9
