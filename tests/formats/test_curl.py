"""Reading what curl prints, in all its shapes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.formats import curl

REDIRECT = b"""\
$ curl -vkL https://localhost:9443/r
*   Trying 127.0.0.1:9443...
* Connected to localhost (127.0.0.1) port 9443 (#0)
* ALPN: offers h2,http/1.1
} [5 bytes data]
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
} [512 bytes data]
* TLSv1.3 (IN), TLS handshake, Server hello (2):
* TLSv1.3 (IN), TLS handshake, Encrypted Extensions (8):
* TLSv1.3 (IN), TLS handshake, Certificate (11):
* TLSv1.3 (IN), TLS handshake, CERT verify (15):
* TLSv1.3 (IN), TLS handshake, Finished (20):
* TLSv1.3 (OUT), TLS change cipher, Change cipher spec (1):
* TLSv1.3 (OUT), TLS handshake, Finished (20):
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS
* ALPN: server accepted http/1.1
* Server certificate:
*  subject: C=XX; O=Acme; CN=localhost
*  start date: Nov 24 12:51:42 2026 GMT
*  expire date: Dec 24 12:51:42 2026 GMT
*  issuer: C=XX; O=Acme; CN=Acme CA
*  SSL certificate verify result: unable to get local issuer certificate (20), continuing anyway.
* using HTTP/1.x
} [5 bytes data]
> GET /r HTTP/1.1
> Host: localhost:9443
> User-Agent: curl/8.5.0
> Accept: */*
>\x20
* old SSL session ID is stale, removing
< HTTP/1.1 302 Found
< Location: /x
< Content-Length: 0
<\x20
* Connection #0 to host localhost left intact
* Issue another request to this URL: 'https://localhost:9443/x'
* Re-using existing connection #0 with host localhost
> GET /x HTTP/1.1
> Host: localhost:9443
> User-Agent: curl/8.5.0
> Accept: */*
>\x20
< HTTP/1.1 403 Forbidden
< Server: nginx
< Content-Length: 17
<\x20
* just text
<b>no* Connection #0 to host localhost left intact
"""


def statuses(report: Any) -> list[int | None]:
    return [e.response.status if e.response else None for e in report.exchanged]


def test_a_redirect_over_one_connection_is_two_exchanges_with_their_handshake(read_with: Any) -> None:
    report = read_with(curl, REDIRECT)
    assert report.told == []
    assert [e.request.url for e in report.exchanged] == ["https://localhost:9443/r", "https://localhost:9443/x"]
    assert statuses(report) == [302, 403]
    assert [(e.server, e.tls, e.connection) for e in report.exchanged] == [("127.0.0.1:9443", "t1", "c1")] * 2
    assert report.exchanged[1].response.headers == ((b"Server", b"nginx"), (b"Content-Length", b"17"))


def test_the_body_ends_where_curl_says_it_left_the_connection_even_on_the_same_line(read_with: Any) -> None:
    body = read_with(curl, REDIRECT).exchanged[1].response.body
    assert (body.data, body.complete) == (b"* just text\n<b>no", True)


def test_tls_lines_tell_version_cipher_protocol_certificate_and_that_no_client_certificate_was_asked_for(
    read_with: Any,
) -> None:
    (tls,) = read_with(curl, REDIRECT).shaken
    assert (tls.version, tls.cipher, tls.group, tls.alpn) == (
        "TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "http/1.1"
    )  # fmt: skip
    assert (tls.alpn_offered, tls.sni, tls.complete, tls.client_cert_requested) == (
        ("h2", "http/1.1"), "localhost", True, False
    )  # fmt: skip
    (leaf,) = tls.server_certs
    assert (leaf.subject, leaf.issuer) == ("CN=localhost,O=Acme,C=XX", "CN=Acme CA,O=Acme,C=XX")
    assert leaf.not_after_ns == 1_798_116_702_000_000_000


MTLS = b"""\
*   Trying 127.0.0.1:9444...
* Connected to api.example (127.0.0.1) port 9444 (#0)
* TLSv1.2 (OUT), TLS handshake, Client hello (1):
* TLSv1.2 (IN), TLS handshake, Server hello (2):
* TLSv1.2 (IN), TLS handshake, Certificate (11):
* TLSv1.2 (IN), TLS handshake, Request CERT (13):
* TLSv1.2 (IN), TLS handshake, Server finished (14):
* TLSv1.2 (OUT), TLS handshake, Certificate (11):
* TLSv1.2 (OUT), TLS handshake, Client key exchange (16):
%s* TLSv1.2 (OUT), TLS handshake, Finished (20):
* TLSv1.2 (IN), TLS alert, handshake failure (552):
* Closing connection 0
curl: (35) error:0A000410:SSL routines::sslv3 alert handshake failure
"""


@pytest.mark.parametrize(
    ("verify", "sent"), [(b"", False), (b"* TLSv1.2 (OUT), TLS handshake, CERT verify (15):\n", True)]
)
def test_a_refused_handshake_tells_whether_a_client_certificate_was_asked_for_and_sent(
    read_with: Any, verify: bytes, sent: bool
) -> None:
    report = read_with(curl, MTLS % verify)
    (tls,) = report.shaken
    assert (tls.client_cert_requested, tls.client_cert_sent, tls.complete) == (True, sent, False)
    assert [(a.client, a.level, a.code, a.name) for a in tls.alerts] == [(False, 2, 40, "handshake_failure")]
    assert report.exchanged == []
    assert report.codes == ["curl.error"]


def test_an_alert_after_the_request_ends_the_exchange_and_is_kept_with_curls_words(read_with: Any) -> None:
    text = REDIRECT[: REDIRECT.index(b"* old SSL")] + (
        b"* TLSv1.3 (IN), TLS alert, unknown (628):\n"
        b"* OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0\n"
        b"curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0\n"
    )
    report = read_with(curl, text)
    (exchange,) = report.exchanged
    assert exchange.response is None
    assert exchange.comment.startswith("curl: (56) OpenSSL SSL_read")
    assert exchange.aborted == exchange.comment
    assert [(a.code, a.name) for a in report.shaken[0].alerts] == [(116, "certificate_required")]


PROXY = b"""\
* Uses proxy env variable https_proxy == 'http://10.1.1.1:3128'
*   Trying 10.1.1.1:3128...
* Connected to 10.1.1.1 (10.1.1.1) port 3128
* CONNECT tunnel: HTTP/1.1 negotiated
* Establish HTTP proxy tunnel to shop.example:443
> CONNECT shop.example:443 HTTP/1.1
> Host: shop.example:443
> User-Agent: curl/8.5.0
> Proxy-Connection: Keep-Alive
>\x20
"""
REFUSED = b"""\
< HTTP/1.1 403 Forbidden
< Server: squid/6.6
< X-Squid-Error: ERR_ACCESS_DENIED 0
< Content-Length: 3
<\x20
* CONNECT tunnel failed, response 403
* Closing connection
curl: (56) CONNECT tunnel failed, response 403
"""
PASSED = b"""\
< HTTP/1.1 200 Connection established
<\x20
* CONNECT phase completed
* CONNECT tunnel established, response 200
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
* TLSv1.3 (IN), TLS handshake, Finished (20):
* TLSv1.3 (OUT), TLS handshake, Finished (20):
* SSL connection using TLSv1.3 / TLS_AES_128_GCM_SHA256
* ALPN: server accepted h2
* using HTTP/2
* [HTTP/2] [1] OPENED stream for https://shop.example/a
* [HTTP/2] [1] [:method: GET]
> GET /a HTTP/2
> Host: shop.example
> Accept: */*
>\x20
< HTTP/2 401\x20
< www-authenticate: Bearer
< content-length: 0
<\x20
* Connection #0 to host 10.1.1.1 left intact
"""


def test_a_proxy_that_refuses_connect_is_one_exchange_with_the_proxy(read_with: Any) -> None:
    report = read_with(curl, PROXY + REFUSED)
    (exchange,) = report.exchanged
    assert (exchange.request.method, exchange.request.target, exchange.server) == (
        "CONNECT", "shop.example:443", "10.1.1.1:3128"
    )  # fmt: skip
    assert (exchange.response.status, exchange.tls) == (403, None)
    assert exchange.comment == "curl: (56) CONNECT tunnel failed, response 403"
    assert report.told == []


def test_what_runs_inside_a_tunnel_names_the_connect_and_is_https(read_with: Any) -> None:
    report = read_with(curl, PROXY + PASSED)
    outer, inner = report.exchanged
    assert (inner.tunnel, inner.tls, inner.protocol, inner.stream) == (outer.id, "t1", "HTTP/2", 1)
    assert (inner.request.url, inner.request.authority) == ("https://shop.example/a", "shop.example")
    assert statuses(report) == [200, 401]
    assert outer.tls is None


HEX_TRACE = b"""\
12:51:43.000000 == Info:   Trying 127.0.0.1:9080...
12:51:43.000100 == Info: Connected to localhost (127.0.0.1) port 9080 (#0)
12:51:43.000200 => Send header, 38 bytes (0x26)
0000: 47 45 54 20 2f 6e 6c 20 48 54 54 50 2f 31 2e 31 GET /nl HTTP/1.1
0010: 0d 0a 48 6f 73 74 3a 20 6c 6f 63 61 6c 68 6f 73 ..Host: localhos
0020: 74 0d 0a 0d 0a                                  t....
12:51:43.030200 <= Recv header, 24 bytes (0x18)
0000: 48 54 54 50 2f 31 2e 31 20 34 30 33 20 46 6f 72 HTTP/1.1 403 For
0010: 62 69 64 64 65 6e 0d 0a                         bidden..
12:51:43.030300 <= Recv header, 37 bytes (0x25)
0000: 44 61 74 65 3a 20 54 75 65 2c 20 32 34 20 4e 6f Date: Tue, 24 No
0010: 76 20 32 30 32 36 20 31 30 3a 35 31 3a 34 33 20 v 2026 10:51:43\x20
0020: 47 4d 54 0d 0a                                  GMT..
12:51:43.030400 <= Recv header, 2 bytes (0x2)
0000: 0d 0a                                           ..
12:51:43.030500 <= Recv data, 8 bytes (0x8)
0000: 6e 6f 0a 00 6f 70 65 0a                         no..ope.
"""


def test_a_hexadecimal_trace_gives_every_byte(read_with: Any) -> None:
    (exchange,) = read_with(curl, HEX_TRACE).exchanged
    assert exchange.request.headers == ((b"Host", b"localhost"),)
    assert exchange.response.headers == ((b"Date", b"Tue, 24 Nov 2026 10:51:43 GMT"),)
    assert (exchange.response.body.data, exchange.response.body.complete) == (b"no\n\0ope\n", True)


def test_trace_times_are_placed_on_the_day_and_in_the_zone_that_the_date_field_tells(read_with: Any) -> None:
    timing = read_with(curl, HEX_TRACE).exchanged[0].timing
    assert timing.start_ns == 1_795_517_503_000_200_000  # 10:51:43 UTC, written at 12:51:43 local time
    assert timing.response_start_ns - timing.start_ns == 30_000_000


def test_an_ascii_trace_gives_heads_exactly_and_bodies_as_shown(read_with: Any) -> None:
    text = (
        b"=> Send header, 38 bytes (0x26)\n0000: GET /nl HTTP/1.1\n0012: Host: localhost\n0023: \n"
        b"=> Send data, 7 bytes (0x7)\n0000: a=b&c=d\n"
        b"<= Recv header, 24 bytes (0x18)\n0000: HTTP/1.1 403 Forbidden\n<= Recv header, 2 bytes (0x2)\n0000: \n"
        b"<= Recv data, 3 bytes (0x3)\n0000: no.\n"
    )
    (exchange,) = read_with(curl, text).exchanged
    assert exchange.request.headers == ((b"Host", b"localhost"),)
    assert exchange.request.body.data == b"a=b&c=d"
    assert (exchange.response.body.data, exchange.response.body.complete) == (b"no.", False)


PLAIN = b"""\
*   Trying 127.0.0.1:9080...
* Connected to localhost (127.0.0.1) port 9080 (#0)
> GET /nl HTTP/1.1
> Host: localhost:9080
>\x20
< HTTP/1.1 403 Forbidden
< Content-Length: 8
<\x20
"""


def test_heads_that_dash_i_shows_a_second_time_are_not_the_body(read_with: Any) -> None:
    text = PLAIN + b"{ [8 bytes data]\n* Connection #0 to host localhost left intact\n"
    text += b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nno\nnope\n"
    report = read_with(curl, text)
    assert statuses(report) == [403]
    assert (report.exchanged[0].response.body.data, report.exchanged[0].response.body.complete) == (b"no\nnope\n", True)


def test_dash_i_without_dash_v_shows_responses_alone(read_with: Any) -> None:
    text = b"$ curl -iL http://localhost/r\nHTTP/1.1 302 Found\nLocation: /x\nContent-Length: 0\n\n"
    text += b"HTTP/1.1 403 Forbidden\n\nno"
    report = read_with(curl, text + b"\ncurl: (22) The requested URL returned error: 403\n")
    assert statuses(report) == [302, 403]
    first, second = report.exchanged
    assert (first.request.method, first.request.url, "curl.reconstructed" in first.extra) == (
        "GET",
        "http://localhost/r",
        True,
    )
    assert (second.request.method, second.request.url) == ("GET", "http://localhost/x")


@pytest.mark.parametrize("text", [REDIRECT, PLAIN + b"no\nnope\n", PROXY + REFUSED])
def test_windows_line_ends_colours_and_utf_16_change_nothing(read_with: Any, text: bytes) -> None:
    text = re.sub(rb"Content-Length: [18]\d?\n", b"", text)  # a length would count the bytes of other line ends
    plain = read_with(curl, text)
    coloured = text.replace(b"Location", b"\x1b[1mLocation\x1b[0m").replace(b"Server:", b"\x1b[1mServer\x1b[0m:")
    assert read_with(curl, coloured) == plain
    assert read_with(curl, text.decode().encode("utf-16")) == plain
    windows = read_with(curl, text.replace(b"\n", b"\r\n"))
    assert statuses(windows) == statuses(plain)
    assert [e.request for e in windows.exchanged] == [e.request for e in plain.exchanged]


def test_a_progress_meter_drawn_over_the_lines_is_no_part_of_anything(read_with: Any) -> None:
    meter = (
        b"  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
        b"                                 Dload  Upload   Total   Spent    Left  Speed\n"
        b"\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
    )
    end = b"{ [8 bytes data]\n\r100     8  100     8    0     0    122      0 --:--:-- --:--:-- --:--:--   122\n"
    report = read_with(curl, meter + PLAIN + end + b"* Connection #0 to host localhost left intact\nno\nnope\n")
    assert report.exchanged == read_with(curl, PLAIN + b"no\nnope\n").exchanged


def test_an_error_without_dash_v_is_made_into_what_the_command_line_asked(read_with: Any) -> None:
    text = b"$ curl -fsS -H 'X-Key: 1' https://shop.example/a\ncurl: (22) The requested URL returned error: 403\n"
    (exchange,) = read_with(curl, text).exchanged
    assert (exchange.request.method, exchange.request.url, exchange.request.headers) == (
        "GET", "https://shop.example/a", ((b"X-Key", b"1"), (b"User-Agent", b"curl"))
    )  # fmt: skip
    assert exchange.response.status == 403
    assert "curl.reconstructed" in exchange.extra


def test_a_paste_that_ends_early_keeps_what_it_shows(read_with: Any) -> None:
    report = read_with(curl, PLAIN[: PLAIN.index(b"< Content")])
    assert statuses(report) == [403]
    report = read_with(curl, PLAIN[: PLAIN.index(b"< HTTP")])
    assert (statuses(report), report.exchanged[0].aborted) == ([None], None)


OLD = b"""\
    $ curl -v https://api.partner.example/v1/orders
    * About to connect() to api.partner.example port 443 (#0)
    *   Trying 203.0.113.77...
    * Connected to api.partner.example (203.0.113.77) port 443 (#0)
    * NSS: client certificate not found (nickname not specified)
    * SSL connection using TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    > GET /v1/orders HTTP/1.1
    > Host: api.partner.example
    >
    < HTTP/1.1 403 Forbidden
    <
    * { color: red }
    <!-- no -->
    curl: (7) Failed to connect to other.example port 443: Connection refused
"""


def test_an_indented_paste_of_an_old_curl_with_nss_is_read(read_with: Any) -> None:
    report = read_with(curl, OLD)
    (exchange,), (tls,) = report.exchanged, report.shaken
    assert (exchange.request.url, exchange.response.status) == ("https://api.partner.example/v1/orders", 403)
    assert exchange.response.body.data == b"* { color: red }\n<!-- no -->\n"
    assert (tls.cipher, tls.client_cert_requested, tls.client_cert_sent) == (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", True, False
    )  # fmt: skip
    assert exchange.comment == ""  # the failure to connect is not of the exchange that was answered


LIBRE = b"""\
*   Trying 203.0.113.9:443...
* (304) (OUT), TLS handshake, Client hello (1):
* (304) (IN), TLS handshake, Finished (20):
* (304) (OUT), TLS handshake, Finished (20):
* SSL connection using TLSv1.3 / AEAD-AES256-GCM-SHA384 / [blank] / UNDEF
* ALPN: server accepted h3
* Established connection to shop.example (203.0.113.9 port 443) from 192.168.1.5 port 53311
* [HTTP/3] [0] OPENED stream for https://shop.example/x
> GET /x HTTP/3
> Host: shop.example
>
< HTTP/3 403
<
"""


def test_new_curls_lines_with_libressl_and_http_3_are_read(read_with: Any) -> None:
    report = read_with(curl, LIBRE)
    (exchange,), (tls,) = report.exchanged, report.shaken
    assert (exchange.protocol, exchange.stream, exchange.client, exchange.server) == (
        "HTTP/3", 0, "192.168.1.5:53311", "203.0.113.9:443"
    )  # fmt: skip
    assert (tls.version, tls.cipher, tls.group, tls.alpn) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384", None, "h3")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(REDIRECT)), st.integers(0, len(REDIRECT)))
def test_any_part_of_a_run_is_read_without_raising_and_invents_nothing(read_with: Any, a: int, b: int) -> None:
    report = read_with(curl, REDIRECT[min(a, b) : max(a, b)])
    assert set(statuses(report)) <= {302, 403, None}
    assert len(report.exchanged) <= 2


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *REDIRECT.splitlines(),
                *PASSED.splitlines(),
                *HEX_TRACE.splitlines(),
                b"",
                b"{}",
                b"\xff\xfe\x00",
                b"> ",
                b"< ",
            ]
        ),
        max_size=30,
    )
)
def test_lines_in_any_order_are_read_without_raising(read_with: Any, lines: list[bytes]) -> None:
    read_with(curl, b"\n".join(lines))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_raising(read_with: Any, data: bytes) -> None:
    report = read_with(curl, data)
    assert report.exchanged or report.told
    curl.kind_of(data)


@pytest.mark.parametrize(
    "head", [REDIRECT, MTLS, PROXY, HEX_TRACE, PLAIN, b"curl: (7) Failed to connect to h port 443\n"]
)
def test_curl_is_known_by_its_marks(head: bytes) -> None:
    assert curl.kind_of(head[:4096]) == "curl"
    assert curl.kind_of(head[:4096].replace(b"\n", b"\r\n")) == "curl"


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\n\r\n", b'{"log":{}}', b"* a list\n* of things\n> a quote\n", b"\x0a\x0d\x0d\x0a\0\0"],
)
def test_other_texts_are_not_taken_for_curl(head: bytes) -> None:
    assert curl.kind_of(head) is None
