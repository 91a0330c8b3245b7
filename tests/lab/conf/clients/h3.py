# mypy: ignore-errors
"""One request over HTTP/3: h3.py IP PORT HOST PATH CA."""

import asyncio
import os
import sys

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.done = asyncio.get_running_loop().create_future()
        self.status = 0

    def quic_event_received(self, event):
        for seen in self.http.handle_event(event):
            if isinstance(seen, HeadersReceived):
                self.status = int(dict(seen.headers)[b":status"])
            if isinstance(seen, DataReceived | HeadersReceived) and seen.stream_ended and not self.done.done():
                self.done.set_result(self.status)

    async def get(self, host, path):
        stream = self._quic.get_next_available_stream_id()
        head = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", host.encode()), (b":path", path.encode())]
        self.http.send_headers(stream, [*head, (b"user-agent", b"aioquic")], end_stream=True)
        self.transmit()
        return await asyncio.wait_for(self.done, 10)


async def main(ip, port, host, path, ca):
    with open(os.environ["SSLKEYLOGFILE"], "a") as keys:
        configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=host, secrets_log_file=keys)
        configuration.load_verify_locations(ca)
        loop, mine = asyncio.get_running_loop(), (os.environ["LAB_SOURCE"], 0)
        made = lambda: Client(QuicConnection(configuration=configuration))  # noqa: E731
        _, client = await loop.create_datagram_endpoint(made, local_addr=mine)
        client.connect((ip, int(port)))
        await client.wait_connected()
        print(f"lab-status={await client.get(host, path)}")
        client.close()
        await client.wait_closed()


asyncio.run(main(*sys.argv[1:6]))
