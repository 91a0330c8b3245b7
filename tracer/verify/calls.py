"""tshark's HTTP messages, paired to calls."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from .dissection import Packet, value_of
from .opinion import Call


class Calls:
    """Messages of all connections, paired as they come."""

    def __init__(self) -> None:
        self.found: list[Call] = []
        self.by_packet: dict[tuple[str, int], list[int]] = {}
        """requests of HTTP/1 by the packet in which tshark shows them, which is what its answers name"""
        self.waiting: dict[str, list[int]] = {}
        """those without an answer, in order"""
        self.by_stream: dict[tuple[str, str, int], int] = {}
        self.switched: dict[str, int] = {}
        """requests answered by 101: if HTTP/2 follows, its stream 1 answers them (RFC 7540 section 3.2)"""

    def opinion(self) -> tuple[Call, ...]:
        return tuple(self.found)

    def take(self, packet: Packet) -> None:
        for layer in packet.all("http"):
            self._http1(packet, layer)
        for name in ("http2", "http3"):
            for layer in packet.all(name):
                for frame in _frames(layer, name):
                    self._numbered(packet, frame, name)

    def _http1(self, packet: Packet, layer: Element) -> None:
        method, status = value_of(layer, "http.request.method"), value_of(layer, "http.response.code")
        if method is not None:
            uri, host = value_of(layer, "http.request.uri"), value_of(layer, "http.host")
            call = Call(packet.source, packet.target, "HTTP/1", None, method, host, uri, None, packet.number)
            self.found.append(call)
            self.by_packet.setdefault((packet.flow, packet.number), []).append(len(self.found) - 1)
            self.waiting.setdefault(packet.flow, []).append(len(self.found) - 1)
        elif status is not None and status.isdigit():
            self._answer1(packet, int(status), value_of(layer, "http.request_in"))

    def _answer1(self, packet: Packet, status: int, asked_in: str | None) -> None:
        """The request that tshark names, else the oldest one that waits. Interim answers wait for the final one."""
        if 100 <= status < 200 and status != 101:
            return
        waiting = self.waiting.get(packet.flow, [])
        named = self.by_packet.get((packet.flow, int(asked_in)), []) if asked_in and asked_in.isdigit() else waiting
        place = next((i for i in named if i in waiting), None)
        if place is None:
            ends = packet.target, packet.source
            self.found.append(Call(*ends, "HTTP/1", None, None, None, None, status, packet.number))
            return
        waiting.remove(place)
        self.found[place] = self.found[place]._replace(status=status)
        if status == 101:
            self.switched[packet.flow] = place

    def _numbered(self, packet: Packet, frame: Element, name: str) -> None:
        """A header section of HTTP/2 or HTTP/3. A status belongs to the stream's request, whoever sends it."""
        method, status = value_of(frame, f"{name}.headers.method"), value_of(frame, f"{name}.headers.status")
        number = value_of(frame, "http2.streamid" if name == "http2" else "http3.frame_streamid")
        number = packet.first("quic.stream.stream_id") if number is None else number
        if (method is None and status is None) or number is None:
            return
        stream, protocol = int(number), "HTTP/2" if name == "http2" else "HTTP/3"
        pushed = method is not None and value_of(frame, "http2.push_promise.promised_stream_id")
        if pushed and method is not None:
            stream = int(pushed)
        key = packet.flow, name, stream
        if method is not None:
            ends = (packet.target, packet.source) if pushed else (packet.source, packet.target)
            host = value_of(frame, f"{name}.headers.authority")
            target = value_of(frame, f"{name}.headers.path")
            self.by_stream[key] = len(self.found)
            self.found.append(Call(*ends, protocol, stream, method, host, target, None, packet.number))
        elif status is not None and status.isdigit() and (status == "101" or int(status) >= 200):
            place = self.by_stream.get(key)
            if place is None and stream == 1 and (upgraded := self.switched.pop(packet.flow, None)) is not None:
                self.found[upgraded] = self.found[upgraded]._replace(protocol=protocol, stream=1, status=int(status))
            elif place is None:
                ends = packet.target, packet.source
                self.found.append(Call(*ends, protocol, stream, None, None, None, int(status), packet.number))
            elif self.found[place].status is None:
                self.found[place] = self.found[place]._replace(status=int(status))


def _frames(layer: Element, name: str) -> list[Element]:
    """The frames of a layer: several of one packet stand in one layer, or each in its own, perhaps inside a stream."""
    fields = list(layer.iter("field"))
    found = ([e for e in fields if e.get("name") == f"{name}.{kind}"] for kind in ("frame", "stream"))
    return next(filter(None, found), [layer])
