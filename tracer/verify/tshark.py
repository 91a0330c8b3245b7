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
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from tracer.store.scratch import scratch

from .calls import Calls
from .dissection import Packet
from .greetings import Greetings
from .opinion import Opinion

PROTOCOLS = "frame ip ipv6 tcp udp http http2 http3 tls quic"
SHOWN = "http || http2 || http3 || tls.handshake.type == 1 || tls.handshake.type == 2"

_CUT = "cut short in the middle of a packet"
"""said with a status as well, though everything before was read"""


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


def read(
    path: str, keylogs: Iterable[bytes] = (), decode_as: Iterable[str] = (), private: Iterable[bytes] = ()
) -> Opinion:
    """What tshark makes of the capture with these key logs and RSA keys of servers (PEM); `decode_as` are its own `-d`
    rules: `tcp.port==81,http`."""
    calls, greetings = Calls(), Greetings()
    began: dict[str, tuple[str, str]] = {}
    for packet in _packets(path, b"\n".join(keylogs), list(decode_as), list(private)):
        if packet.flow.startswith("quic"):
            packet.moved_from(*began.setdefault(packet.flow, (packet.source, packet.target)))
        calls.take(packet)
        greetings.take(packet)
    return Opinion(calls.opinion(), greetings.opinion())


def _packets(path: str, keys: bytes, decode_as: list[str], private: list[bytes]) -> Iterator[Packet]:
    with scratch() as folder:  # which nobody else may look into
        log = folder / "keys.log"
        log.write_bytes(keys)
        # the user's profile must not change what is seen
        surroundings = os.environ | {"WIRESHARK_CONFIG_DIR": str(folder)}
        command = [program(), "-n", "-r", path, "-T", "pdml", "-J", PROTOCOLS, "-Y", SHOWN]
        command += ["-o", "tcp.reassemble_out_of_order:TRUE", "-o", f"tls.keylog_file:{log}"]
        for number, key in enumerate(private):
            pem = folder / f"{number}.pem"
            pem.write_bytes(key)
            command += ["-o", f'uat:rsa_keys:"{pem}",""']
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
            said = _last_line(told)
            if code and not count and _CUT not in said:
                raise NoTsharkError(said or f"tshark ended with status {code}")


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
