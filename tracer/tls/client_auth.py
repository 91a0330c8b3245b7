"""Would the client's certificate have been accepted? What a handshake alone can tell of mutual TLS.

The server's words are its CertificateRequest (RFC 8446 section 4.3.2, RFC 5246 section 7.4.4) and its alerts; the
client's are its chain and its CertificateVerify. What the server trusts, beyond the names it lists, and what it
thinks of revocation, no handshake shows.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec

from tracer.model.tls import Alert, Certificate, Handshake

from .certificates import moment, sent_names


class Acceptance(enum.StrEnum):
    """Whether a server like this one takes the certificate."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


class Bearing(enum.StrEnum):
    """What a reason does to the answer."""

    FOR = "for"
    AGAINST = "against"
    OPEN = "open"
    """it leaves the answer open"""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    """kebab-case: `expired`, `issuer-not-acceptable`"""
    text: str
    bearing: Bearing
    packet: int | None = None
    reference: str = ""


class ClientAuth(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Acceptance
    reasons: tuple[Reason, ...]


_ALERTS = {
    40: "it could not agree with what it got",
    41: "it wanted a certificate and got none",
    42: "the certificate, or a signature in it, is broken to it",
    43: "certificates of this kind are not taken",
    44: "the certificate was revoked by its issuer",
    45: "the certificate is expired, or not valid yet, by the server's clock",
    46: "something else about the certificate was not acceptable",
    48: "the issuer is not known, or not trusted",
    49: "the certificate is valid, but its holder may not enter",
    51: "the signature in CertificateVerify does not fit the certificate",
    116: "it wanted a certificate and got none",
}
_KEY_TYPES = {"RSA": "rsa_sign", "DSA": "dss_sign", "EC": "ecdsa_sign", "Ed25519": "ecdsa_sign", "Ed448": "ecdsa_sign"}
_SCHEMES = {"RSA": "rsa_", "DSA": "dsa_", "EC": "ecdsa_", "Ed25519": "ed25519", "Ed448": "ed448"}
_CURVES = {"secp256r1": "ecdsa_secp256r1_", "secp384r1": "ecdsa_secp384r1_", "secp521r1": "ecdsa_secp521r1_"}
_CLIENT = frozenset({"clientAuth", "anyExtendedKeyUsage", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"})
_13 = "TLSv1.3"


def client_auth(handshake: Handshake) -> ClientAuth | None:
    """The answer and what speaks for and against it; None when no certificate was asked for, as far as can be seen."""
    h = handshake
    refusal = _refusal(h)
    if not h.client_cert_requested and not h.client_certs:
        if h.client_cert_requested is None and refusal is not None and refusal.code != 40:
            return _answer([_said(refusal), _hidden("whether it asked for a certificate")])
        return None
    reasons = [_said(refusal)] if refusal is not None else []
    if h.client_cert_sent is None:
        reasons.append(_hidden("whether the client sent one"))
    elif not h.client_certs:
        reasons.append(_none_sent(h, refusal))
    else:
        reasons += _of_chain(h, h.client_certs)
    return _answer(reasons)


def _answer(reasons: list[Reason]) -> ClientAuth:
    bearings = {r.bearing for r in reasons}
    if Bearing.AGAINST in bearings:
        verdict = Acceptance.NO
    elif Bearing.OPEN in bearings or Bearing.FOR not in bearings:
        verdict = Acceptance.UNKNOWN
    else:
        verdict = Acceptance.YES
    return ClientAuth(verdict=verdict, reasons=tuple(reasons))


def _against(code: str, text: str, reference: str = "", packet: int | None = None) -> Reason:
    return Reason(code=code, text=text, bearing=Bearing.AGAINST, reference=reference, packet=packet)


def _open(code: str, text: str, reference: str = "") -> Reason:
    return Reason(code=code, text=text, bearing=Bearing.OPEN, reference=reference)


def _refusal(h: Handshake) -> Alert | None:
    return next((a for a in h.alerts if not a.client and a.level == 2 and a.code in _ALERTS), None)


def _said(alert: Alert) -> Reason:
    text = f"the server refused with {alert.name}: {_ALERTS[alert.code]}"
    return _against(f"alert-{alert.name.replace('_', '-')}", text, "RFC 8446 section 6.2", alert.packet)


def _hidden(what: str) -> Reason:
    return _open("hidden", f"{what} cannot be seen without keys")


def _none_sent(h: Handshake, refusal: Alert | None) -> Reason:
    text = "the server asked for a certificate, the client sent none"
    if refusal is not None:
        return _against("none-sent", text, "RFC 8446 section 4.4.2")
    if _went_on(h):
        return _open("none-sent", f"{text}, and the server went on: it is optional, or a page refuses later")
    return _open("none-sent", text)


def _went_on(h: Handshake) -> bool:
    """The server spoke after the client's last word of the handshake, and not to refuse it."""
    finished = False
    for message in h.messages:
        if message.client and message.name in ("Finished", "encrypted"):
            finished = True
        elif finished and not message.client and message.name in ("NewSessionTicket", "Finished", "encrypted"):
            return _refusal(h) is None
    return False


# -- the chain that was sent


def _of_chain(h: Handshake, chain: tuple[Certificate, ...]) -> Iterator[Reason]:
    if not chain[0].raw_key:
        yield from _issuer(h, chain)
        yield from _times(h, chain)
        yield from _purpose(chain[0])
    yield from _kind(h, chain[0])
    yield from _proof(h)
    if _went_on(h):
        text = "the server went on with the handshake after the certificate"
        yield Reason(code="went-on", text=text, bearing=Bearing.FOR)


def _issuer(h: Handshake, chain: tuple[Certificate, ...]) -> Iterator[Reason]:
    """Walk up the chain as sent to a name the server listed (RFC 8446 section 4.2.4)."""
    listed = {_plain(name) for name in h.acceptable_cas}
    names = [sent_names(c) for c in chain]
    own, issuer = names[0]
    alone = "" if own != issuer else " It is self-signed: nobody vouches for it."
    if not listed:
        text = "the server names no authorities it accepts, so which it trusts cannot be told."
        if not _went_on(h):
            yield _open("self-signed" if alone else "authorities-unknown", (text + alone).rstrip("."))
        return
    climbed = [issuer, *(i for _, i in names[1:]), *(s for s, _ in names[1:]), *([own] if alone else [])]
    found = next((name for name in climbed if _plain(name) in listed), None)
    if found is not None:
        text = f"its issuer {found} is among the authorities the server accepts"
        yield Reason(code="issuer-acceptable", text=text, bearing=Bearing.FOR)
        return
    those = f"the {len(h.acceptable_cas)} authorities" if len(h.acceptable_cas) > 1 else "the only authority"
    text = f"its issuer {issuer or '(unnamed)'} is not among {those} the server accepts ({_list(h.acceptable_cas)})"
    code = "self-signed" if alone else "issuer-not-acceptable"
    yield _against(code, text + alone.rstrip(".").replace(" It is", "; it is"), "RFC 8446 section 4.2.4")


def _plain(name: str) -> str:
    """Names compare without case and runs of spaces (RFC 5280 section 7.1)."""
    return " ".join(name.split()).casefold()


def _list(names: tuple[str, ...]) -> str:
    return "; ".join(names[:3]) + ("; …" if len(names) > 3 else "")


def _times(h: Handshake, chain: tuple[Certificate, ...]) -> Iterator[Reason]:
    if h.start_ns is None:
        return
    for depth, c in enumerate(chain):
        which = "it" if not depth else f"the certificate of {c.subject or 'an issuer'} in its chain"
        if c.not_after_ns is not None and h.start_ns > c.not_after_ns:
            text = f"{which} had expired: valid to {moment(c.not_after_ns)}, used {moment(h.start_ns)}"
            yield _against("expired", text, "RFC 5280 section 4.1.2.5")
        if c.not_before_ns is not None and h.start_ns < c.not_before_ns:
            text = f"{which} was not valid yet: valid from {moment(c.not_before_ns)}, used {moment(h.start_ns)}"
            yield _against("not-yet-valid", text, "RFC 5280 section 4.1.2.5")


def _purpose(leaf: Certificate) -> Iterator[Reason]:
    if leaf.extended_key_usage and not _CLIENT & set(leaf.extended_key_usage):
        uses = ", ".join(leaf.extended_key_usage[:5])
        text = f"its extended key usage is {uses}, without clientAuth"
        yield _against("purpose", text, "RFC 5280 section 4.2.1.12")
    if leaf.key_usage and "digital_signature" not in leaf.key_usage:
        uses = ", ".join(leaf.key_usage)
        text = f"its key usage is {uses}, without digitalSignature, which proves that the client has the key"
        yield _against("key-usage", text, "RFC 5280 section 4.2.1.3")


def _kind(h: Handshake, leaf: Certificate) -> Iterator[Reason]:
    """The kind of key against what the server can verify (RFC 5246 section 7.4.4, RFC 8446 section 4.2.3)."""
    kind, _, size = leaf.key.partition(" ")
    wanted = _KEY_TYPES.get(kind)
    if wanted and h.version != _13 and h.acceptable_key_types and wanted not in h.acceptable_key_types:
        types = ", ".join(h.acceptable_key_types)
        yield _against("key-type", f"its key is {leaf.key}; the server takes {types}", "RFC 5246 section 7.4.4")
    start = _SCHEMES.get(kind)
    if h.version == _13 and kind == "EC":
        start = _CURVES.get(size, start)
    if start and h.acceptable_signatures and not any(s.startswith(start) for s in h.acceptable_signatures):
        text = f"no signature algorithm the server offers fits its key ({leaf.key})"
        yield _against("signature-algorithm", text, "RFC 8446 section 4.2.3")
    if h.acceptable_signatures and not _offers(h, leaf.signature):
        text = f"it is signed with {leaf.signature}, which is not among the algorithms the server offers"
        yield _open("certificate-signature", text, "RFC 8446 section 4.4.2.3")


def _offers(h: Handshake, signature: str) -> bool:
    """The server lists the algorithm that a certificate is signed with, as far as its name tells."""
    name = signature.lower().replace("-", "")
    digest = next((d for d in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512") if d in name), None)
    family = "rsa_pkcs1_" if "withrsa" in name else "ecdsa_" if name.startswith("ecdsa") else None
    if digest is None or family is None:
        return True
    return any(s.startswith(family) and s.endswith(digest) for s in h.acceptable_signatures)


def _proof(h: Handshake) -> Iterator[Reason]:
    """CertificateVerify stands between the client's Certificate and its Finished (RFC 8446 section 4.4.3)."""
    names = [m.name for m in h.messages if m.client]
    own = [n for n in ("Certificate", "CompressedCertificate") if n in names]
    if not own or "CertificateVerify" in names:
        return
    after = names[names.index(own[0]) + 1 :]
    if "Finished" in after or "encrypted" in after:
        text = "the client sent a certificate without CertificateVerify: it did not prove that it has the key"
        yield _against("proof-missing", text, "RFC 8446 section 4.4.3")
