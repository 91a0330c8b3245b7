"""One packet as tshark dissects it, through pyshark's reading of tshark's PDML.

tshark runs as a process of its own, bounded in time; pyshark only reads what it wrote, so none of its event loop is
used. Without `whole`, layers that may hold secrets are named but not shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any, NamedTuple

SECONDS = 60
LARGEST = 32 << 20
OPEN = frozenset(
    {"geninfo", "frame", "eth", "sll", "vlan", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6", "arp", "mpls", "gre",
     "vxlan", "geneve", "pppoes", "ppp", "llc", "null", "raw", "loopback", "proxy", "tls", "quic", "dns"}
)  # fmt: skip
"""layers that hold no content of messages"""
_PAYLOAD = re.compile(r"payload|segment.data|decrypted|\bdata:", re.IGNORECASE)


class NoDissectionError(Exception):
    """Why there is none; the message is for a person."""


class Layer(NamedTuple):
    name: str
    fields: tuple[tuple[int, str], ...] = ()
    """(depth, what tshark shows)"""
    hidden: bool = False


def dissect(path: str, number: int, whole: bool = False) -> tuple[Layer, ...]:
    """The layers of the packet. Raises NoDissectionError."""
    program = shutil.which("tshark")
    if program is None:
        raise NoDissectionError("tshark is not installed: tracer doctor tells how to get it")
    try:
        from pyshark.tshark.output_parser.tshark_xml import packet_from_xml_packet
    except ImportError:
        raise NoDissectionError("pyshark is not installed: it is the extra tracer[wireshark]") from None
    if not os.path.isfile(path):
        raise NoDissectionError("the capture is no longer there")
    element = _element(_run(program, path, number))
    packet: Any = packet_from_xml_packet(element)
    return tuple(_layer(layer, whole) for layer in packet.layers)


def _run(program: str, path: str, number: int) -> bytes:
    """tshark's PDML of one frame."""
    command = [
        program,
        "-n",
        "-r",
        os.path.abspath(path),
        "-c",
        str(number),
        "-Y",
        f"frame.number=={number}",
        "-T",
        "pdml",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise NoDissectionError(f"tshark was stopped after {SECONDS} seconds") from None
    except OSError as error:
        raise NoDissectionError(f"tshark could not be started: {error.strerror or error}") from None
    if len(done.stdout) > LARGEST:
        raise NoDissectionError("tshark's dissection of this packet is too large to be shown")
    return done.stdout


def _element(pdml: bytes) -> bytes:
    begin, end = pdml.find(b"<packet>"), pdml.rfind(b"</packet>")
    if begin < 0 or end < 0:
        raise NoDissectionError("tshark found no such packet")
    return pdml[begin : end + len(b"</packet>")]


def _layer(layer: Any, whole: bool) -> Layer:
    name = str(layer.layer_name)
    if not whole and name not in OPEN:
        return Layer(name, hidden=True)
    fields = tuple(_fields(layer, whole))
    return Layer(name, fields)


def _fields(layer: Any, whole: bool) -> Any:
    seen: set[str] = set()
    for container in layer._all_fields.values():
        for field in getattr(container, "all_fields", [container]):
            words = field.showname or field.show or ""
            if getattr(field, "hide", False) in (True, "yes") or not words or words in seen:
                continue
            seen.add(words)
            if whole or not _PAYLOAD.search(words):
                yield 1, str(words)
