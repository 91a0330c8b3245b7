"""One packet of a PDML dissection, and the values of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element


class Packet:
    """One packet of the dissection."""

    def __init__(self, element: Element) -> None:
        self.layers = [proto for proto in element if proto.tag == "proto"]
        self.number = int(self.first("frame.number") or 0)
        ip = self._last("ip", "ipv6")
        transport = self._last("tcp", "udp")
        source, target = (self._end(ip, transport, side) for side in ("src", "dst"))
        self.source, self.target = source, target
        kind = transport.get("name") if transport is not None else ""
        self.flow = f"{kind} {value_of(transport, f'{kind}.stream') if transport is not None else ''}"
        """names the connection within the capture"""
        if (number := self.first("quic.connection.number")) is not None:
            self.flow = f"quic {number}"

    def moved_from(self, client: str, server: str) -> None:
        """The connection began between these: the end that is neither is the client, which went elsewhere."""
        if self.source == server:
            self.target = client
        elif self.target == server:
            self.source = client

    def _last(self, *names: str) -> Element | None:
        return next((layer for layer in reversed(self.layers) if layer.get("name") in names), None)

    @staticmethod
    def _end(ip: Element | None, transport: Element | None, side: str) -> str:
        if ip is None or transport is None:
            return ""
        name = ip.get("name") or ""
        host = value_of(ip, f"{name}.{side}") or ""
        port = value_of(transport, f"{transport.get('name')}.{side}port") or ""
        return f"[{host}]:{port}" if name == "ipv6" else f"{host}:{port}"

    def first(self, name: str) -> str | None:
        """Value of the first field of that name in any layer."""
        return next((v for layer in self.layers if (v := value_of(layer, name)) is not None), None)

    def all(self, protocol: str) -> Iterator[Element]:
        """The layers of that protocol, also where they stand inside others."""
        for layer in self.layers:
            yield from (e for e in layer.iter("proto") if e.get("name") == protocol)


def value_of(element: Element, name: str) -> str | None:
    """What the first field of that name shows, anywhere below."""
    return next((e.get("show") for e in element.iter("field") if e.get("name") == name), None)


def shown_of(element: Element, name: str) -> str | None:
    """Its text for people: `Cipher Suite: TLS_AES_128_GCM_SHA256 (0x1301)`."""
    return next((e.get("showname") for e in element.iter("field") if e.get("name") == name), None)
