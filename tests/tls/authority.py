"""Certificates for tests: authorities and what they issue, with any fault wanted."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its key, and who issued it."""

    certificate: x509.Certificate
    key: Any
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def private(self, password: bytes | None = None, form: str = "PKCS8", encoding: Any = PEM) -> bytes:
        """The private key, behind a password if given."""
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        kind = getattr(serialization.PrivateFormat, form)
        data: bytes = self.key.private_bytes(encoding, kind, lock)
        return data

    def write(self, path: Path) -> Path:
        """Chain and key in one PEM file."""
        path.write_bytes(self.pem + b"".join(c.public_bytes(PEM) for c in self.above) + self.private())
        return path


def issue(
    name: str,
    by: Identity | None = None,
    *,
    ca: bool = False,
    usage: tuple[Any, ...] | None = None,
    signs: bool | None = True,
    start: datetime.timedelta = -DAY,
    end: datetime.timedelta = 30 * DAY,
    kind: str = "ec",
    names: tuple[str, ...] = (),
    send_root: bool = False,
) -> Identity:
    """A certificate; `usage` its extended key usages, `signs` its digitalSignature bit (None: no key usage at all)."""
    key: Any = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer = by.certificate.subject if by else subject
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), NOW + start, NOW + end
    ).add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if by is not None:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        builder = builder.add_extension(known, critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    if signs is not None:
        builder = builder.add_extension(_key_usage(ca, signs), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    certificate = builder.sign(by.key if by else key, hashes.SHA256())
    above = () if by is None else (*((by.certificate,) if by.above or send_root else ()), *by.above)
    return Identity(certificate, key, above)


def _key_usage(ca: bool, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
