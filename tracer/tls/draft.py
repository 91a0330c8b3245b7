"""A handshake while it is being read: facts arrive in any order, the value is made at the end."""

from __future__ import annotations

from tracer.model.problem import Problem, Severity
from tracer.model.tls import Alert, Certificate, Handshake, HandshakeMessage
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

from .cipher_suites import cipher_name, has_certificate
from .ech import Opener
from .hello import EARLY_DATA, ECH, PSK, TICKET, ClientHello, ServerHello
from .ja import ja3, ja3s, ja4
from .names import GROUPS, VERSIONS, alert_name, name_of
from .unopened import WhyNot

Chain = tuple[Certificate, ...] | None
Shown = tuple[Chain, Chain, bool | None, bool | None]
"""(server's certificates, client's, whether one was requested of it, whether it sent one)"""
MOST = 200
"""messages and alerts kept of one handshake"""
ECH_REQUIRED = 121
"""alert of a client whose encrypted ClientHello was not taken (RFC 9849 section 6.1.6)"""


class Draft:
    """Facts of one handshake."""

    def __init__(self, context: Context, first: Mark, transport: str = "tcp") -> None:
        self.context = context
        self.id = context.new_id("t", first.packet)
        self.transport = transport
        self.first = first
        self.last = first
        self.client_hello: ClientHello | None = None
        self.opener: Opener | None = None
        """opens the encrypted ClientHello"""
        self.inside: ClientHello | None = None
        """the hello in the encrypted ClientHello"""
        self.inside_random: bytes | None = None
        """its random; known as well where only the secrets it names turned out to open the records"""
        self.named: bytes | None = None
        """the random that names the secrets in use"""
        self.ech_refused = False
        self._server_hello: ServerHello | None = None
        self.version: int | None = None
        """the negotiated one, once the server has said it"""
        self.is_13 = False
        self.alpn: str | None = None
        self.group: int | None = None
        """of a ServerKeyExchange; from TLS 1.3 on the ServerHello tells"""
        self.server_certs: tuple[Certificate, ...] | None = None
        self.client_certs: tuple[Certificate, ...] | None = None
        self.requested: bool | None = None
        self.acceptable_cas: tuple[str, ...] = ()
        self.acceptable_signatures: tuple[str, ...] = ()
        self.acceptable_key_types: tuple[str, ...] = ()
        self.server_done = False
        self.client_key: bytes | None = None
        """body of the ClientKeyExchange"""
        self.ticket = b""
        """ticket of the NewSessionTicket of TLS 1.2 and before (RFC 5077)"""
        self.transcript = bytearray()
        """handshake messages up to the ClientKeyExchange, for the extended master secret (RFC 7627)"""
        self.finished: set[bool] = set()
        self.changed: set[bool] = set()
        """sides that sent ChangeCipherSpec"""
        self.alerts: list[Alert] = []
        self.messages: list[HandshakeMessage] = []
        self.decrypted = False
        self.why_not: WhyNot | None = None
        self.ocsp: bytes | None = None
        self.scts: int | None = None
        self.early_data: bool | None = None
        """the server took it"""
        self.problems: list[Problem] = []
        self.application_data = False

    @property
    def server_hello(self) -> ServerHello | None:
        return self._server_hello

    @server_hello.setter
    def server_hello(self, hello: ServerHello) -> None:
        self._server_hello = hello
        self.version = hello.version
        self.is_13 = hello.version == 0x0304

    @property
    def randoms(self) -> tuple[bytes, ...]:
        """What may name the secrets in a key log: the random inside the encrypted ClientHello, the one outside."""
        outside = (self.client_hello.random,) if self.client_hello else ()
        return (self.inside_random, *outside) if self.inside_random is not None else outside

    @property
    def offers_early_data(self) -> bool:
        return self.client_hello is not None and self.client_hello.extension(EARLY_DATA) is not None

    @property
    def _ech_accepted(self) -> bool | None:
        if self.client_hello is None or self.client_hello.extension(ECH) is None:
            return None
        refused = self.ech_refused or any(a.client and a.code == ECH_REQUIRED for a in self.alerts)
        if refused or (self.version is not None and not self.is_13):
            return False
        return True if self.named is not None and self.named == self.inside_random else None

    @property
    def is_settled(self) -> bool:
        """Both sides have agreed, or are about to speak under the new keys."""
        return bool(self.finished or self.changed or self.application_data)

    def add_message(self, client: bool, name: str, mark: Mark, size: int) -> None:
        """Note a message; of those past `MOST` only that there were more."""
        self.last = max(self.last, mark)
        if self.context.brief and self.messages:
            return
        if len(self.messages) < MOST:
            self.messages.append(
                HandshakeMessage(client=client, name=name, packet=mark.packet, time_ns=mark.time_ns, size=size)
            )
        else:
            self._note_many("messages", mark)

    def add_alert(self, client: bool, level: int, code: int, mark: Mark) -> None:
        """Note an alert; of those past `MOST` only that there were more."""
        if len(self.alerts) < MOST:
            name = alert_name(code)
            self.alerts.append(
                Alert(client=client, level=level, code=code, name=name, packet=mark.packet, time_ns=mark.time_ns)
            )
        else:
            self._note_many("alerts", mark)

    def _note_many(self, what: str, mark: Mark) -> None:
        code = f"tls.many-{what}"
        if all(p.code != code for p in self.problems):
            text = f"more than {MOST} {what} in one handshake: the later ones are not kept"
            source = self.context.source
            self.problems.append(
                Problem(code=code, severity=Severity.NOTE, text=text, source=source, packet=mark.packet)
            )

    @property
    def resumed(self) -> bool | None:
        """An earlier session's secret was used (RFC 8446 section 2.2, RFC 5246 section 7.3, RFC 5077)."""
        hello, answer = self.client_hello, self.server_hello
        if answer is None:
            return None
        if self.is_13:
            return answer.extension(PSK) is not None
        if self.server_certs or self.server_done:
            return False
        if hello is None:
            return None
        same = bool(answer.session_id) and answer.session_id == hello.session_id
        ticket = bool(hello.extension(TICKET)) and False in self.changed
        return same or ticket

    def _why_not(self) -> str | None:
        """Why nothing could be decrypted, or only the handshake."""
        if self.why_not is None or (self.decrypted and self.why_not is not WhyNot.INCOMPLETE):
            return None
        return str(self.why_not)

    def _brief(self) -> Handshake:
        """Whose it is, and whether it was opened."""
        c = self.context
        return Handshake(
            id=self.id,
            source=c.source,
            client=c.client,
            server=c.server,
            connection=c.connection,
            transport=self.transport,
            decrypted=self.decrypted,
            why_not=self._why_not(),
        )

    def build(self) -> Handshake:
        """The value; what encryption or capture hides stays None."""
        if self.context.brief:
            return self._brief()
        hello, answer = self.client_hello, self.server_hello
        group = answer.group if answer and answer.group is not None else self.group
        server_certs, client_certs, requested, sent = self._certificates()
        return Handshake(
            id=self.id,
            source=self.context.source,
            client=self.context.client,
            server=self.context.server,
            connection=self.context.connection,
            transport=self.transport,
            sni=hello.sni if hello else None,
            version=VERSIONS.get(answer.version, f"0x{answer.version:04x}") if answer else None,
            alpn=self.alpn or (answer.alpn if answer else None),
            alpn_offered=hello.alpn if hello else (),
            cipher=cipher_name(answer.cipher) if answer else None,
            group=name_of(GROUPS, group) if group is not None else None,
            resumed=self.resumed,
            server_certs=server_certs,
            client_certs=client_certs,
            client_cert_requested=requested,
            client_cert_sent=sent,
            acceptable_cas=self.acceptable_cas,
            acceptable_signatures=self.acceptable_signatures,
            acceptable_key_types=self.acceptable_key_types,
            alerts=tuple(sorted(self.alerts, key=_packet)),
            messages=tuple(sorted(self.messages, key=_packet)),
            complete=len(self.finished) == 2 or self.application_data or None,
            decrypted=self.decrypted,
            why_not=self._why_not(),
            client_random=hello.random.hex() if hello else None,
            ja3=ja3(hello) if hello else None,
            ja3s=ja3s(answer) if answer else None,
            ja4=ja4(hello, self.transport) if hello else None,
            ech=hello is not None and hello.extension(ECH) is not None,
            ech_accepted=self._ech_accepted,
            sni_inside=self.inside.sni if self.inside else None,
            inside_random=self.inside_random.hex() if self.inside_random is not None else None,
            early_data=self.offers_early_data if hello else None,
            early_data_accepted=self.early_data if self.offers_early_data else None,
            ocsp=self.ocsp,
            scts=self.scts,
            start_ns=self.first.time_ns,
            end_ns=self.last.time_ns,
            packets=tuple(dict.fromkeys(m.packet for m in self.messages if m.packet is not None))[:64],
            problems=tuple(self.problems),
        )

    def _certificates(self) -> Shown:
        """What the absence of a message tells, where it would have been read: an empty chain, nothing asked or sent."""
        answer, requested = self.server_hello, self.requested
        server_certs, client_certs = self.server_certs, self.client_certs
        readable = answer is not None and (not self.is_13 or self.decrypted)
        if self.resumed:
            server_certs = server_certs or ()
            requested = bool(requested)
        elif self.server_done and answer is not None and not has_certificate(answer.cipher):
            server_certs = server_certs or ()
        if readable and requested is None and (self.server_done or self.finished):
            requested = False
        sent = None if client_certs is None else bool(client_certs)
        if requested is False and sent is None:
            sent, client_certs = False, client_certs or ()
        if readable and requested and sent is None and (True in self.finished or True in self.changed):
            sent, client_certs = False, ()
        return server_certs, client_certs, requested, sent


def _packet(told: HandshakeMessage | Alert) -> int:
    """What both sides say after the handshake is read one side at a time."""
    return told.packet or 0
