"""One tcpdump on `lo` for the whole run, cut into one pcapng for each case, TLS secrets embedded."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_MARK = ("127.255.0.1", 9)
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10


@dataclass(frozen=True, slots=True)
class Packet:
    time_ns: int
    frame: bytes
    """as on the wire: Ethernet header of zeros, IPv4, TCP or UDP"""

    @property
    def protocol(self) -> int:
        return self.frame[23] if len(self.frame) > 34 and self.frame[12:14] == b"\x08\x00" else 0

    @property
    def ends(self) -> frozenset[tuple[str, int]]:
        at = 14 + (self.frame[14] & 15) * 4
        source, target = struct.unpack_from("!HH", self.frame, at)
        return frozenset(((socket.inet_ntoa(self.frame[26:30]), source), (socket.inet_ntoa(self.frame[30:34]), target)))

    @property
    def opens(self) -> bool:
        at = 14 + (self.frame[14] & 15) * 4
        return self.protocol == _TCP and self.frame[at + 13] & (_SYN | _ACK) == _SYN


class Recorder:
    """Packets of `lo` while it runs; `mark` cuts where nothing of before can still be on its way."""

    def __init__(self) -> None:
        argv = ["tcpdump", "-i", "lo", "-n", "-s", "0", "-U", "--immediate-mode", "--time-stamp-precision=nano"]
        self._tcpdump = subprocess.Popen(
            [*argv, "-B", "16384", "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._packets: list[Packet] = []
        self._news = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._marks = 0

    def _read(self) -> None:
        pipe = self._tcpdump.stdout
        assert pipe is not None
        header = pipe.read(24)
        if len(header) < 24:
            return
        while len(head := pipe.read(16)) == 16:
            seconds, ns, captured, _ = struct.unpack("<IIII", head)
            packet = Packet(seconds * 10**9 + ns, pipe.read(captured))
            with self._news:
                self._packets.append(packet)
                self._news.notify_all()

    def mark(self) -> int:
        """The number of packets so far, all those that were sent before the call included."""
        self._marks += 1
        token = b"lab mark %d" % self._marks
        with self._news:
            start = len(self._packets)
            until = time.monotonic() + 5
            while time.monotonic() < until:
                self._socket.sendto(token, _MARK)
                self._news.wait(0.2)
                for at in range(start, len(self._packets)):
                    if self._packets[at].frame.endswith(token):
                        return at
                if self._tcpdump.poll() is not None:
                    break
        raise RuntimeError("tcpdump shows nothing of lo")

    def quiet(self, calm: float = 0.06, limit: float = 1.5) -> None:
        """Waits until nothing was captured for `calm` seconds."""
        until = time.monotonic() + limit
        with self._news:
            while time.monotonic() < until and self._news.wait(calm):
                pass

    def between(self, start: int, end: int) -> list[Packet]:
        """Of packets `start` to `end`, those of connections that began there, and datagrams."""
        with self._news:
            some = self._packets[start:end]
        return connections(p for p in some if p.protocol == _TCP or (p.protocol == _UDP and not _is_mark(p)))

    def stop(self) -> None:
        self._tcpdump.terminate()
        self._tcpdump.wait(5)
        self._reader.join(5)
        self._socket.close()


def _is_mark(packet: Packet) -> bool:
    return _MARK in packet.ends


def connections(packets: Iterable[Packet]) -> list[Packet]:
    """Those of TCP connections that begin among them, and all datagrams."""
    some = list(packets)
    begun = {p.ends for p in some if p.opens}
    return [p for p in some if p.protocol != _TCP or p.ends in begun]


def secrets(folder: Path) -> dict[str, bytes]:
    """Line of any key log in `folder` -> its client random, each line once."""
    lines: dict[str, bytes] = {}
    for log in sorted(folder.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) == 3 and len(words[1]) == 64:
                lines[line] = bytes.fromhex(words[1])
    return lines


def secrets_of(packets: Sequence[Packet], folder: Path, known: Container[str] = ()) -> str:
    """The lines whose client random is in the packets; with QUIC, which hides it, those not `known` before."""
    seen = b"".join(p.frame for p in packets)
    quic = any(p.protocol == _UDP for p in packets)
    found = [line for line, random in secrets(folder).items() if random in seen or (quic and line not in known)]
    return "".join(f"{line}\n" for line in found)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(packets: Iterable[Packet], secrets: str) -> bytes:
    """A pcapng file: nanosecond times, one interface, the secrets first (draft-ietf-opsawg-pcapng)."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, b"tcpdump, cut by the lab") + _option(0, b"")
    interface = struct.pack("<HHI", 1, 0, 262144) + _option(2, b"lo") + _option(9, b"\x09") + _option(0, b"")
    blocks = [_block(0x0A0D0D0A, section), _block(1, interface)]
    if secrets:
        text = secrets.encode()
        blocks.append(_block(0xA, struct.pack("<II", 0x544C534B, len(text)) + text))
    for p in packets:
        size = len(p.frame)
        body = struct.pack("<IIIII", 0, p.time_ns >> 32, p.time_ns & 0xFFFFFFFF, size, size) + p.frame
        blocks.append(_block(6, body))
    return b"".join(blocks)
