"""Certificates as sent -> model values. What `cryptography` refuses is read by a small DER walk: subject, issuer,
serial and dates are worth having of odd certificates too."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tracer.model.tls import Certificate

LARGEST = 1 << 16
_OIDS = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
_ALGORITHMS = {
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
"""of keys and signatures alike (RFC 9881 section 2)"""


@lru_cache(maxsize=2048)
def read_certificate(der: bytes) -> Certificate:
    """The certificate's facts; at least its hash."""
    sha256 = hashlib.sha256(der).hexdigest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(der, sha256)
    except Exception:  # cryptography refuses odd encodings with many kinds of errors; the walk below takes over
        return _read_raw_key(der, sha256) or _read_leniently(der, sha256)


def _read(der: bytes, sha256: str) -> Certificate:
    from cryptography import x509

    c = x509.load_der_x509_certificate(der)
    subject, issuer = c.subject.rfc4514_string(), c.issuer.rfc4514_string()
    return Certificate(
        der=der,
        subject=subject,
        issuer=issuer,
        serial=f"{c.serial_number:x}",
        sha256=sha256,
        not_before_ns=_ns(c.not_valid_before_utc),
        not_after_ns=_ns(c.not_valid_after_utc),
        names=_names(c),
        key=_key(c),
        signature=_signature(c),
        key_usage=_key_usage(c),
        extended_key_usage=_extended_usage(c),
        is_ca=_is_ca(c),
        self_signed=c.subject == c.issuer,
    )


def _read_raw_key(der: bytes, sha256: str) -> Certificate | None:
    """A SubjectPublicKeyInfo where a certificate would stand (RFC 7250 section 3)."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except Exception:  # refused with many kinds of errors as well
        return None
    return Certificate(der=der, sha256=sha256, key=_key_name(key), raw_key=True)


def _signature(c: Any) -> str:
    oid = c.signature_algorithm_oid
    known = _ALGORITHMS.get(oid.dotted_string)
    return known or str(getattr(oid, "_name", "")) or str(oid.dotted_string)


def _ns(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000_000


def moment(time_ns: int) -> str:
    """`2026-11-23 20:00:00 UTC`; the number of seconds for times that no calendar has."""
    try:
        return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"second {time_ns // 10**9}"


def _extension(c: Any, kind: Any) -> Any:
    try:
        return c.extensions.get_extension_for_class(kind).value
    except Exception:  # absent, or of a form cryptography does not read
        return None


def _names(c: Any) -> tuple[str, ...]:
    from cryptography import x509

    value = _extension(c, x509.SubjectAlternativeName)
    kinds = {"DNSName": "DNS", "IPAddress": "IP", "UniformResourceIdentifier": "URI", "RFC822Name": "email"}
    return tuple(f"{kinds[type(n).__name__]}:{n.value}" for n in value or () if type(n).__name__ in kinds)


def _key(c: Any) -> str:
    known = _ALGORITHMS.get(c.public_key_algorithm_oid.dotted_string)
    if known:
        return known
    try:
        return _key_name(c.public_key())
    except Exception:  # a kind of key nobody here knows
        return ""


def _key_name(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else "other"


def _key_usage(c: Any) -> tuple[str, ...]:
    from cryptography import x509

    value = _extension(c, x509.KeyUsage)
    if value is None:
        return ()
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return tuple(n for n in (*names, "key_cert_sign", "crl_sign") if getattr(value, n))


def _extended_usage(c: Any) -> tuple[str, ...]:
    from cryptography import x509

    value = _extension(c, x509.ExtendedKeyUsage)
    return tuple(getattr(oid, "_name", oid.dotted_string) for oid in value or ())


def _is_ca(c: Any) -> bool | None:
    from cryptography import x509

    value = _extension(c, x509.BasicConstraints)
    return None if value is None else bool(value.ca)


def name_text(der: bytes) -> str:
    """A distinguished name in RFC 4514 form, from its DER."""
    try:
        return ",".join(reversed(list(_rdns(der))))
    except (IndexError, ValueError, UnicodeDecodeError):
        return "0x" + der[:64].hex()


@lru_cache(maxsize=1024)
def _names_of(der: bytes) -> tuple[str, str]:
    lenient = _read_leniently(der, "")
    return lenient.subject, lenient.issuer


def sent_names(c: Certificate) -> tuple[str, str]:
    """(subject, issuer) in the form that `name_text` gives, so that they compare with names of other messages."""
    subject, issuer = _names_of(c.der) if c.der else ("", "")
    return subject or c.subject, issuer or c.issuer


# -- a lenient walk over DER (X.690)


def _tlv(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, start of content, end of content)."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        n = length & 0x7F
        if n > 4:
            raise ValueError("length of a length")
        length = int.from_bytes(data[at : at + n])
        at += n
    if at + length > len(data):
        raise ValueError("content past the end")
    return tag, at, at + length


def _children(data: bytes, start: int, end: int) -> list[tuple[int, int, int, int]]:
    """(tag, whole start, content start, content end) of each element."""
    found: list[tuple[int, int, int, int]] = []
    while start < end and len(found) < 1000:
        tag, inner, stop = _tlv(data, start)
        found.append((tag, start, inner, stop))
        start = stop
    return found


def _rdns(der: bytes) -> list[str]:
    _, start, end = _tlv(der, 0)
    parts = []
    for _, _, a, b in _children(der, start, end):
        pairs = []
        for _, _, c, d in _children(der, a, b):
            oid, value = _children(der, c, d)[:2]
            name = _oid(der[oid[2] : oid[3]])
            raw = der[value[2] : value[3]]
            string = raw.decode("utf-16-be" if value[0] == 30 else "utf-8", "replace")
            pairs.append(f"{_OIDS.get(name, name)}={_escape(string)}")
        parts.append("+".join(pairs))
    return parts


def _escape(value: str) -> str:
    """RFC 4514 section 2.4."""
    out = "".join("\\" + c if c in ',+"\\<>;' else c for c in value)
    if out[:1] in ("#", " "):
        out = "\\" + out
    return out


def _oid(data: bytes) -> str:
    values, current = [], 0
    for byte in data:
        current = current << 7 | byte & 0x7F
        if not byte & 0x80:
            values.append(current)
            current = 0
    first = values[0] if values else 0
    lead = (min(first // 40, 2), first - 40 * min(first // 40, 2))
    return ".".join(map(str, (*lead, *values[1:])))


def _read_leniently(der: bytes, sha256: str) -> Certificate:
    try:
        _, start, _ = _tlv(der, 0)
        _, inner, stop = _tlv(der, start)
        parts = _children(der, inner, stop)
        if parts[0][0] == 0xA0:
            parts = parts[1:]
        serial, _, issuer, validity, subject = parts[:5]
        dates = [_date(der[a:b]) for _, _, a, b in _children(der, validity[2], validity[3])]
    except (IndexError, ValueError):
        return Certificate(der=der, sha256=sha256)
    number = int.from_bytes(der[serial[2] : serial[3]], signed=True)
    return Certificate(
        der=der,
        sha256=sha256,
        serial=f"{number:x}",
        issuer=name_text(der[issuer[1] : issuer[3]]),
        subject=name_text(der[subject[1] : subject[3]]),
        not_before_ns=dates[0] if dates else None,
        not_after_ns=dates[1] if len(dates) > 1 else None,
        self_signed=der[issuer[1] : issuer[3]] == der[subject[1] : subject[3]],
    )


def _date(data: bytes) -> int | None:
    """UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5)."""
    string = data.decode("latin-1").rstrip("Z")
    if len(string) in (10, 12):
        string = ("20" if int(string[:2]) < 50 else "19") + string
    try:
        when = datetime.strptime(string[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return _ns(when)
