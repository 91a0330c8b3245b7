"""tshark's hellos, put together to handshakes."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from .dissection import Packet, shown_of, value_of
from .opinion import Greeting

RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
"""the random of a HelloRetryRequest (RFC 8446 section 4.1.3)"""
VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}


class Greetings:
    """Handshakes of all connections."""

    def __init__(self) -> None:
        self.found: list[Greeting] = []
        self.open: dict[str, int] = {}
        self.retried: set[str] = set()
        self.randoms: dict[str, str] = {}

    def opinion(self) -> tuple[Greeting, ...]:
        return tuple(self.found)

    def take(self, packet: Packet) -> None:
        for layer in packet.all("tls"):
            for hello in (e for e in layer.iter("field") if e.get("name") == "tls.handshake"):
                self._hello(packet, hello)

    def _hello(self, packet: Packet, hello: Element) -> None:
        for parent in list(hello.iter("field")):
            for child in parent.findall("field[@name='tls.ech.payload']"):
                parent.remove(child)  # in which later versions show the hello inside an encrypted one
        kind = value_of(hello, "tls.handshake.type")
        random = (value_of(hello, "tls.handshake.random") or "").replace(":", "")
        if kind == "1":
            if self.randoms.get(packet.flow) == random and (packet.flow in self.retried or packet.flow in self.open):
                # the second hello after a retry, or the same one again in another datagram
                self.retried.discard(packet.flow)
                return
            self.randoms[packet.flow] = random
            self.open[packet.flow] = len(self.found)
            ja3, ja4 = value_of(hello, "tls.handshake.ja3"), value_of(hello, "tls.handshake.ja4")
            sni = value_of(hello, "tls.handshake.extensions_server_name")
            ends = packet.source, packet.target
            self.found.append(Greeting(*ends, sni, None, None, ja3, None, ja4, packet.number))
        elif kind == "2":
            if random == RETRY:
                self.retried.add(packet.flow)
                return
            cipher = _name(shown_of(hello, "tls.handshake.ciphersuite"))
            version, ja3s = _version(hello), value_of(hello, "tls.handshake.ja3s")
            place = self.open.get(packet.flow)
            if place is None or self.found[place].version is not None:
                ends = packet.target, packet.source
                if place is None:
                    self.found.append(Greeting(*ends, None, version, cipher, None, ja3s, None, packet.number))
                    self.open[packet.flow] = len(self.found) - 1
                return
            self.found[place] = self.found[place]._replace(version=version, cipher=cipher, ja3s=ja3s)


def _name(shown: str | None) -> str | None:
    """`Cipher Suite: TLS_AES_128_GCM_SHA256 (0x1301)` -> the name in it."""
    return shown.partition(": ")[2].rpartition(" (")[0] or None if shown else None


def _version(hello: Element) -> str | None:
    told = value_of(hello, "tls.handshake.extensions.supported_version") or value_of(hello, "tls.handshake.version")
    try:
        code = int(told or "", 16)
    except ValueError:
        return None
    return VERSIONS.get(0x0304 if code >> 8 == 0x7F else code)
