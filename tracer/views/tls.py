"""A TLS handshake as text: what was agreed, the ladder, certificates, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.formats.writing import iso
from tracer.model.tls import Certificate, Handshake
from tracer.tls.chain import Finding, client_chain, server_chain
from tracer.tls.client_auth import Acceptance, client_auth

from .safe import safe
from .style import Style
from .words import size, wrap

_TAKEN = {True: ", which the server took", False: ", which the server refused", None: ""}


def encrypted_hello(h: Handshake) -> str:
    """What came of an encrypted ClientHello, and whose name stands outside and inside it."""
    if h.ech_accepted is False:
        return "an encrypted ClientHello was offered, and the server did not take it"
    inside = f"; the one inside is {safe(h.sni_inside, 253)}" if h.sni_inside else ""
    if h.ech_accepted:
        return f"an encrypted ClientHello, which the server took: the name is the outer one{inside}"
    return f"an encrypted ClientHello was offered, or feigned: the name may be the outer one{inside}"


def handshake_lines(h: Handshake, style: Style, width: int, trusted: bytes | None = None) -> Iterator[str]:
    """Everything the handshake tells; what encryption hides is said to be hidden. `trusted`: roots in PEM."""
    yield ""
    agreed = [safe(v, 80) for v in (h.version, h.cipher, h.group, h.alpn and f"ALPN {h.alpn}") if v]
    yield style.bold(f"TLS {safe(h.id, 40)}") + f"  {', '.join(agreed) or 'no ServerHello was captured'}"
    facts = [f"name {safe(h.sni, 253)}" if h.sni else "no server name"]
    if h.resumed:
        facts.append("resumed")
    if h.ech:
        facts.append(encrypted_hello(h))
    if h.early_data:
        facts.append(f"early data{_TAKEN[h.early_data_accepted]}")
    if h.ocsp is not None:
        facts.append(f"an OCSP response of {size(len(h.ocsp))} was stapled")
    if h.scts:
        facts.append(f"{h.scts} certificate timestamp{'s' * (h.scts != 1)}")
    facts.append("decrypted" if h.decrypted else f"not decrypted{': ' + safe(h.why_not, 120) if h.why_not else ''}")
    yield from wrap(", ".join(facts), width, "  ")
    yield from wrap(client_certificate(h), width, "  ")
    if h.acceptable_cas:
        names = "; ".join(safe(n, 120) for n in h.acceptable_cas[:6])
        yield from wrap(
            f"accepts certificates of: {names}{' …' if len(h.acceptable_cas) > 6 else ''}", width, "    ", "  "
        )
    for line in acceptance_lines(h):
        yield from wrap(line, width, "    ", "  ")
    for message in h.messages:
        arrow = "client " + style.sign("out") if message.client else "server " + style.sign("in")
        place = f"packet {message.packet}" if message.packet is not None else ""
        yield f"  {arrow}  {safe(message.name, 40):<24}{size(message.size):>8}  {style.dim(place)}".rstrip()
    for alert in h.alerts:
        who = "client" if alert.client else "server"
        level = "fatal" if alert.level == 2 else "warning"
        place = f" in packet {alert.packet}" if alert.packet is not None else ""
        words = f"  {who} alert: {level} {safe(alert.name, 60)} ({alert.code}){place}"
        yield style.paint(words, "red") if alert.level == 2 else words
    yield from _certificates("server", h.server_certs, style, width)
    for line in chain_lines(server_chain(h, trusted)):
        yield from wrap(line, width, "      ", "    ")
    yield from _certificates("client", h.client_certs, style, width)
    for line in chain_lines(client_chain(h)):
        yield from wrap(line, width, "      ", "    ")


def client_certificate(h: Handshake) -> str:
    """What can be said of mutual TLS, in a sentence."""
    if h.client_cert_requested is None:
        return "whether the server asked for a client certificate cannot be seen"
    if not h.client_cert_requested:
        return "the server asked for no client certificate"
    if h.client_cert_sent is None:
        return "the server asked for a client certificate; whether one was sent cannot be seen"
    return f"the server asked for a client certificate; the client sent {'one' if h.client_cert_sent else 'none'}"


def acceptance_lines(h: Handshake) -> Iterator[str]:
    """Would the client's certificate have been accepted, and why: a line for the answer, one for each reason."""
    answer = client_auth(h)
    if answer is None or (answer.verdict is Acceptance.UNKNOWN and h.client_cert_sent is None):
        return
    what = "its certificate" if h.client_certs else "what the client sent"
    yield f"is {what} acceptable to this server? {answer.verdict.value}"
    for reason in answer.reasons:
        yield f"{reason.bearing.value}: {safe(reason.text, 400)}"


def chain_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each thing there is to say of a chain."""
    for finding in findings:
        yield f"{'fault' if finding.fault else 'note'}: {safe(finding.text, 400)}"


def _certificates(who: str, certificates: tuple[Certificate, ...] | None, style: Style, width: int) -> Iterator[str]:
    for depth, c in enumerate(certificates or ()):
        if c.raw_key:
            told = f"{who} public key, without a certificate: {safe(c.key, 40)}, sha256 {safe(c.sha256, 64)}"
            yield from wrap(told, width, "    ", "  ")
            continue
        label = f"{who} certificate" if not depth else f"issuer {depth}"
        valid = f"{iso(c.not_before_ns, 0) or '?'} to {iso(c.not_after_ns, 0) or '?'}"
        yield from wrap(f"{label}: {safe(c.subject, 300) or '(no subject)'}", width, "    ", "  ")
        yield from wrap(
            f"by {safe(c.issuer, 300)}, valid {valid}, serial {safe(c.serial, 64)}", width, "      ", "    "
        )
        usage = [*c.key_usage, *c.extended_key_usage]
        if usage and not depth:
            yield from wrap(f"{safe(c.key, 40)}, for {safe(', '.join(usage), 300)}", width, "      ", "    ")
        if c.names and not depth:
            yield from (
                style.dim(x) for x in wrap(", ".join(safe(n, 120) for n in c.names[:12]), width, "      ", "    ")
            )
