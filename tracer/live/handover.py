"""mitmproxy's flows and connections -> records in the journal, within microseconds, raising nothing.

What a hook hands over is read here and nowhere changed. When the recorder lags behind, bodies are left out before
exchanges are; when the disk takes nothing more, exchanges are counted and the traffic goes on. Problem codes:
`live.bodies-left-out`, `live.lost`, `live.hook`, `live.untrusted`, `live.unreachable`.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .journal import Writer
from .records import (
    Closed,
    Digest,
    End,
    Error,
    Flow,
    Frame,
    Headers,
    Listening,
    Note,
    Ready,
    Record,
    Request,
    Response,
    bare,
    to_bytes,
)
from .sides import Sides

KEPT = 1 << 20
"""bytes of a body that are kept"""
LAGGING = 16
"""segments waiting for the recorder from which on bodies are left out"""
LIMIT = 256
"""segments from which on exchanges are only counted"""
_HASHING = 64 << 20
"""bytes of bodies that wait for their digest"""
_TUNNELS = 4096
_LOOK = 256
"""records between two looks at what waits"""
_HOSTS = 1000
_TRUSTING = "--ca PEM trusts its authority, -k takes any (in mitmproxy: ssl_verify_upstream_trusted_ca, ssl_insecure)"
_OF_OTHERS = re.compile("refused HTTP CONNECT|client disconnected|connection cancelled|killed")
"""errors that are an upstream proxy's answer, or a client's that went away, or another addon's wish"""
_REPEAT = 60.0
"""seconds between two complaints about one thing"""
_log = logging.getLogger("tracer")


class Handover:
    """Takes what the hooks see. Every method contains its own failures."""

    def __init__(self, writer: Writer, kept: int = KEPT) -> None:
        self._writer = writer
        self._kept = self._bound = kept
        self.count = 0
        """exchanges handed over"""
        self.lost = 0
        """exchanges that nobody took"""
        self.faults = 0
        self.sides = Sides(self._put)
        self._tunnels: OrderedDict[str, int] = OrderedDict()
        self._digests = _Digests(self._put)
        self._until_look = 0
        self._full = False
        self._told: dict[str, float] = {}
        self._said: set[tuple[str, str]] = set()
        """of which hosts what was said"""

    # -- what the hooks call

    def exchange(self, flow: Any) -> int | None:
        """A finished exchange: its number; None when it could not be handed over."""
        try:
            return self._exchange(flow)
        except Exception as error:
            self._failed(error)
            return None

    def message(self, number: int, message: Any) -> None:
        """One WebSocket message."""
        self._contained(self._message, number, message)

    def closed(self, number: int, websocket: Any) -> None:
        self._contained(self._closed, number, websocket)

    def side(self, connection: Any, **seen: Any) -> None:
        """Something became known of a connection; see `Sides.note`."""
        self._contained(self.sides.note, connection, **seen)

    def hello(self, connection: Any, hello: Any, passed: bool) -> None:
        """A client's first message (mitmproxy's ClientHello), and whether its TLS is let through untouched."""
        self._contained(self._hello, connection, hello, passed)

    def watch(self, connection: Any, ssl: Any) -> None:
        """A TLS handshake is about to begin on a pyOpenSSL connection."""
        self._contained(self.sides.watch, connection, ssl)

    def agreed(self, connection: Any, ssl: Any, failed: bool = False) -> None:
        """The proxy's own handshake with a server came to an end."""
        self._contained(self.sides.agreed, connection, ssl, failed)

    def distrusted(self, connection: Any) -> None:
        """Say so when the proxy itself refused a server's certificate: its client meets a 502 of ours, no denial."""
        self._contained(self._distrusted, connection)

    def unreachable(self, connection: Any) -> None:
        """The proxy could not connect to a server: say so, for its client meets a 502 of ours, which is no denial."""
        self._contained(self._unreachable, connection)

    def gone(self, connection: Any) -> None:
        self._contained(self.sides.gone, connection)

    def ready(self, servers: tuple[Listening, ...]) -> None:
        self._contained(self._put, Ready(servers))

    def close(self) -> None:
        """The proxy ends."""
        self._digests.close()
        self._contained(self._put, End(self.count, self.lost))
        self._writer.close()

    # -- how it is done

    def _contained(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            return act(*given, **named)
        except Exception as error:  # nothing in here may reach the traffic
            self._failed(error)
            return None

    def _failed(self, error: Exception) -> None:
        self.faults += 1
        self._complain("live.hook", f"a hook failed and left something out: {type(error).__name__}: {error}")

    def _exchange(self, flow: Any) -> int | None:
        self._look()
        client, server = flow.client_conn, flow.server_conn
        self.count += 1
        number = self.count
        connect = flow.request.data.method == b"CONNECT"
        if connect:
            self._tunnels[client.id] = number
            if len(self._tunnels) > _TUNNELS:
                self._tunnels.popitem(last=False)
        outer = self.sides.number(client)
        inner = self.sides.number(server) if server.timestamp_start or server.error else None
        request, response, error = flow.request.data, flow.response, flow.error
        record = Flow(
            number,
            flow.id,
            outer,
            inner,
            self._request(request),
            self._response(response.data) if response is not None else None,
            Error(error.msg, error.timestamp) if error is not None else None,
            flow.comment,
            flow.marked,
            flow.is_replay,
            flow.modified(),
            response is not None and (connect or not server.timestamp_start),
            None if connect else self._tunnels.get(client.id),
        )
        if self._full or not (self._put(record) or self._put_bare(record)):
            self.lost += 1
            self._complain("live.lost", f"{self.lost} exchanges could not be recorded; the traffic goes on")
            return None
        if record.request.size is not None:
            self._digest(number, True, request.content)
        if record.response is not None and record.response.size is not None:
            self._digest(number, False, response.data.content)
        return number

    def _digest(self, number: int, of_request: bool, data: bytes) -> None:
        if len(data) > self._kept:  # and not only left out because the recorder lags
            self._digests.ask(number, of_request, data)

    def _hello(self, connection: Any, hello: Any, passed: bool) -> None:
        try:
            body: bytes | None = hello.raw_bytes(False)
        except NotImplementedError:  # of DTLS
            body = None
        self.sides.note(connection, write=passed, hello=body, passed=passed)

    def _distrusted(self, connection: Any) -> None:
        reason = str(connection.error or "")
        host = connection.sni or str((connection.address or ("the server",))[0])
        if "certificate verify failed" in reason.lower():
            text = f"the proxy does not trust the certificate of {host} ({reason.partition(': ')[2]}): {_TRUSTING}"
            self._once("live.untrusted", host, text)

    def _unreachable(self, connection: Any) -> None:
        self.sides.note(connection)
        reason = str(connection.error or "")
        if _OF_OTHERS.search(reason):
            return
        host, port = (connection.address or ("the server", ""))[:2]
        text = f"the proxy cannot reach {host} port {port} ({reason}): its clients get a 502 of the proxy's own"
        self._once("live.unreachable", str(host), text)

    def _once(self, code: str, host: str, text: str) -> None:
        if (code, host) not in self._said and len(self._said) <= _HOSTS:
            self._said.add((code, host))
            self._put(Note(code, text, warn=False))

    def _request(self, data: Any) -> Request:
        content, size = self._cut(data.content)
        return Request(
            data.http_version,
            Headers(data.headers.fields),
            Headers(data.trailers.fields) if data.trailers else None,
            content,
            size,
            data.timestamp_start,
            data.timestamp_end,
            data.method,
            data.scheme,
            data.authority,
            data.path,
            data.host,
            data.port,
        )

    def _response(self, data: Any) -> Response:
        content, size = self._cut(data.content)
        return Response(
            data.http_version,
            Headers(data.headers.fields),
            Headers(data.trailers.fields) if data.trailers else None,
            content,
            size,
            data.timestamp_start,
            data.timestamp_end,
            data.status_code,
            data.reason,
        )

    def _cut(self, content: bytes | None) -> tuple[bytes | None, int | None]:
        if content is None or len(content) <= self._bound:
            return content, None
        return (content[: self._bound] if self._bound else None), len(content)

    def _message(self, number: int, message: Any) -> None:
        self._look()
        content = message.content
        self._put(
            Frame(
                number,
                message.from_client,
                int(message.type),
                content[: self._bound],
                len(content),
                message.timestamp,
            )
        )

    def _closed(self, number: int, websocket: Any) -> None:
        code, reason = websocket.close_code, websocket.close_reason or ""
        self._put(Closed(number, code, reason, bool(websocket.closed_by_client), websocket.timestamp_end or 0.0))

    def _put(self, record: Record) -> bool:
        try:
            self._writer.append(to_bytes(record))
        except OSError as error:
            self._complain("live.disk", f"the recording cannot be written: {error.strerror or error}", journal=False)
            return False
        return True

    def _put_bare(self, record: Flow) -> bool:
        """What the disk did not take whole, without bodies: there may be room for that."""
        if not (record.request.raw_content or (record.response and record.response.raw_content)):
            return False
        if not self._put(bare(record)):
            return False
        self._complain("live.bodies-left-out", "the disk is full: bodies are left out as long as heads fit")
        return True

    def _look(self) -> None:
        """Before a record: begin a segment in which everything is known; see now and then what waits."""
        self._until_look -= 1
        if self._writer.full:
            self.sides.forget_written()
        elif self._until_look >= 0:
            return
        self._until_look = _LOOK
        waiting = self._writer.waiting
        self._full = waiting > LIMIT
        if waiting > LAGGING and self._bound:
            self._bound = 0
            text = f"the recorder lags {waiting} segments behind: bodies are left out until it has caught up"
            self._complain("live.bodies-left-out", text)
        elif waiting <= LAGGING // 2:
            self._bound = self._kept

    def _complain(self, code: str, text: str, journal: bool = True) -> None:
        now = time.monotonic()
        if now - self._told.get(code, -_REPEAT) < _REPEAT:
            return
        self._told[code] = now
        _log.log(logging.WARNING if journal else logging.ERROR, "tracer: %s", text)
        if journal:
            try:
                self._put(Note(code, text))
            except Exception:  # as contained as everything else
                self.faults += 1


class _Digests:
    """Hashes long bodies beside the traffic; what is too much at once stays without a digest."""

    def __init__(self, put: Callable[[Record], bool]) -> None:
        self._put = put
        self._queue: queue.SimpleQueue[tuple[int, bool, bytes] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._thread: threading.Thread | None = None

    def ask(self, number: int, of_request: bool, data: bytes) -> None:
        if self._waiting + len(data) > _HASHING and self._waiting:
            return
        self._waiting += len(data)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="tracer-digests", daemon=True)
            self._thread.start()
        self._queue.put((number, of_request, data))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            number, of_request, data = item
            self._put(Digest(number, of_request, hashlib.sha256(data).hexdigest()))
            self._waiting -= len(data)

    def close(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(5)
