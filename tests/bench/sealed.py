"""TLS captures of any size: HTTP/1.1 and HTTP/2 under TLS 1.2 and 1.3, with their key log, and what is in them.

Both ends are OpenSSL's and h2's, talking in memory; their bytes become packets as those of `traffic` do.

What bounds the listing of it is Python, of which nothing stands out any more. Of the time to read such a capture a
quarter goes into handshakes and records (20,000 of them hold data; to open one costs 4 us, half of it AES), half into
HTTP (45 us an exchange of HTTP/2, of which header blocks are a half; 30 us one of HTTP/1.1), a twentieth into joining
segments. Larger bodies cost less a megabyte. Leaving records closed whose content a listing does not show would save
little: to open one costs less than to find out that it may stay shut. Nor can Huffman strings stay packed: how much of
the dynamic table is evicted depends on how long they are.
"""

from __future__ import annotations

import datetime
import ssl
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.settings import SettingCodes

from .traffic import ACK, SYN, Maker, Mix, Packet, Side, Truth, frame, name

WINDOW = 1 << 30
TOGETHER = 6
"""HTTP/2 requests at the same time"""


class SealedMaker(Maker):
    """Connections under TLS: every other one speaks HTTP/2, every third one TLS 1.2."""

    scale = 8.3

    def __init__(self, mix: Mix, keys: Path) -> None:
        super().__init__(mix)
        self.near = {v: _client(v, keys) for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}
        self.far = _server()

    def connection(self, time: int) -> Iterator[Packet]:
        """The packets of one connection, from SYN to its end."""
        n = self.connections
        self.connections += 1
        here, there = bytes((10, n // 50000 & 255, 1, 9)), bytes((198, 51, 100, n % 40 + 1))
        client = Side(here, 10000 + n % 50000, self.random.getrandbits(32))
        server = Side(there, 443, self.random.getrandbits(32))
        trip = self.random.randrange(1_000_000, 30_000_000)
        yield time, frame(client, server, SYN)
        client.seq = client.seq + 1 & 0xFFFFFFFF
        yield time + trip // 2, frame(server, client, SYN | ACK)
        server.seq = server.seq + 1 & 0xFFFFFFFF
        yield time + trip, frame(client, server, ACK)
        version = ssl.TLSVersion.TLSv1_3 if n % 3 else ssl.TLSVersion.TLSv1_2
        wire = Wire(self, client, server, self.near[version], self.far, n % 2 == 0, time + trip)
        yield from wire.shake()
        host = f"h{n % 40}.example"
        yield from self._h2(wire, host, n) if n % 2 == 0 else self._h1(wire, host, n)
        yield from wire.end()
        yield from self.close(client, server, wire.time + trip)

    def _calls(self) -> int:
        return min(60, 1 + int(self.random.expovariate(1 / 12)))

    def _h1(self, wire: Wire, host: str, n: int) -> Iterator[Packet]:
        for i in range(self._calls()):
            ask, answer, truth, last = self.exchange(wire.client, wire.server, host, n, i)
            self.truth.append(truth)
            yield from wire.say(True, ask)
            yield from wire.say(False, answer)
            if last or self.full:
                return

    def _h2(self, wire: Wire, host: str, n: int) -> Iterator[Packet]:
        near, far = H2Connection(H2Configuration()), H2Connection(H2Configuration(client_side=False))
        near.initiate_connection()
        near.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        near.increment_flow_control_window(WINDOW)
        far.initiate_connection()
        left = self._calls()
        while left > 0 and not self.full:
            count = min(left, TOGETHER)
            left -= count
            for _ in range(count):
                stream = near.get_next_available_stream_id()
                target = f"/h2/{n}/{stream}?v={self.random.getrandbits(32):x}"
                fields = [(":method", "GET"), (":path", target), (":scheme", "https"), (":authority", host)]
                near.send_headers(stream, [*fields, ("user-agent", "bench/1"), ("accept", "*/*")], end_stream=True)
            asked = near.data_to_send()
            yield from wire.say(True, asked)
            for event in far.receive_data(asked):
                if isinstance(event, RequestReceived):
                    self._answer(wire, far, event, host)
            answered = far.data_to_send()
            yield from wire.say(False, answered)
            near.receive_data(answered)

    def _answer(self, wire: Wire, far: H2Connection, event: RequestReceived, host: str) -> None:
        assert event.headers is not None
        assert event.stream_id is not None
        path = dict(event.headers)[b":path"]
        target = path.decode() if isinstance(path, bytes) else path
        body = self.some(int(min(self.random.lognormvariate(self.scale, 1.4), 1 << 20)))
        status = self.random.choice((200, 200, 200, 403, 404))
        fields = [(":status", str(status)), ("server", "bench"), ("content-type", "text/html")]
        far.send_headers(event.stream_id, [*fields, ("x-id", f"{self.random.getrandbits(96):x}")])
        for low in range(0, len(body), 16384):
            far.send_data(event.stream_id, body[low : low + 16384])
        far.end_stream(event.stream_id)
        ends = name(wire.client), name(wire.server)
        self.truth.append(Truth(*ends, "GET", host, target, status, 0, len(body)))


class Wire:
    """A TLS connection whose records become packets."""

    def __init__(
        self, maker: Maker, client: Side, server: Side, near: ssl.SSLContext, far: ssl.SSLContext, h2: bool, time: int
    ) -> None:
        self.maker, self.client, self.server, self.time = maker, client, server, time
        self.out = {True: ssl.MemoryBIO(), False: ssl.MemoryBIO()}
        self.into = {True: ssl.MemoryBIO(), False: ssl.MemoryBIO()}
        """what the client, and what the server wrote; what they have to read"""
        near.set_alpn_protocols(["h2"] if h2 else ["http/1.1"])
        self.near = near.wrap_bio(self.into[True], self.out[True], server_hostname="bench.example")
        self.far = far.wrap_bio(self.into[False], self.out[False], server_side=True)

    def shake(self) -> Iterator[Packet]:
        done = [False, False]
        while not all(done):
            for i, (end, is_client) in enumerate(((self.near, True), (self.far, False))):
                try:
                    end.do_handshake()
                    done[i] = True
                except ssl.SSLWantReadError:
                    pass
                yield from self._flush(is_client)

    def say(self, is_client: bool, data: bytes) -> Iterator[Packet]:
        """One end writes, the other reads it all."""
        one, other = (self.near, self.far) if is_client else (self.far, self.near)
        for low in range(0, len(data), 1 << 16):
            one.write(data[low : low + (1 << 16)])
            yield from self._flush(is_client)
            try:
                while other.read(1 << 16):
                    pass
            except ssl.SSLWantReadError:
                pass

    def end(self) -> Iterator[Packet]:
        for end, is_client in ((self.far, False), (self.near, True)):
            try:
                end.unwrap()
            except ssl.SSLError:
                pass
            yield from self._flush(is_client)

    def _flush(self, is_client: bool) -> Generator[Packet]:
        data = self.out[is_client].read()
        if not data:
            return
        self.into[not is_client].write(data)
        source, target = (self.client, self.server) if is_client else (self.server, self.client)
        self.time = 1000 + (yield from self.maker.send(source, target, data, self.time + 200_000))
        yield self.time, frame(target, source, ACK)


def _client(version: ssl.TLSVersion, keys: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.keylog_filename = str(keys)
    return context


def _server() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(who, who, key.public_key(), 1, start, start + datetime.timedelta(36500))
    form = serialization.PrivateFormat.PKCS8
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with tempfile.NamedTemporaryFile() as file:
        file.write(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        file.flush()
        context.load_cert_chain(file.name)
    return context
