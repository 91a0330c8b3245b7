"""How TLS is spoken when a request is sent: whom to trust, which certificate to show, which fingerprint class.

A fingerprint class is a manner of ClientHello. They differ in what JA3 and JA4 look at: versions, ciphers and their
order. The ClientHello of a browser is none of them; no TLS library of Python's makes it (see `browser_door`).
"""

from __future__ import annotations

import ssl

import msgspec

CLASSES = {
    "usual": "as Python and OpenSSL greet",
    "tls1.2": "TLS 1.2 at most",
    "few-ciphers": "TLS 1.3 and three ciphers, as small clients greet",
}
"""name -> what it is"""
_FEW = "ECDHE+AESGCM:ECDHE+CHACHA20"
CURL_WORDS = {"tls1.2": ("--tls-max 1.2",), "few-ciphers": ("--tlsv1.2", f"--ciphers {_FEW}")}
"""options that make curl greet alike"""


class TrustError(ValueError):
    """Certificates or keys that cannot be used: the text names the file."""


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """What the user gave."""

    certificate: str | None = None
    """path of the client certificate, PEM"""
    key: str | None = None
    """path of its key; None: in the same file"""
    roots: str | None = None
    """path of the roots to trust instead of the system's"""
    insecure: bool = False
    """take any certificate"""


def tls_context(
    trust: Trust, alpn: list[str], name: str, with_certificate: bool, key_log: str | None
) -> ssl.SSLContext:
    """A context of that class ; it writes its secrets to the file `key_log`."""
    try:
        context = ssl.create_default_context(cafile=trust.roots)
    except OSError as error:
        raise TrustError(f"{trust.roots}: no certificates can be read from it ({_reason(error)})") from None
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if name == "tls1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    elif name == "few-ciphers":
        context.set_ciphers(_FEW)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(alpn)
    if key_log:
        context.keylog_filename = key_log
    if with_certificate and trust.certificate:
        try:
            context.load_cert_chain(trust.certificate, trust.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise TrustError(
                f"{trust.certificate}: it cannot be used as client certificate ({_reason(error)})"
            ) from None
    return context


def _no_password() -> str:
    raise ValueError("its key has a password; decrypt it first")


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
