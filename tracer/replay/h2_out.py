"""A request over HTTP/2: a client of one request, bytes in, bytes out, on the h2 library.

Fields keep their order; names become lower case and connection fields stay behind, as RFC 9113 section 8.2 demands.
What comes back is not interpreted here but for flow control: the readers of captures read it.
"""

from __future__ import annotations

from .asked import Ask

_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings", b"host")
)
WINDOW = 1 << 24
"""bytes of an answer that may come without being asked for"""


class H2Client:
    """`start` gives the first bytes; `receive` takes what came and gives what is to be sent now."""

    def __init__(self, ask: Ask) -> None:
        from h2.config import H2Configuration
        from h2.connection import H2Connection

        config = H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
        )
        self._h2 = H2Connection(config=config)
        self._left = ask.body
        self._ask = ask
        self.done = False
        """the answer is over, or never comes"""

    def start(self) -> bytes:
        from h2.settings import SettingCodes, Settings

        wanted = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: WINDOW}
        self._h2.local_settings = Settings(client=True, initial_values=wanted)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW)
        self._h2.send_headers(1, fields(self._ask), end_stream=not self._left)
        self._send_body()
        return self._h2.data_to_send()

    def receive(self, data: bytes) -> bytes:
        from h2.events import ConnectionTerminated, DataReceived, StreamEnded, StreamReset
        from h2.exceptions import ProtocolError

        try:
            for event in self._h2.receive_data(data):
                if isinstance(event, DataReceived) and event.flow_controlled_length and event.stream_id == 1:
                    self._h2.acknowledge_received_data(event.flow_controlled_length, 1)
                self.done = self.done or isinstance(event, (StreamEnded, StreamReset, ConnectionTerminated))
            if not self.done:
                self._send_body()
        except ProtocolError:
            self.done = True  # the reader of captures says what was wrong
        return self._h2.data_to_send()

    def _send_body(self) -> None:
        """As much of the body as the server's windows allow (RFC 9113 section 5.2)."""
        while self._left:
            size = min(self._h2.local_flow_control_window(1), self._h2.max_outbound_frame_size, len(self._left))
            if size <= 0:
                return
            piece, self._left = self._left[:size], self._left[size:]
            self._h2.send_data(1, piece, end_stream=not self._left)


def fields(ask: Ask) -> list[tuple[bytes, bytes]]:
    """Pseudo-header fields, then the others in their order."""
    authority = ask.get(b"host") or ask.place.name.encode()
    out = [
        (b":method", ask.method),
        (b":authority", authority),
        (b":scheme", ask.place.scheme.encode()),
        (b":path", _path(ask.target)),
    ]
    for field in ask.fields:
        name = field.name.lower()
        if name in _CONNECTION or name.startswith(b":"):
            continue
        if name == b"te" and field.value.strip().lower() != b"trailers":
            continue
        value = b"%d" % len(ask.body) if name == b"content-length" else field.value
        out.append((name, value.replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b" ")))
    return out


def _path(target: bytes) -> bytes:
    """An absolute-form target gives its path."""
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        return target or b"/"
    slash = rest.find(b"/")
    return rest[slash:] if slash >= 0 else b"/"
