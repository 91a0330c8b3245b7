"""What Python's HTTP clients write of their exchanges."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.formats import python_log
from tracer.model.http import Body, Exchange, Request, Response

FIELDS = "[(b'Server', b'nginx'), (b'Location', b'https://h.test/b')]"
URLLIB3 = """\
DEBUG:urllib3.connectionpool:Starting new HTTPS connection (1): h.test:443
DEBUG:urllib3.connectionpool:https://h.test:443 "GET /a HTTP/1.1" 302 0
2026-11-28 12:00:00,123 DEBUG urllib3.connectionpool: https://h.test:443 "POST /b?x=1 HTTP/1.1" 403 None
"""
CORE = "DEBUG [2026-11-28 12:00:00] httpcore.http11 - receive_response_headers.complete return_value="
HTTPX = f"""\
DEBUG [2026-11-28 12:00:00] httpcore.http11 - send_request_headers.started request=<Request [b'GET']>
{CORE}(b'HTTP/1.1', 302, b'Found', {FIELDS})
INFO [2026-11-28 12:00:00] httpx - HTTP Request: GET https://h.test/a "HTTP/1.1 302 Found"
{CORE}(403, [(b'server', b'envoy')])
INFO [2026-11-28 12:00:00] httpx - HTTP Request: POST https://h.test/b "HTTP/2 403 Forbidden"
INFO [2026-11-28 12:00:00] httpx - HTTP Request: GET https://h.test/c "HTTP/1.1 429 Too Many Requests"
"""


def told(exchanges: list[Exchange]) -> list[tuple[str, int]]:
    return [(e.request.url if e.request else "", e.response.status if e.response else 0) for e in exchanges]


def test_urllib3_names_url_and_status(read_with: Any) -> None:
    found = read_with(python_log, URLLIB3.encode()).exchanged
    assert told(found) == [("https://h.test:443/a", 302), ("https://h.test:443/b?x=1", 403)]


def test_httpx_names_what_httpcore_told_of(read_with: Any) -> None:
    found = read_with(python_log, HTTPX.encode()).exchanged
    assert told(found) == [("https://h.test/a", 302), ("https://h.test/b", 403), ("https://h.test/c", 429)]
    assert [e.response.headers for e in found] == [
        ((b"Server", b"nginx"), (b"Location", b"https://h.test/b")),
        ((b"server", b"envoy"),),
        (),
    ]
    assert found[1].protocol == "HTTP/2"


def test_answers_that_no_line_names_are_kept(read_with: Any) -> None:
    lines = [line for line in HTTPX.splitlines() if "httpx" not in line]
    found = read_with(python_log, "\n".join(lines).encode()).exchanged
    assert told(found) == [("", 302), ("", 403)]


SEND = r"""send: b'POST /x HTTP/1.1\r\nHost: h.test\r\nContent-Length: 8\r\n\r\n'
send: b'{"a": 1}'
reply: 'HTTP/1.1 403 Forbidden\r\n'
header: Server: nginx
header: X-Note: it's
something else
"""


@pytest.mark.parametrize("after", ["", 'DEBUG:urllib3.connectionpool:https://h.test:443 "POST /x HTTP/1.1" 403 5\n'])
def test_http_client_shows_all_but_the_answers_body(read_with: Any, after: str) -> None:
    (found,) = read_with(python_log, (SEND + after).encode()).exchanged
    assert found.request == Request(
        method="POST",
        target="/x",
        url="/x",
        headers=((b"Host", b"h.test"), (b"Content-Length", b"8")),
        body=Body(size=8, data=b'{"a": 1}'),
        head=b"POST /x HTTP/1.1\r\nHost: h.test\r\nContent-Length: 8\r\n\r\n",
        packet=1,
    )
    assert found.response.headers == ((b"Server", b"nginx"), (b"X-Note", b"it's"))


@pytest.mark.parametrize("line", ["send: b'\\x", "reply: '''", "reply: 'HTTP/1.1 4", "send: " + "(" * 5000,
                                  "receive_response_headers.complete return_value=(" + "(" * 9000 + ")"])  # fmt: skip
def test_what_is_no_literal_costs_its_line(read_with: Any, line: str) -> None:
    found = read_with(python_log, f"{line}\n{SEND}".encode()).exchanged
    assert told(found)[-1] == ("/x", 403)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_text_is_read_without_a_fault_or_a_warning(read_with: Any, data: st.DataObject) -> None:
    text = bytearray((HTTPX + SEND + URLLIB3).encode())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = read_with(python_log, bytes(text))
    assert report.exchanged


PROGRAM = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.set_debuglevel(1)
for path in "/a", "/b":
    connection.request("POST", path, body=b"q=1", headers={"X-Asked": path})
    connection.getresponse().read()
"""


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403 if self.path == "/b" else 200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Said", "it's \\ so")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_what_this_python_prints_is_read(read_with: Any, port: int) -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM, str(port)], stdout=subprocess.PIPE, check=True).stdout
    assert python_log.kind_of(printed) == "python"
    found = read_with(python_log, printed).exchanged
    assert told(found) == [("/a", 200), ("/b", 403)]
    assert [e.request.get("x-asked") for e in found] == ["/a", "/b"]
    assert [e.request.body.data for e in found] == [b"q=1", b"q=1"]
    assert [(e.response.get("x-said"), isinstance(e.response, Response)) for e in found] == [("it's \\ so", True)] * 2


def test_an_access_log_that_quotes_urls_is_none_of_these() -> None:
    line = (
        b'10.0.0.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 403 1 "HTTP Request: GET http://h "HTTP/1.1 403"\n'
    )
    assert python_log.kind_of(line * 5) is None
