"""A TLS handshake: what was agreed, the client's certificate, the ladder with times, certificates, why it failed."""

from __future__ import annotations

from tracer.model.connection import Connection
from tracer.model.tls import Certificate, Handshake
from tracer.tls.chain import client_chain, server_chain
from tracer.tls.client_auth import Acceptance, client_auth
from tracer.views.safe import safe
from tracer.views.tls import acceptance_lines, chain_lines, client_certificate

from .sheet import Sheet, Target
from .words import duration, size


def sheet(handshake: Handshake, connection: Connection | None, width: int) -> Sheet:
    """Everything the handshake tells; what encryption hides is said to be hidden."""
    out = Sheet()
    _outcome(out, handshake)
    _ladder(out, handshake, width)
    out.title("Client certificate", anchor="tls client certificate")
    _client(out, handshake)
    out.title("Agreed", anchor="tls handshake")
    _facts(out, handshake, connection)
    _certificates(out, "Server's certificates", handshake.server_certs, handshake.start_ns)
    for line in chain_lines(server_chain(handshake)):
        out.add(("    ", ""), (line, "warn" if line.startswith("fault") else "faint"), hang=6)
    _certificates(out, "Client's certificates", handshake.client_certs, handshake.start_ns)
    for line in chain_lines(client_chain(handshake)):
        out.add(("    ", ""), (line, "warn" if line.startswith("fault") else "faint"), hang=6)
    for problem in handshake.problems:
        out.add((f"{problem.severity}  ", "warn"), safe(problem.text, 600), hang=4)
    return out


def _outcome(out: Sheet, h: Handshake) -> None:
    fatal = next((a for a in h.alerts if a.level == 2), None)
    if fatal is not None:
        who = "client" if fatal.client else "server"
        out.add((f"✖ the {who} refused: {safe(fatal.name)} ({fatal.code})", "denied"))
    elif h.complete:
        out.add(("✓ the handshake was completed", "ok"))
    elif h.complete is False:
        out.add(("✖ the handshake was not completed", "denied"))
    else:
        out.add(("whether the handshake was completed cannot be seen", "note"))


def _client(out: Sheet, h: Handshake) -> None:
    """Whether one was asked for and sent, and whether it would have been accepted."""
    missing = bool(h.client_cert_requested) and h.client_cert_sent is False
    out.add((("✖ " if missing else "") + client_certificate(h), "denied" if missing else ""), hang=2)
    answer = client_auth(h)
    for n, line in enumerate(acceptance_lines(h)):
        against = n == 0 and answer is not None and answer.verdict is Acceptance.NO
        out.add("  ", (line, "denied" if against or line.startswith("against") else "faint"), hang=4)
    for name in h.acceptable_cas[:40]:
        out.add(("  accepts issuer  ", "faint"), safe(name, 400), hang=4)


def _facts(out: Sheet, h: Handshake, connection: Connection | None) -> None:
    offered = f"offered {', '.join(h.alpn_offered)}" if h.alpn_offered else None
    rtt = connection.rtt_ns if connection else None
    rows = (
        ("server name", h.sni), ("version", h.version), ("cipher", h.cipher), ("group", h.group),
        ("ALPN", h.alpn or offered), ("resumed", None if h.resumed is None else "yes" if h.resumed else "no"),
        ("decrypted", "yes" if h.decrypted else f"no: {h.why_not or 'nothing to decrypt'}"),
        ("JA3", h.ja3), ("JA4", h.ja4), ("ends", f"{h.client} → {h.server}" if h.client else None),
        ("round trip", duration(rtt) if rtt is not None else None),
    )  # fmt: skip
    for name, value in rows:
        if value:
            out.add((f"{name:>12}  ", "faint"), safe(value, 600), hang=14)


def _ladder(out: Sheet, h: Handshake, width: int) -> None:
    """Messages and alerts in time order between two rails."""
    steps = [(m.time_ns, m.packet, m.client, m.name, m.size, "") for m in h.messages]
    steps += [
        (a.time_ns, a.packet, a.client, f"✖ Alert {a.name}" if a.level == 2 else f"Alert {a.name}", 0,
         "denied" if a.level == 2 else "faint")
        for a in h.alerts
    ]  # fmt: skip
    if not steps:
        return
    rail = max(26, min(52, width - 34))
    out.title("Handshake", anchor="tls ladder")
    out.add((f"  client{'server':>{rail - 4}}", "faint"))
    begin = h.start_ns if h.start_ns is not None else next((s[0] for s in steps if s[0] is not None), None)
    asked = ("CertificateRequest", "Certificate", "CertificateVerify")
    for time_ns, packet, client, name, length, style in sorted(steps, key=lambda s: (s[0] or 0, s[1] or 0)):
        words = safe(f" {name}{f' {size(length)}' if length else ''} ", rail - 4)
        arrow = f"│{words:─^{rail - 1}}▶│" if client else f"│◀{words:─^{rail - 1}}│"
        since = duration(max(0, time_ns - begin)) if time_ns is not None and begin is not None else "-"
        alert = name.startswith(("Alert", "✖"))
        place = "tls alert" if alert else f"tls message {name.lower()}"
        out.add(
            ("  ", ""), (arrow, style or ("strong" if name in asked else "")), (f" {since:>8}", "faint"),
            (f"  packet {packet}" if packet is not None else "", "faint"), anchor=place,
            target=Target("packet", str(packet)) if packet is not None else None,
        )  # fmt: skip


def _certificates(out: Sheet, title: str, chain: tuple[Certificate, ...] | None, at_ns: int | None) -> None:
    """A chain, leaf first, with validity judged at the time of the handshake."""
    told = "hidden by encryption" if chain is None else "none sent" if not chain else f"{len(chain)}"
    out.title(title, told, anchor=f"tls {title.split()[0].lower()} certificate")
    for n, c in enumerate(chain or ()):
        out.add((f"  {n}  ", "faint"), (safe(c.subject, 300) or "(no subject)", "strong"), hang=5)
        out.add(
            ("     issued by ", "faint"), safe(c.issuer, 300), (" (itself)" if c.self_signed else "", "warn"), hang=7
        )
        wrong = at_ns is not None and (
            (c.not_after_ns is not None and c.not_after_ns < at_ns)
            or (c.not_before_ns is not None and c.not_before_ns > at_ns)
        )
        out.add(
            (f"     {_day(c.not_before_ns)} to {_day(c.not_after_ns)}", "denied" if wrong else "faint"),
            (" ✖ not valid at the time" if wrong else "", "denied"),
            (f"  {safe(c.key, 40)}  {safe(c.signature, 60)}", "faint"),
        )  # fmt: skip
        if c.names:
            out.add(("     for ", "faint"), safe(", ".join(c.names[:12]), 600), hang=9)
        uses = ", ".join((*c.key_usage, *c.extended_key_usage))
        if uses:
            out.add((f"     {safe(uses, 300)}", "faint"), hang=7)


def _day(ns: int | None) -> str:
    from tracer.formats.writing import iso

    return (iso(ns, 0) or "?")[:10]
