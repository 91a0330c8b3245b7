"""TLS handshakes as values."""

from __future__ import annotations

import msgspec

from .problem import Problem


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate as sent. Names in RFC 4514 form; serial in lower-case hex without leading zeros."""

    der: bytes = b""
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    sha256: str = ""
    not_before_ns: int | None = None
    not_after_ns: int | None = None
    names: tuple[str, ...] = ()
    """subject alternative names: `DNS:a.example`, `IP:127.0.0.1`, `URI:spiffe://…`, `email:…`"""
    key: str = ""
    """`RSA 2048`, `EC secp256r1`, `Ed25519`"""
    signature: str = ""
    """signature algorithm, e.g. `sha256WithRSAEncryption`"""
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    is_ca: bool | None = None
    self_signed: bool = False
    raw_key: bool = False
    """no certificate but a public key alone (RFC 7250): `der` and `sha256` are of that"""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    client: bool
    """sent by the client"""
    level: int
    code: int
    name: str
    """RFC 8446 section 6 name, lower case with underscores; `unknown_<code>`"""
    packet: int | None = None
    time_ns: int | None = None


class HandshakeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ladder."""

    client: bool
    name: str
    """`ClientHello`, `ServerHello`, `Certificate`, …, `encrypted`"""
    packet: int | None = None
    time_ns: int | None = None
    size: int = 0


class Handshake(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one TLS (or QUIC) handshake tells. `None` where encryption or capture hides it."""

    id: str
    """`t4`: the handshake whose first message is in packet 4"""
    source: str
    client: str = ""
    server: str = ""
    connection: str | None = None
    transport: str = "tcp"
    sni: str | None = None
    """of the ClientHello on the wire: the outer name, where an encrypted one was accepted"""
    version: str | None = None
    """`SSLv3`, `TLSv1.0`, … `TLSv1.3`: the negotiated one; only if a ServerHello was seen"""
    alpn: str | None = None
    """chosen by the server"""
    alpn_offered: tuple[str, ...] = ()
    cipher: str | None = None
    """IANA name"""
    group: str | None = None
    """key exchange group, e.g. `x25519`"""
    resumed: bool | None = None
    server_certs: tuple[Certificate, ...] | None = None
    """as sent, leaf first; () = none sent; None = cannot be known"""
    client_certs: tuple[Certificate, ...] | None = None
    client_cert_requested: bool | None = None
    client_cert_sent: bool | None = None
    acceptable_cas: tuple[str, ...] = ()
    """distinguished names the CertificateRequest listed, RFC 4514"""
    acceptable_signatures: tuple[str, ...] = ()
    acceptable_key_types: tuple[str, ...] = ()
    """TLS 1.2 certificate_types: `rsa_sign`, `ecdsa_sign`"""
    alerts: tuple[Alert, ...] = ()
    messages: tuple[HandshakeMessage, ...] = ()
    complete: bool | None = None
    """both Finished seen (or application data after it); None when hidden"""
    decrypted: bool = False
    why_not: str | None = None
    """why it could not be decrypted: `no keys for this client random`, `joined late`, …"""
    client_random: str | None = None
    """lower-case hex, as key logs name it"""
    ja3: str | None = None
    ja3s: str | None = None
    ja4: str | None = None
    ech: bool = False
    """an encrypted ClientHello was offered, or only feigned (GREASE)"""
    ech_accepted: bool | None = None
    """the server took it, and `sni` is the outer name only; None: none was offered, or it cannot be told"""
    sni_inside: str | None = None
    """the name in the encrypted ClientHello, where the key log opens it"""
    inside_random: str | None = None
    """its random in lower-case hex, as key logs name the secrets of an accepted one"""
    early_data: bool | None = None
    """the client offered it"""
    early_data_accepted: bool | None = None
    """and the server took it; None: not offered, or hidden"""
    ocsp: bytes | None = None
    scts: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    """of the last handshake message seen"""
    packets: tuple[int, ...] = ()
    """first packets of each handshake message"""
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str | None:
        """Whom the client asked for: not the outer name where the server took the encrypted one."""
        return self.sni_inside if self.ech_accepted else self.sni
