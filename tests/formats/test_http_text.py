"""Reading HTTP messages that a person wrote down, and the tools that print them."""

from __future__ import annotations

import base64
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.formats import burp, http_text, httpie, outside, wget, zap
from tracer.formats.pasted import plain

PAIR = b"""\
POST /api?x=1 HTTP/1.1\r
Host: shop.example\r
Content-Length: 5\r
\r
a=b&cHTTP/1.1 100 Continue\r
\r
HTTP/1.1 403 Forbidden\r
Server: nginx\r
Content-Length: 13\r
\r
<h1>no</h1>\r
"""


def short(report: Any) -> list[tuple[Any, ...]]:
    return [
        (
            e.request and (e.request.method, e.request.url, e.request.body.data),
            e.response and (e.response.status, e.response.body.data),
        )
        for e in report.exchanged
    ]


def test_a_request_and_its_responses_are_one_exchange(read_with: Any) -> None:
    report = read_with(http_text, PAIR)
    assert short(report) == [(("POST", "/api?x=1", b"a=b&c"), (403, b"<h1>no</h1>\r\n"))]
    assert [r.status for r in report.exchanged[0].interim] == [100]
    assert report.exchanged[0].response.head == b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 13\r\n\r\n"
    assert report.told == []


def test_a_response_alone_has_no_request(read_with: Any) -> None:
    report = read_with(http_text, b"HTTP/2 403\nserver: cloudflare\ncf-ray: 8c1f-FRA\n\nerror code: 1020\n")
    (exchange,) = report.exchanged
    assert (exchange.request, exchange.protocol) == (None, "HTTP/2")
    assert exchange.response.headers == ((b"server", b"cloudflare"), (b"cf-ray", b"8c1f-FRA"))
    assert exchange.response.body.data == b"error code: 1020\n"


def test_several_messages_in_one_text_pair_up_in_order(read_with: Any) -> None:
    text = b"GET /a HTTP/1.1\nHost: h\n\nHTTP/1.1 302 Found\nLocation: /b\n\n"
    text += b"GET /b HTTP/1.1\nHost: h\n\nHTTP/1.1 403 No\n\nx"
    assert short(read_with(http_text, text)) == [(("GET", "/a", b""), (302, b"")), (("GET", "/b", b""), (403, b"x"))]


def test_a_folded_field_is_one_value(read_with: Any) -> None:
    report = read_with(http_text, b"HTTP/1.1 200 OK\nX: one\n  two\nY: 3\n\n")
    assert report.exchanged[0].response.headers == ((b"X", b"one two"), (b"Y", b"3"))


def test_a_chunked_body_is_joined_where_the_text_still_has_its_chunks(read_with: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (
        read_with(http_text, head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").exchanged[0].response.body.data == b"abcde"
    )
    assert read_with(http_text, head + b"already joined").exchanged[0].response.body.data == b"already joined"


def test_a_body_shorter_than_announced_is_not_called_whole(read_with: Any) -> None:
    body = read_with(http_text, b"HTTP/1.1 200 OK\nContent-Length: 100\n\nabc").exchanged[0].response.body
    assert (body.data, body.complete) == (b"abc", False)


def test_messages_that_announce_bodies_they_do_not_have_end_where_the_next_begins(read_with: Any) -> None:
    report = read_with(http_text, b"HTTP/1.1 403 Forbidden\nContent-Length: 99\n\n" * 3)
    assert [(e.response.status, e.response.body.complete) for e in report.exchanged] == [(403, False)] * 3


def test_text_without_a_message_is_an_error(read_with: Any) -> None:
    assert read_with(http_text, b"hello\nworld\n").codes == ["text.no-message"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(PAIR)))
def test_any_bytes_are_read_and_every_body_byte_is_accounted_for(read_with: Any, data: bytes, cut: int) -> None:
    for module in (http_text, httpie, wget, zap, burp):
        read_with(module, PAIR[:cut] + data)
        module.kind_of(data)
    whole = read_with(http_text, b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(data) + data.replace(b"\n", b"."))
    expected = plain(b"HTTP/1.1 200 OK\n\n" + data.replace(b"\n", b"."))[17:]
    assert whole.exchanged[0].response.body.data == expected[: len(data)]


def test_httpie_output_gives_the_url_its_scheme_from_the_command_line(read_with: Any) -> None:
    text = (
        b"$ http -v POST https://shop.example/login user=a\nPOST /login HTTP/1.1\nHost: shop.example\n"
        b'User-Agent: HTTPie/3.2.1\nContent-Length: 13\n\n{\n    "user": "a"\n}\n\n\n'
        b'HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\n    "error": "no"\n}\n\n\n'
    )
    assert httpie.kind_of(text) == "httpie"
    report = read_with(httpie, text)
    assert short(report) == [
        (("POST", "https://shop.example/login", b'{\n    "user": "a"\n}'), (401, b'{\n    "error": "no"\n}'))
    ]
    assert not report.exchanged[0].response.body.complete  # as shown, not as sent


WGET = """\
--2026-11-24 12:51:43--  https://localhost:9443/r
Resolving localhost (localhost)... 127.0.0.1
Connecting to localhost (localhost)|127.0.0.1|:9443... connected.
{ask}HTTP request sent, awaiting response...\x20
{one}Location: /x [following]
--2026-11-24 12:51:43--  https://localhost:9443/x
Reusing existing connection to localhost:9443.
{ask}HTTP request sent, awaiting response...\x20
{two}2026-11-24 12:51:43 ERROR 403: Forbidden.
"""


def test_wget_with_response_fields_shows_answers_and_urls(read_with: Any) -> None:
    one, two = "  HTTP/1.1 302 Found\n  Location: /x\n", "  HTTP/1.1 403 Forbidden\n  Server: nginx\n"
    text = WGET.format(ask="", one=one, two=two).encode()
    assert wget.kind_of(text) == "wget"
    report = read_with(wget, text)
    assert [(e.request.url, e.response.status, e.server) for e in report.exchanged] == [
        ("https://localhost:9443/r", 302, "127.0.0.1:9443"),
        ("https://localhost:9443/x", 403, "127.0.0.1:9443"),
    ]
    assert report.exchanged[1].response.headers == ((b"Server", b"nginx"),)
    assert report.exchanged[0].extra == {"wget.request": "not shown"}


def test_wget_in_debug_mode_shows_both_sides(read_with: Any) -> None:
    ask = "---request begin---\nGET /r HTTP/1.1\nHost: localhost:9443\n\n---request end---\n"
    one = "---response begin---\nHTTP/1.1 302 Found\nLocation: /x\n\n---response end---\n302 Found\n"
    two = "---response begin---\nHTTP/1.1 403 Forbidden\n\n---response end---\n403 Forbidden\n"
    report = read_with(wget, WGET.format(ask=ask, one=one, two=two).encode())
    assert [(e.request.headers, e.response.status) for e in report.exchanged] == [
        (((b"Host", b"localhost:9443"),), 302),
        (((b"Host", b"localhost:9443"),), 403),
    ]
    assert report.exchanged[0].request.url == "https://localhost:9443/r"


def test_wget_without_fields_still_tells_the_status(read_with: Any) -> None:
    text = WGET.format(ask="", one="", two="").replace("response... \nLocation", "response... 302 Found\nLocation")
    report = read_with(wget, text.replace("response... \n2026", "response... 403 Forbidden\n2026").encode())
    assert [e.response.status for e in report.exchanged] == [302, 403]


BURP = """<?xml version="1.0"?>
<!DOCTYPE items [
<!ELEMENT items (item*)>
<!ATTLIST items burpVersion CDATA "">
]>
<items burpVersion="2026.1"><item><time>Tue Nov 24 12:00:00 GMT 2026</time>
<url><![CDATA[https://shop.example/api?x=1]]></url>
<host ip="203.0.113.9">shop.example</host><port>443</port><protocol>https</protocol>
<request base64="{flag}"><![CDATA[{request}]]></request><status>403</status>
<response base64="{flag}"><![CDATA[{response}]]></response><comment>look</comment></item></items>
"""
ASKED = "GET /api?x=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
ANSWERED = "HTTP/1.1 403 Forbidden\r\nServer: nginx\r\n\r\nno"


@pytest.mark.parametrize("flag", ["true", "false"])
def test_burp_items_are_exchanges_in_base64_and_plain(read_with: Any, flag: str) -> None:
    coded = [base64.b64encode(t.encode()).decode() if flag == "true" else t for t in (ASKED, ANSWERED)]
    text = BURP.format(flag=flag, request=coded[0], response=coded[1]).encode()
    assert burp.kind_of(text) == "burp"
    report = read_with(burp, text)
    assert short(report) == [(("GET", "https://shop.example/api?x=1", b""), (403, b"no"))]
    (exchange,) = report.exchanged
    assert (exchange.server, exchange.comment, exchange.timing.start_ns) == (
        "203.0.113.9:443", "look", 1_795_521_600_000_000_000
    )  # fmt: skip
    assert report.told == []


def test_burp_xml_that_declares_entities_is_refused_unexpanded(read_with: Any) -> None:
    text = b'<!DOCTYPE items [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><items burpVersion="1"><item>&b;</item></items>'
    assert read_with(burp, text).codes == ["burp.xml", "burp.empty"]


def test_burp_xml_cut_in_the_middle_keeps_the_items_before(read_with: Any) -> None:
    text = BURP.format(flag="false", request=ASKED, response=ANSWERED)
    report = read_with(burp, text.replace("</items>", "<item><time>Tue").encode())
    assert (len(report.exchanged), report.codes) == (1, ["burp.xml"])


def test_zap_messages_are_numbered_pairs(read_with: Any) -> None:
    text = (
        b"==== 1 ==========\r\nGET https://shop.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n\r\n"
        b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\n\r\nno\r\n"
        b"==== 2 ==========\r\nGET https://shop.example/b HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nyes\r\n"
    )
    assert zap.kind_of(text) == "zap"
    report = read_with(zap, text)
    assert [(e.request.url, e.response.status) for e in report.exchanged] == [
        ("https://shop.example/a", 403),
        ("https://shop.example/b", 200),
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [(PAIR, "http"), (b"\n\nHTTP/1.1 403 Forbidden\r\n", "http"), (b"HTTP/2 403 \n", "http"),
     (b"GETTING HTTP/1.1", None), (b"{}", None),
     (b"PK\x03\x04", None)],
)  # fmt: skip
def test_messages_are_known_by_their_first_line(head: bytes, kind: str | None) -> None:
    assert http_text.kind_of(head) == kind


def test_the_body_of_a_redirect_that_curl_announces_and_does_not_show_takes_nothing_of_the_next(read_with: Any) -> None:
    """curl -iL: the head says Content-Length: 5, and the next head follows at once."""
    moved = b"HTTP/1.1 301 Moved Permanently\r\nLocation: /denied\r\nContent-Length: 5\r\n\r\n"
    report = read_with(http_text, moved + b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert [e.response.status for e in report.exchanged] == [301, 403]
    assert report.exchanged[1].response.body.data == b"no"


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("tool", ["curl", "wget", "http"])
def test_what_a_mail_or_a_ticket_quotes_is_read(read_with: Any, tool: str, depth: int) -> None:
    text = {
        "curl": b"* Connected to h (10.0.0.9) port 80 (#0)\n> GET /a HTTP/1.1\n> Host: h\n> \n< HTTP/1.1 403 No\n< \n",
        "wget": b"--2026-11-24 12:51:43--  http://h/a\nResolving h (h)... 10.0.0.9\nHTTP request sent, awaiting "
        b"response... \n  HTTP/1.1 403 No\n  Server: nginx\n",
        "http": b"GET /a HTTP/1.1\nHost: h\n\nHTTP/1.1 403 No\nServer: nginx\n\n",
    }[tool]
    for _ in range(depth):
        text = b"".join(b"> " + line if line.strip() else b">" + line for line in text.splitlines(True))
    kind = outside.kind_of(text)
    assert kind == tool
    (exchange,) = read_with(import_module(outside.reader(kind).__module__), text).exchanged
    assert exchange.response.status == 403


def test_a_request_that_curl_marks_is_no_quotation(read_with: Any) -> None:
    text = b"> GET /a HTTP/1.1\n> Host: h\n> Accept: */*\n> \n"
    assert outside.kind_of(text) == "curl"
    (exchange,) = read_with(import_module("tracer.formats.curl"), text).exchanged
    assert (exchange.request.method, exchange.request.url) == ("GET", "/a")  # the scheme is not shown


OPENSSL = b"""CONNECTED(00000003)
depth=0 CN = h.test
verify error:num=18:self-signed certificate
---
SSL-Session:
    Protocol  : TLSv1.2
    Timeout   : 7200 (sec)
---
HTTP/1.1 403 Forbidden
Server: nginx
Content-Length: 2

noclosed
"""
GO = b"""2026/11/28 17:11:38 GET /secret/a HTTP/1.1
Host: h.test

2026/11/28 17:11:38 HTTP/1.1 403 Forbidden
Server: nginx
Content-Length: 2

no
"""
ONE_STRING = rb"""INFO asked "GET /secret/a HTTP/1.1\r\nHost: h.test\r\n\r\n"
INFO heard "HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 4\r\n\r\na\"\x62\u0063" in 3 ms
"""
INDENTED = b"""  HTTP/1.1 403 Forbidden
  Server: nginx
  Content-Length: 153
"""


@pytest.mark.parametrize(
    ("text", "asked", "body"),
    [(OPENSSL, None, b"no"), (GO, "/secret/a", b"no"), (ONE_STRING, "/secret/a", b'a"bc'), (INDENTED, None, b"")],
    ids=["after a handshake", "after a logger's time", "as one string", "indented"],
)  # fmt: skip
def test_messages_are_found_in_what_other_programs_print(
    read_with: Any, text: bytes, asked: str | None, body: bytes
) -> None:
    assert http_text.kind_of(text) == "http"
    (found,) = read_with(http_text, text).exchanged
    assert (found.request and found.request.target) == asked
    assert (found.response.status, found.response.get("server"), found.response.body.data or b"") == (
        403,
        "nginx",
        body,
    )


@pytest.mark.parametrize(
    "text",
    [b'10.0.0.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 403 153 "-" "x"\n' * 3,
     b"we saw\nHTTP/1.1 403 Forbidden\nand no more than that\n", b"POST and HTTP/1.1 are words\nfoo: bar\n"],
)  # fmt: skip
def test_words_about_messages_are_none(text: bytes) -> None:
    assert http_text.kind_of(text) is None
