"""A capture as tshark reads it: its dissection of every packet with HTTP or a hello in it, reduced to an opinion.

PDML (`-T pdml`) is read rather than fields: it alone keeps apart the frames of several HTTP/2 streams in one packet.
It is read as it comes, one packet in memory at a time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from .calls import Calls
from .greetings import Greetings
from .opinion import Opinion

PROTOCOLS = "frame ip ipv6 tcp udp http http2 http3 tls quic"
SHOWN = "http || http2 || http3 || tls.handshake.type == 1 || tls.handshake.type == 2"


class NoTsharkError(Exception):
    """tshark is not there, or cannot read the capture; the text says which."""


def program() -> str:
    """The path of tshark; raises NoTsharkError."""
    found = shutil.which("tshark")
    if found is None:
        raise NoTsharkError("tshark is not installed: apt install tshark, brew install wireshark")
    return found


def version() -> str:
    """`4.0.17`."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=False).stdout
    words = said.split("\n", 1)[0].replace("(", " ").split()
    return next((w.rstrip(".") for w in words if w[:1].isdigit()), "unknown")


def read(path: str, keylogs: Iterable[bytes] = (), decode_as: Iterable[str] = ()) -> Opinion:
    """What tshark makes of the capture with these key logs; `decode_as` are its own `-d` rules: `tcp.port==81,http`."""
    calls, greetings = Calls(), Greetings()
    for packet in _packets(path, b"\n".join(keylogs), list(decode_as)):
        calls.take(packet)
        greetings.take(packet)
    return Opinion(calls.opinion(), greetings.opinion())


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


def _packets(path: str, keys: bytes, decode_as: list[str]) -> Iterator[Packet]:
    with tempfile.TemporaryDirectory(prefix="tracer-") as folder:
        log = Path(folder) / "keys.log"
        log.touch(0o600)
        log.write_bytes(keys)
        # the user's profile must not change what is seen
        surroundings = os.environ | {"WIRESHARK_CONFIG_DIR": folder}
        command = [program(), "-n", "-r", path, "-T", "pdml", "-J", PROTOCOLS, "-Y", SHOWN]
        command += ["-o", "tcp.reassemble_out_of_order:TRUE", "-o", f"tls.keylog_file:{log}"]
        command += [word for rule in decode_as for word in ("-d", rule)]
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, env=surroundings)
            assert process.stdout is not None
            count = 0
            try:
                for packet in _elements(process.stdout):
                    count += 1
                    yield packet
                code = process.wait()
            finally:
                process.stdout.close()
                process.kill()
                process.wait()
            told.seek(0)
            if code and not count:  # a capture that is cut short has a status as well
                raise NoTsharkError(_last_line(told) or f"tshark ended with status {code}")


def _last_line(file: IO[bytes]) -> str:
    lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.startswith("tshark:")]
    return lines[-1] if lines else ""


def _elements(stream: IO[bytes]) -> Iterator[Packet]:
    """The packets as they come; a dissection that is cut ends with the last whole one."""
    parser: XMLPullParser[Any] = XMLPullParser(["start", "end"])
    root: Element | None = None
    try:
        while data := stream.read(1 << 18):
            parser.feed(data)
            for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                if root is None:
                    root = element
                if event == "end" and element.tag == "packet":
                    yield Packet(element)
                    root.clear()
    except ParseError:
        return
