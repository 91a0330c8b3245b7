"""What program the client is, by its TLS handshake, against the one that its User-Agent names."""

from __future__ import annotations

import re

from tracer.model.verdict import Cause, Layer

from .evidence import Collection
from .scene import Scene

BROWSER = re.compile(r"Mozilla/5\.0 .*(Chrome/\d|Firefox/\d|Version/[\d.]+ .*Safari/\d|Edg/\d)")
NOT_BROWSERS = re.compile(r"bot|crawl|spider|Headless|Electron|compatible;|Dalvik|; wv\)", re.IGNORECASE)
JA4 = re.compile(r"(?P<way>[tqd])(?P<version>\w\d)[di](?P<ciphers>\d\d)\d\d(?P<alpn>\w\w)_")
"""the first part of a fingerprint: transport, version, SNI, numbers of ciphers and extensions, first protocol.
https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md"""
PROTOCOLS = frozenset({"h2", "h3"})
"""what browsers offer first; a WebSocket alone asks for HTTP/1.1"""
CIPHERS = range(9, 24)
"""how many cipher suites browsers offer over TCP; OpenSSL's default list has about thirty, and more in Node and Java"""


def collect(scene: Scene, found: Collection) -> None:
    """Evidence that the client is not the browser that it says it is: then rules against robots meet it."""
    exchange, handshake = scene.seen or scene.exchange, scene.handshake
    request = exchange.request
    if request is None or handshake is None or not handshake.ja4 or request.get("upgrade"):
        return
    agent = request.get("user-agent") or ""
    said = BROWSER.search(agent)
    shown = JA4.match(handshake.ja4)
    if said is None or shown is None or NOT_BROWSERS.search(agent):
        return
    if shown["alpn"] not in PROTOCOLS:
        why = "it offers HTTP/1.1 first" if shown["alpn"] == "h1" else "it offers no protocol"
    elif shown["way"] == "t" and int(shown["ciphers"]) not in CIPHERS:
        why = f"it offers {int(shown['ciphers'])} cipher suites"
    else:
        return
    found.details.setdefault(Cause.CLIENT_DENIED, "tls-fingerprint")
    says = f"the TLS handshake is not that of the browser that the User-Agent names: {why}"
    for supports, weight in (
        (f"cause:{Cause.CLIENT_DENIED}", 2.0),
        (f"generated:{Layer.WAF}", 0.9),
        (f"generated:{Layer.CDN}", 0.5),
    ):
        found.add(
            says,
            supports,
            weight,
            exchange=exchange,
            where="tls handshake",
            value=handshake.ja4,
            reference="https://github.com/FoxIO-LLC/ja4",
        )
