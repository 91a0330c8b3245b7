"""Certificates that other programs stored -> ours."""

from __future__ import annotations

import hashlib

from tracer.model.tls import Certificate


def certificate_of(der: bytes) -> Certificate:
    """The certificate with its names, dates and key; only the bytes and their hash when they do not parse."""
    from cryptography import x509

    digest = hashlib.sha256(der).hexdigest()
    try:
        cert = x509.load_der_x509_certificate(der)
        return Certificate(
            der=der,
            subject=cert.subject.rfc4514_string(),
            issuer=cert.issuer.rfc4514_string(),
            serial=f"{cert.serial_number:x}",
            sha256=digest,
            not_before_ns=int(cert.not_valid_before_utc.timestamp()) * 10**9,
            not_after_ns=int(cert.not_valid_after_utc.timestamp()) * 10**9,
            names=_names(cert),
            key=_key(cert),
            signature=getattr(cert.signature_algorithm_oid, "_name", ""),
            self_signed=cert.subject == cert.issuer,
        )
    except Exception:  # the parser refuses what is not X.509 in many ways; the bytes are still worth keeping
        return Certificate(der=der, sha256=digest)


def _names(cert: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(cert, x509.Certificate)
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    kinds: dict[object, str] = {
        x509.DNSName: "DNS",
        x509.IPAddress: "IP",
        x509.UniformResourceIdentifier: "URI",
        x509.RFC822Name: "email",
    }
    return tuple(f"{kinds[type(n)]}:{n.value}" for n in names if type(n) in kinds)


def _key(cert: object) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    assert isinstance(cert, x509.Certificate)
    key = cert.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else type(key).__name__.removesuffix("PublicKey")
