"""HTTP/1.1 captures of any size, the same bytes for the same arguments, and what is in them.

Two mixes: `web` (keep-alive connections, pages, chunks, bodies of some kilobytes) and `tiny` (one small call per
connection). Faults are put in afterwards, packet by packet: copies, packets out of order, packets that the capture
missed.
"""

from __future__ import annotations

import heapq
import random
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS = 1460
START_NS = 1_700_000_000_000_000_000
TYPES = ("text/html; charset=utf-8", "application/json", "image/png", "text/css", "application/javascript")
STATUSES = ((200, "OK"),) * 16 + (
    (403, "Forbidden"), (404, "Not Found"), (304, "Not Modified"), (302, "Found"), (204, "No Content"), (401, ""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mix:
    """What to make."""

    kind: str = "web"
    """`web` or `tiny`"""
    seed: int = 1
    copies: float = 0.005
    reorder: float = 0.005
    drop: float = 0.0
    pipeline: float = 0.0
    """share of connections whose client does not wait for answers"""
    together: int = 200
    """connections at the same time"""


class Truth(NamedTuple):
    """One exchange as it was made."""

    client: str
    server: str
    method: str
    host: str
    target: str
    status: int
    request_size: int
    response_size: int


class Side:
    """One end of a connection: where it sends from, and how far it is."""

    def __init__(self, address: bytes, port: int, seq: int) -> None:
        self.address, self.port, self.seq = address, port, seq


Packet = tuple[int, bytes]
"""time in ns, Ethernet frame"""


def frame(source: Side, target: Side, flags: int, data: bytes = b"") -> bytes:
    """An Ethernet frame with IPv4 or IPv6 and TCP; checksums are left zero, as segmentation offload leaves them."""
    tcp = struct.pack(
        ">HHIIBBHHH", source.port, target.port, source.seq, target.seq if flags & ACK else 0, 80, flags, 64240, 0, 0
    )
    size = len(tcp) + len(data)
    if len(source.address) == 16:
        ip, kind = struct.pack(">IHBB", 6 << 28, size, 6, 64), b"\x86\xdd"
    else:
        ip, kind = struct.pack(">BBHHHBBH", 69, 0, size + 20, 1, 0x4000, 64, 6, 0), b"\x08\0"
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + kind + ip + source.address + target.address + tcp + data


class Maker:
    """The connections of one capture."""

    scale = 9.0
    """logarithm of the median size of a body"""

    def __init__(self, mix: Mix) -> None:
        self.mix = mix
        self.random = random.Random(mix.seed)
        self.noise = self.random.randbytes(1 << 20)
        self.truth: list[Truth] = []
        self.connections = 0
        self.full = False

    def connection(self, time: int) -> Iterator[Packet]:
        """The packets of one connection, from SYN to FIN, RST or nothing."""
        rnd = self.random
        n = self.connections
        self.connections += 1
        six = rnd.random() < 0.1
        host = n % 40
        there = bytes.fromhex("20010db8" + "00" * 11) + bytes((host + 1,)) if six else bytes((198, 51, 100, host + 1))
        here = (
            bytes.fromhex("20010db8ffff" + "00" * 8) + (n // 50000).to_bytes(2)
            if six
            else bytes((10, n // 50000 & 255, 1, 9))
        )
        client = Side(here, 10000 + n % 50000, rnd.getrandbits(32))
        server = Side(there, 8080 if host % 4 == 0 else 80, rnd.getrandbits(32))
        trip = rnd.randrange(1_000_000, 30_000_000)
        yield time, frame(client, server, SYN)
        client.seq = client.seq + 1 & 0xFFFFFFFF
        yield time + trip // 2, frame(server, client, SYN | ACK)
        server.seq = server.seq + 1 & 0xFFFFFFFF
        time += trip
        yield time, frame(client, server, ACK)
        calls = 1 if self.mix.kind == "tiny" else min(60, 1 + int(rnd.expovariate(1 / 9)))
        eager = rnd.random() < self.mix.pipeline
        sent: list[bytes] = []
        for i in range(calls):
            ask, answer, truth, last = self.exchange(client, server, f"h{host}.example", n, i)
            self.truth.append(truth)
            if eager:
                sent.append(answer)
                time = yield from self.send(client, server, ask, time + 1000)
            else:
                for a, b, data, pause in ((client, server, ask, 100_000), (server, client, answer, trip)):
                    time = 1000 + (yield from self.send(a, b, data, time + pause))
                    yield time, frame(b, a, ACK)
            if last or self.full:
                break
        for answer in sent:
            time = yield from self.send(server, client, answer, time + trip)
        yield from self.close(client, server, time + trip)

    def close(self, client: Side, server: Side, time: int) -> Iterator[Packet]:
        how = self.random.random()
        if how < 0.9:
            yield time, frame(server, client, FIN | ACK)
            server.seq = server.seq + 1 & 0xFFFFFFFF
            yield time + 1000, frame(client, server, FIN | ACK)
            client.seq = client.seq + 1 & 0xFFFFFFFF
            yield time + 2000, frame(server, client, ACK)
        elif how < 0.95:
            yield time, frame(client, server, RST | ACK)

    def send(self, source: Side, target: Side, data: bytes, time: int) -> Generator[Packet, None, int]:
        """The data in segments; returns the time of the last one."""
        for low in range(0, len(data), MSS):
            part = data[low : low + MSS]
            time += 12_000
            yield time, frame(source, target, PSH | ACK, part)
            source.seq = source.seq + len(part) & 0xFFFFFFFF
        return time

    def exchange(self, client: Side, server: Side, host: str, n: int, i: int) -> tuple[bytes, bytes, Truth, bool]:
        """(request, response, truth, whether the connection ends with it)."""
        rnd = self.random
        tiny = self.mix.kind == "tiny"
        method = rnd.choices(("GET", "POST", "HEAD", "PUT"), (88, 8, 2, 2))[0]
        target = f"/{rnd.choice(('api', 'static', 'page'))}/{n}/{i}?v={rnd.getrandbits(32):x}"
        content = self.some(rnd.randrange(20, 400)) if method in ("POST", "PUT") else b""
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
        if rnd.random() < 0.5:
            head += f"Cookie: session={rnd.getrandbits(rnd.choice((64, 128, 12000))):x}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        status, reason = rnd.choice(STATUSES)
        size = rnd.randrange(20, 600) if tiny else int(min(rnd.lognormvariate(self.scale, 1.4), 1 << 20))
        body = self.some(size)
        kind = rnd.choice(TYPES)
        said = (
            f"HTTP/1.1 {status} {reason}\r\nServer: bench\r\nContent-Type: {kind}\r\nX-Id: {rnd.getrandbits(96):x}\r\n"
        )
        form, empty = rnd.random(), method == "HEAD" or status in (204, 304)
        last = False
        if form < 0.3 and status != 204:
            said += "Transfer-Encoding: chunked\r\n"
            wire = self.chunked(body)
        elif form < 0.32 and not self.mix.pipeline and not empty:
            said, wire, last = said + "Connection: close\r\n", body, True
        else:
            said, wire = said + (f"Content-Length: {len(body)}\r\n" if status != 204 else ""), body
        truth = Truth(name(client), name(server), method, host, target, status, len(content), 0 if empty else len(body))
        answer = said.encode() + b"\r\n" + (b"" if empty else wire)
        return head.encode() + b"\r\n" + content, answer, truth, last

    def chunked(self, body: bytes) -> bytes:
        out, low = [], 0
        while low < len(body):
            part = body[low : low + self.random.choice((300, 1024, 4096, 16384))]
            out.append(b"%x\r\n%b\r\n" % (len(part), part))
            low += len(part)
        return b"".join(out) + b"0\r\n\r\n"

    def some(self, size: int) -> bytes:
        low = self.random.randrange(len(self.noise) // 2)
        return (self.noise[low:] + self.noise)[:size] if size > 1 << 19 else self.noise[low : low + size]


def name(side: Side) -> str:
    """`10.0.0.1:80`, `[::1]:80`."""
    import ipaddress

    host = ipaddress.ip_address(side.address)
    return f"[{host}]:{side.port}" if host.version == 6 else f"{host}:{side.port}"


def packets(maker: Maker, connections: int) -> Iterator[Packet]:
    """Connections side by side, in the order of time, faults put in."""
    rnd = random.Random(maker.mix.seed + 1)
    lanes = [(START_NS + i * 1_000_000, i, iter(())) for i in range(min(maker.mix.together, connections))]
    heap: list[tuple[int, int, bytes, Iterator[Packet]]] = [(t, i, b"", lane) for t, i, lane in lanes]
    order = len(heap)
    while heap:
        time, _, data, lane = heapq.heappop(heap)
        if data and rnd.random() >= maker.mix.drop:
            yield time, data
        following = next(lane, None)
        if following is None:
            if maker.connections >= connections or maker.full:
                continue
            lane = maker.connection(time + 1_000_000)
            following = next(lane)
        later, data = following
        if data and rnd.random() < maker.mix.reorder:
            later += 60_000
        if data and rnd.random() < maker.mix.copies:
            order += 1
            heapq.heappush(heap, (max(later, time) + 400_000, order, data, iter(())))
        order += 1
        heapq.heappush(heap, (max(later, time), order, data, lane))


def write(
    file: BinaryIO, mix: Mix, *, connections: int = 1 << 30, size: int = 0, maker: Maker | None = None
) -> tuple[int, list[Truth]]:
    """Write a capture of so many connections, or of about so many bytes; (packets, truth)."""
    maker = maker or Maker(mix)
    file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
    written = count = 0
    for time, data in packets(maker, connections):
        file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(data), len(data)) + data)
        written += 16 + len(data)
        count += 1
        maker.full = bool(size) and written >= size
    return count, maker.truth


def make(
    path: Path, mix: Mix, *, connections: int = 1 << 30, size: int = 0, maker: Maker | None = None
) -> tuple[int, list[Truth]]:
    """The same, to a path."""
    with path.open("wb") as file:
        return write(file, mix, connections=connections, size=size, maker=maker)
