"""What TLS libraries call things in their messages -> the registered names: alerts, ciphers, versions."""

from __future__ import annotations

import re
from typing import NamedTuple

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}
"""TLS alert registry (RFC 8446 section 6 and the IANA list)"""

_CODES = {name: code for code, name in ALERTS.items()}
_OPENSSL = re.compile(r"(?:\balert[ _:]+|\b(?:sslv3|tlsv1|tlsv13)[ _]+(?:alert[ _]+)?)([a-z0-9 _/]+)", re.IGNORECASE)
_REASON = re.compile(r"\breason\((\d{4})\)|alert number (\d{1,3})", re.IGNORECASE)
_RUSTLS = re.compile(r"(?:AlertReceived\(|received fatal alert: )([A-Za-z]+)")
_GNUTLS = re.compile(r"TLS (?:fatal|warning) alert (?:has been )?received[.:]*\s*(?:\[(\d+)\]\s*)?:?\s*([A-Za-z .]*)")
_GNUTLS_WORDS = {
    "certificate is bad": 42,
    "certificate is not supported": 43,
    "certificate was revoked": 44,
    "certificate is expired": 45,
    "unknown certificate": 46,
    "ca is unknown": 48,
    "access was denied": 49,
    "certificate is required": 116,
    "the server name sent was not recognized": 112,
    "error in protocol version": 70,
}
"""gnutls_alert_get_name, where it differs from the registered name"""


class Said(NamedTuple):
    """An alert that an error message tells of."""

    code: int
    name: str


def alert_name(code: int) -> str:
    """The registered name, or `unknown_<code>`."""
    return ALERTS.get(code, f"unknown_{code}")


def alert_in(message: str) -> Said | None:
    """The alert that an OpenSSL, GnuTLS or rustls error message says the peer sent; None when it says none."""
    if found := _REASON.search(message):
        code = int(found[1]) - 1000 if found[1] else int(found[2])
        return Said(code, alert_name(code)) if 0 <= code < 256 else None
    if (found := _GNUTLS.search(message)) and (found[1] or found[2]):
        words = found[2].strip(" .").lower()
        code = int(found[1]) if found[1] else _GNUTLS_WORDS.get(words, _CODES.get(_snake(words), -1))
        return Said(code, alert_name(code)) if 0 <= code < 256 else None
    if found := _RUSTLS.search(message):
        return _named(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", found[1]).lower().replace("_c_a", "_ca"))
    if found := _OPENSSL.search(message):
        return _named(_snake(found[1]))
    return None


def _snake(words: str) -> str:
    return "_".join(words.strip().lower().split())


def _named(name: str) -> Said | None:
    """The alert whose name the words begin with; libraries add words behind it (`internal error`, `number 42`)."""
    name = {"unknown_c_a": "unknown_ca", "unrecognised_name": "unrecognized_name"}.get(name, name)
    hits = [known for known in _CODES if name == known or name.startswith(known + "_")]
    best = max(hits, key=len, default=None)
    return Said(_CODES[best], best) if best else None


def version(name: str | None) -> str | None:
    """`TLSv1.0` … `TLSv1.3` from a library's spelling."""
    if not name:
        return None
    if name.startswith("QUIC"):
        return "TLSv1.3"
    found = re.fullmatch(r"(D?TLS) ?v?(\d)(?:\.(\d))?", name.strip(), re.IGNORECASE)
    return f"{found[1].upper()}v{found[2]}.{found[3] or 0}" if found else name


_KEY_EXCHANGE = ("ECDHE", "ECDH", "DHE", "EDH", "ADH", "AECDH", "RSA", "ECDSA", "DSS", "PSK", "SRP", "KRB5", "GOST")
_CIPHERS = {"AES128": "AES_128", "AES256": "AES_256", "CAMELLIA128": "CAMELLIA_128", "CAMELLIA256": "CAMELLIA_256"}
_RENAMED = {"SRP": "SRP_SHA", "EDH": "DHE", "ADH": "DH_anon", "AECDH": "ECDH_anon"}
_CIPHERS |= {"ARIA128": "ARIA_128", "ARIA256": "ARIA_256"}


def cipher(name: str | None) -> str | None:
    """IANA name of a cipher suite that OpenSSL names its own way: `ECDHE-RSA-AES128-GCM-SHA256`."""
    if not name or name.startswith(("TLS_", "SSL_")) or not re.fullmatch(r"[A-Z0-9-]+", name):
        return name or None
    if name.startswith("AEAD-"):  # LibreSSL's names for the suites of TLS 1.3
        return "TLS_" + re.sub(r"AES(\d)", r"AES_\1", name[5:]).replace("-", "_")
    parts = name.replace("DES-CBC3", "3DES_EDE_CBC").replace("CCM8", "CCM_8").split("-")
    split = next((i for i, p in enumerate(parts) if p not in _KEY_EXCHANGE), len(parts))
    exchange, rest = parts[:split] or ["RSA"], [_CIPHERS.get(p, p) for p in parts[split:]]
    if not rest:
        return name
    if rest[-1] == "POLY1305":
        rest.append("SHA256")
    elif len(rest) == 2 and rest[0].startswith(("AES", "CAMELLIA", "ARIA")) and rest[1].startswith(("SHA", "MD5")):
        rest.insert(1, "CBC")
    exchange = [_RENAMED.get(p, p) for p in exchange]
    if exchange == ["ECDHE"]:  # OpenSSL's names for the ARIA suites leave RSA out
        exchange.append("RSA")
    return f"TLS_{'_'.join(exchange)}_WITH_{'_'.join(rest)}"
