"""An HTTP/3 server on loopback, in a thread: `/deny` is forbidden, everything else says hello."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent


class _Served(QuicConnectionProtocol):
    http: H3Connection | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        for seen in self.http.handle_event(event) if self.http is not None else ():
            if isinstance(seen, HeadersReceived) and seen.stream_ended:
                self._answer(seen.stream_id, dict(seen.headers)[b":path"])

    def _answer(self, stream: int, path: bytes) -> None:
        assert self.http is not None
        status, body = (b"403", b"forbidden") if path.startswith(b"/deny") else (b"200", b"hello")
        self.http.send_headers(stream, [(b":status", status), (b"server", b"h3-origin")])
        self.http.send_data(stream, body, end_stream=True)
        self.transmit()


@contextmanager
def h3_server(certificate: Path, key: Path) -> Iterator[int]:
    """The UDP port of a running server."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        return await serve("127.0.0.1", 0, configuration=configuration, create_protocol=_Served)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield server._transport.get_extra_info("sockname")[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
