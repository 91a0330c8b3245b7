"""A certificate chain as it was sent: its order, the signatures along it, names, times, and whom it leads to.

Everything is judged at the time of the capture, never at that of the reading. Revocation is not looked up.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from tracer.model.tls import Certificate, Handshake

from .certificates import moment

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as Parsed

MOST = 16
"""certificates looked at of one chain"""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about a chain."""

    code: str
    """kebab-case: `out-of-order`, `name-mismatch`"""
    text: str
    fault: bool
    """a strict peer would refuse for it"""
    depth: int | None = None
    """the certificate it is about: 0 is the leaf"""
    reference: str = ""


def server_chain(handshake: Handshake, trusted: bytes | None = None) -> tuple[Finding, ...]:
    """What there is to say of the server's chain; `trusted` is a PEM bundle of roots, None leaves trust out."""
    chain = (handshake.server_certs or ())[:MOST]
    if not chain or chain[0].raw_key:
        return ()
    found = [*_shape(chain), *_times(chain, handshake.start_ns), *_name(chain[0], handshake.name)]
    if trusted is not None:
        found += _trust(chain, handshake, trusted)
    return tuple(found)


def client_chain(handshake: Handshake) -> tuple[Finding, ...]:
    """The same of the client's chain, without name and trust: whom that server trusts is its own affair."""
    chain = (handshake.client_certs or ())[:MOST]
    return (*_shape(chain), *_times(chain, handshake.start_ns)) if chain and not chain[0].raw_key else ()


def _fault(code: str, text: str, depth: int | None = None, reference: str = "") -> Finding:
    return Finding(code=code, text=text, fault=True, depth=depth, reference=reference)


def _note(code: str, text: str, depth: int | None = None) -> Finding:
    return Finding(code=code, text=text, fault=False, depth=depth)


def _parse(der: bytes) -> Parsed | None:
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return x509.load_der_x509_certificate(der)
    except Exception:  # odd encodings are refused with many kinds of errors
        return None


# -- order and signatures


def _shape(chain: Sequence[Certificate]) -> Iterator[Finding]:
    """RFC 8446 section 4.4.2: each certificate should certify the one before it."""
    if len(chain) == 1 and chain[0].self_signed:
        yield _fault("self-signed", "the only certificate is self-signed: nobody vouches for it", 0)
        return
    for depth in range(len(chain) - 1):
        below, above = chain[depth], chain[depth + 1]
        if below.self_signed and depth:
            yield _fault("extra", f"certificate {depth + 1} follows a root: nobody needs it", depth + 1)
        elif below.issuer == above.subject:
            yield from _signature(below, above, depth)
        elif any(below.issuer == c.subject for i, c in enumerate(chain) if i != depth):
            where = next(i for i, c in enumerate(chain) if below.issuer == c.subject and i != depth)
            text = f"out of order: certificate {depth} is issued by certificate {where}, not by the next one"
            yield _fault("out-of-order", text, depth, "RFC 8446 section 4.4.2")
        else:
            text = f"certificate {depth} is issued by {below.issuer or '(unnamed)'}, which was not sent"
            yield _fault("issuer-missing", text, depth, "RFC 8446 section 4.4.2")
    if len(chain) > 1 and chain[-1].self_signed:
        yield _note("root-sent", "the root was sent too, which is not needed", len(chain) - 1)


def _signature(below: Certificate, above: Certificate, depth: int) -> Iterator[Finding]:
    if not issued(below, above):
        text = f"the signature of certificate {depth} was not made by the key of certificate {depth + 1}"
        yield _fault("signature", text, depth, "RFC 5280 section 6.1.3")
    elif above.is_ca is False:
        yield _fault("no-authority", f"certificate {depth + 1} issues, but is none of an authority", depth + 1)


@lru_cache(maxsize=512)
def issued(below: Certificate, above: Certificate) -> bool:
    """The one above signed the one below, its name and its key."""
    one, other = _parse(below.der), _parse(above.der)
    return one is not None and other is not None and _verifies(one, other)


def _verifies(below: Parsed, above: Parsed) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except Exception:  # names, kinds of keys and signatures fail with kinds of errors of their own
        return False
    return True


# -- times


def _times(chain: Sequence[Certificate], at_ns: int | None) -> Iterator[Finding]:
    for depth, c in enumerate(chain) if at_ns is not None else ():
        assert at_ns is not None
        if c.not_after_ns is not None and at_ns > c.not_after_ns:
            yield _fault("expired", f"certificate {depth} had expired on {moment(c.not_after_ns)}", depth)
        elif c.not_before_ns is not None and at_ns < c.not_before_ns:
            yield _fault("not-yet-valid", f"certificate {depth} is valid from {moment(c.not_before_ns)} only", depth)


# -- names


def _name(leaf: Certificate, name: str | None) -> Iterator[Finding]:
    """RFC 9525 section 6.3: only subject alternative names count."""
    if not name:
        return
    if not leaf.names:
        text = f"the certificate has no subject alternative names, so it cannot be one for {name}"
        yield _fault("no-names", text, 0, "RFC 9525 section 6.3")
    elif not matches(name, leaf.names):
        kinds = ", ".join(leaf.names[:5]) + (" …" if len(leaf.names) > 5 else "")
        yield _fault("name-mismatch", f"{name} was asked for, the certificate is for {kinds}", 0, "RFC 9525 section 6")


def matches(name: str, names: Sequence[str]) -> bool:
    """One of the alternative names covers the name; a wildcard stands for one label, the first."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        host = name.rstrip(".").lower()
        parent = host.partition(".")[2]
        dns = {n[4:].rstrip(".").lower() for n in names if n.startswith("DNS:")}
        return host in dns or bool(parent and f"*.{parent}" in dns)
    return f"IP:{address}" in names


# -- trust


@lru_cache(maxsize=4)
def _roots(bundle: bytes) -> tuple[Parsed, ...]:
    """The certificates of a PEM bundle; those that cannot be read are left out."""
    from cryptography import x509

    mark = b"-----END CERTIFICATE-----"
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for piece in bundle.split(mark)[:-1]:
            start = piece.rfind(b"-----BEGIN CERTIFICATE-----")
            try:
                found.append(x509.load_pem_x509_certificate(piece[start:] + mark + b"\n"))
            except Exception:  # as in _parse
                continue
    return tuple(found)


def _trust(chain: Sequence[Certificate], handshake: Handshake, bundle: bytes) -> Iterator[Finding]:
    roots = _roots(bundle)
    anchor = _anchor(chain, roots)
    if anchor is None:
        top = chain[-1]
        text = f"it leads to {top.subject if top.self_signed else top.issuer}, which is not trusted here"
        yield _fault("untrusted", text, len(chain) - 1)
        return
    name = anchor.subject.rfc4514_string()
    words = _refusal(chain, handshake, roots)
    if words:
        yield _note("policy", f"it leads to {name}, which is trusted here, but strict rules refuse it: {words}")
    else:
        yield _note("trusted", f"it leads to {name}, which is trusted here")


def _anchor(chain: Sequence[Certificate], roots: Sequence[Parsed]) -> Parsed | None:
    """The root that vouches for the leaf, over those certificates sent that are needed."""
    parsed = [p for p in (_parse(c.der) for c in chain) if p is not None]
    current = parsed[0] if parsed else None
    for _ in range(MOST if current is not None else 0):
        assert current is not None
        for root in roots:
            if root == current or (root.subject == current.issuer and _verifies(current, root)):
                return root
        above = (p for p in parsed if p != current and p.subject == current.issuer and _verifies(current, p))
        current = next(above, None)
        if current is None:
            return None
    return None


def _refusal(chain: Sequence[Certificate], handshake: Handshake, roots: Sequence[Parsed]) -> str:
    """Why the rules of the web (CA/Browser Forum baseline) refuse it; empty when they do not, or names or times did."""
    from cryptography.x509 import DNSName
    from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

    name = handshake.name
    parsed = [p for p in (_parse(c.der) for c in chain) if p is not None]
    if (
        not name
        or handshake.start_ns is None
        or not matches(name, chain[0].names)
        or any(_times(chain, handshake.start_ns))
    ):
        return ""
    try:
        when = datetime.fromtimestamp(handshake.start_ns // 10**9, UTC).replace(tzinfo=None)
        verifier = PolicyBuilder().store(Store(list(roots))).time(when).build_server_verifier(DNSName(name))
        verifier.verify(parsed[0], parsed[1:])
    except VerificationError as error:
        return " ".join(str(error).split())[:200]
    except Exception:  # names and times that the verifier does not take
        return ""
    return ""
