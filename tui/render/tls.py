"""A TLS handshake as text: what was agreed, the ladder of messages, the certificates, the client's certificate."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from tracer.model.tls import Certificate, Handshake
from tracer.views.safe import safe

from .words import duration


def facts(handshake: Handshake) -> Text:
    """What was offered and agreed, one fact a line."""
    out = Text()
    rows = (
        ("server name", handshake.sni),
        ("version", handshake.version),
        ("cipher", handshake.cipher),
        ("group", handshake.group),
        (
            "ALPN",
            handshake.alpn or (", ".join(handshake.alpn_offered) and f"offered {', '.join(handshake.alpn_offered)}"),
        ),
        ("resumed", _yes_no(handshake.resumed)),
        ("decrypted", "yes" if handshake.decrypted else f"no: {handshake.why_not or 'nothing to decrypt'}"),
        ("JA3 / JA4", " / ".join(x for x in (handshake.ja3, handshake.ja4) if x)),
    )
    for name, value in rows:
        if value:
            out.append(f"{name:>12}  ", style="dim")
            out.append(safe(value) + "\n")
    return out


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def ladder(handshake: Handshake) -> Text:
    """Messages and alerts in time order, client left, server right."""
    steps = [(m.time_ns or 0, m.packet or 0, m.client, m.name, "") for m in handshake.messages]
    steps += [
        (a.time_ns or 0, a.packet or 0, a.client, f"Alert {a.name}", "bold red" if a.level == 2 else "dim")
        for a in handshake.alerts
    ]
    out = Text()
    out.append("  client                                        server\n", style="dim")
    begin = handshake.start_ns or (steps[0][0] if steps else 0)
    for time_ns, packet, client, name, style in sorted(steps, key=lambda s: (s[0], s[1])):
        arrow = f"{safe(name)} ─────▶" if client else f"◀───── {safe(name)}"
        out.append(f"  {arrow:<44}" if client else f"  {arrow:>44}", style=style)
        out.append(f"  {duration(max(0, time_ns - begin)):>9}  packet {packet}\n", style="dim")
    return out


def client_authentication(handshake: Handshake) -> Text:
    """Whether a client certificate was asked for and sent, and what would have been accepted."""
    asked, sent = handshake.client_cert_requested, handshake.client_cert_sent
    out = Text()
    if asked is None:
        return Text("whether a client certificate was asked for is encrypted", style="dim italic")
    if not asked:
        return Text("no client certificate was asked for", style="dim")
    out.append("a client certificate was asked for", style="bold")
    out.append(": sent\n" if sent else ": NONE was sent\n" if sent is False else ": answer hidden\n", style="bold red")
    for name in handshake.acceptable_cas:
        out.append(f"  accepted issuer  {safe(name)}\n", style="dim")
    return out


def certificates(title: str, chain: tuple[Certificate, ...] | None) -> Text:
    """A chain, leaf first."""
    out = Text()
    out.append(title + "\n", style="bold")
    if chain is None:
        return out.append("  hidden\n", style="dim italic")
    if not chain:
        return out.append("  none sent\n", style="dim italic")
    for n, certificate in enumerate(chain):
        out.append(f"  {n}  {safe(certificate.subject)}\n")
        out.append(f"     issued by {safe(certificate.issuer)}\n", style="dim")
        out.append(f"     {_day(certificate.not_before_ns)} to {_day(certificate.not_after_ns)}", style="dim")
        out.append(f"  {safe(' '.join(certificate.names[:6]))}  {certificate.key}\n", style="dim")
    return out


def _day(ns: int | None) -> str:
    if ns is None:
        return "?"
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return "?"
