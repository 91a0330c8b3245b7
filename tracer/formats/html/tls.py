"""The TLS panel: what was agreed, whether a client certificate was asked for and sent, and the certificates."""

from __future__ import annotations

from tracer.formats.writing import iso
from tracer.model.tls import Alert, Certificate, Handshake

from .markup import code, facts, text


def panel(handshake: Handshake, at_ns: int | None) -> str:
    """One handshake; `at_ns` is the time against which certificates are judged."""
    h = handshake
    rows = [
        ("Server name", code(h.sni or "") + _outer(h)),
        ("Version", text(h.version or "")),
        ("Cipher", code(h.cipher or "") + (f' <span class="soft">{text(h.group)}</span>' if h.group else "")),
        ("Protocol", text(h.alpn or "") + _offered(h)),
        ("Resumed", {True: "yes", False: "no", None: ""}[h.resumed]),
        ("Client certificate", _client(h)),
        ("Accepted issuers", ", ".join(code(name, 120) for name in h.acceptable_cas[:12])),
        ("Alerts", ", ".join(_alert(a) for a in h.alerts)),
        ("Readable", "decrypted" if h.decrypted else text(h.why_not or "")),
        ("Fingerprint", code(h.ja4 or h.ja3 or "")),
    ]
    chains = _chain("The server showed", h.server_certs, at_ns) + _chain("The client showed", h.client_certs, at_ns)
    return f"<section><h3>TLS</h3>{facts(rows)}{chains}</section>"


def _outer(handshake: Handshake) -> str:
    """What an encrypted ClientHello makes of that name."""
    if not handshake.ech or handshake.ech_accepted is False:
        return ""
    inside = f", inside {code(handshake.sni_inside)}" if handshake.sni_inside else ""
    return f' <span class="soft">outer name, ECH{inside}</span>'


def _offered(handshake: Handshake) -> str:
    if not handshake.alpn_offered:
        return ""
    return f' <span class="soft">offered {text(", ".join(handshake.alpn_offered), 80)}</span>'


def _client(handshake: Handshake) -> str:
    asked, sent = handshake.client_cert_requested, handshake.client_cert_sent
    if asked is None:
        return ""
    if not asked:
        return "not asked for"
    answer = {True: '<b class="fine">sent</b>', False: '<b class="who">not sent</b>', None: "unknown whether sent"}[
        sent
    ]
    return f"asked for, {answer}"


def _alert(alert: Alert) -> str:
    side = "client" if alert.client else "server"
    return f'<b class="who">{text(alert.name)}</b> <span class="soft">({alert.code}, from the {side})</span>'


def _chain(title: str, certificates: tuple[Certificate, ...] | None, at_ns: int | None) -> str:
    if not certificates:
        return ""
    cards = "".join(_card(c, i, at_ns) for i, c in enumerate(certificates[:8]))
    return f'<h4>{title}</h4><ol class="certs">{cards}</ol>'


def _card(certificate: Certificate, index: int, at_ns: int | None) -> str:
    c = certificate
    if c.raw_key:
        return (
            f"<li><p><b>{text(c.key)}</b> a public key without a certificate</p>"
            f'<p class="soft small">sha256 {code(c.sha256, 64)}</p></li>'
        )
    kind = "leaf" if index == 0 else "self-signed" if c.self_signed else "issuer"
    dates = f"{_day(c.not_before_ns)} to {_day(c.not_after_ns)}"
    names = ", ".join(text(n, 80) for n in c.names[:8]) + (f" and {len(c.names) - 8} more" if len(c.names) > 8 else "")
    state = _state(c, at_ns)
    serial = f"serial {code(c.serial, 60)}" if c.serial else ""
    return (
        f'<li><p><b>{text(c.subject or "(not readable)", 200)}</b> <span class="soft small">{kind}</span></p>'
        f'<p class="soft small">issued by {text(c.issuer or "?", 200)}</p>'
        f'<p class="small">{text(dates)} {state}</p>{_life(c, at_ns)}'
        f'<p class="soft small">{names}</p>'
        f'<p class="soft small">{text(c.key)} {text(c.signature)} {serial}</p></li>'
    )


def _day(time_ns: int | None) -> str:
    return (iso(time_ns, 0) or "?")[:10]


def _state(certificate: Certificate, at_ns: int | None) -> str:
    begin, end = certificate.not_before_ns, certificate.not_after_ns
    if at_ns is None or begin is None or end is None:
        return ""
    if at_ns > end:
        return '<b class="who">expired at the time</b>'
    if at_ns < begin:
        return '<b class="who">not yet valid at the time</b>'
    return '<span class="fine">valid at the time</span>'


def _life(certificate: Certificate, at_ns: int | None) -> str:
    """The certificate's life as a line, with the moment of the capture on it."""
    begin, end = certificate.not_before_ns, certificate.not_after_ns
    if at_ns is None or begin is None or end is None or end <= begin:
        return ""
    x = max(0.0, min(1.0, (at_ns - begin) / (end - begin))) * 192 + 4
    return (
        f'<svg class="life" viewBox="0 0 200 10" width="200" height="10" aria-hidden="true">'
        f'<rect class="rail" y="4" width="200" height="2"/><circle cx="{x:.0f}" cy="5" r="4"/></svg>'
    )
