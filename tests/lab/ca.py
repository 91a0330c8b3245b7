"""The lab's own certificate authority, server certificates, and client certificates good and bad."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def save(self, stem: Path) -> None:
        """stem.pem, stem.key, and stem.both.pem with the two joined."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for ending, content in ((".pem", pem), (".key", key), (".both.pem", pem + key)):
            target = stem.with_name(stem.name + ending)
            target.write_bytes(content)
            target.chmod(0o644)


def authority(name: str) -> Identity:
    return _signed(name, None, ca=True)


def _signed(
    name: str,
    issuer: Identity | None,
    *,
    ca: bool = False,
    usage: x509.ObjectIdentifier | None = None,
    names: tuple[str, ...] = (),
    days: tuple[int, int] = (-1, 30),
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * _DAY)
        .not_valid_after(now + days[1] * _DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(known, critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
    return Identity(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _revocations(issuer: Identity, revoked: x509.Certificate) -> bytes:
    now = dt.datetime.now(dt.UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number).revocation_date(now).build()
    built = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    built = built.last_update(now - _DAY).next_update(now + 30 * _DAY).add_revoked_certificate(entry)
    return built.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def make(folder: Path) -> None:
    """Fills `folder`: ca, server, bare (for another name), client, hop, expired, notyet, revoked, purpose, stranger."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, other = authority("Example Test CA"), authority("Somebody Else CA")
    ca.save(folder / "ca")
    other.save(folder / "other-ca")
    client, server = Usage.CLIENT_AUTH, Usage.SERVER_AUTH
    _signed("example.test", ca, usage=server, names=("example.test", "*.example.test")).save(folder / "server")
    _signed("other.test", ca, usage=server, names=("other.test",)).save(folder / "bare")
    _signed("alice", ca, usage=client).save(folder / "client")
    _signed("edge", ca, usage=client, names=("edge.example.test",)).save(folder / "hop")
    _signed("expired", ca, usage=client, days=(-30, -2)).save(folder / "expired")
    _signed("early", ca, usage=client, days=(20, 30)).save(folder / "notyet")
    _signed("wrong purpose", ca, usage=server).save(folder / "purpose")
    _signed("stranger", other, usage=client).save(folder / "stranger")
    revoked = _signed("revoked", ca, usage=client)
    revoked.save(folder / "revoked")
    (folder / "crl.pem").write_bytes(_revocations(ca, revoked.certificate))


def leaf(name: str, issuer: Identity, *, names: tuple[str, ...] = (), client: bool = False) -> Identity:
    """A good certificate for a server with these names, or for a client."""
    return _signed(name, issuer, usage=Usage.CLIENT_AUTH if client else Usage.SERVER_AUTH, names=names)
