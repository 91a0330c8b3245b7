"""Model values to lines: each kind of body, token, cookie, comparison."""

from __future__ import annotations

import base64
import gzip
import io
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from tracer.model.http import Body, Event, Exchange, Headers, Request, Response, Timing
from tracer.model.verdict import Link
from tui.render import chain, compare, cookies, entry, events, jwt, protobuf, told, verdict
from tui.render.body import body_lines
from tui.render.compare import Side
from tui.render.content import Content
from tui.widgets.page import wrapped

NOW = 1_700_000_000 * 10**9


def request(
    headers: tuple[tuple[bytes, bytes], ...] = (), url: str = "https://a.test/x", method: str = "GET"
) -> Request:
    return Request(method=method, target="/x", url=url, headers=headers)


def lines(data: bytes, kind: str) -> list[str]:
    return [line.text.plain for line in body_lines(data, kind)]


def test_json_is_indented_and_a_value_a_line_stays_one() -> None:
    assert lines(b'{"a":[1,true]}', "application/json") == ["{", '  "a": [', "    1,", "    true", "  ]", "}"]
    assert lines(b'{"a":1}\n{"a":2}', "application/x-ndjson") == ['{"a": 1}', '{"a": 2}']
    assert lines(b"{not json", "application/json") == ["{not json"]


def test_html_is_an_outline() -> None:
    assert lines(b"<html><body><p class=x>Hi <b>you</b></p><br></body></html>", "text/html; charset=utf-8") == [
        "<html>", "  <body>", "    <p class=x>", "      Hi", "      <b>", "        you", "    </p>", "    <br>",
        "  </body>", "</html>",
    ]  # fmt: skip


def test_forms_and_multipart_are_fields() -> None:
    assert lines(b"a=1&b=%20x&c=", "application/x-www-form-urlencoded") == ["a = 1", "b =  x", "c = "]
    body = (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\nContent-Type: application/json\r\n\r\n'
        b'{"a": 1}\r\n--B\r\nContent-Disposition: form-data; name="g"\r\n\r\nplain\r\n--B--\r\n'
    )
    shown = lines(body, 'multipart/form-data; boundary="B"')
    assert shown[0] == "Part 1"
    assert '  "a": 1' in shown
    assert "plain" in shown


def test_what_is_no_text_is_a_hex_dump() -> None:
    assert lines(b"\0\x01AB", "application/octet-stream")[0].startswith("00000000  00 01 41 42")


def test_protocol_buffers_without_their_schema() -> None:
    data = bytes([8, 150, 1, 18, 7]) + b"testing" + bytes([26, 2, 8, 1, 37, 0, 0, 128, 63])
    fields = protobuf.read(data)
    assert fields is not None
    assert [(f.number, f.kind) for f in fields] == [(1, "int"), (2, "text"), (3, "message"), (4, "fixed32")]
    shown = lines(data, "application/x-protobuf")
    assert shown[:3] == ["  1: 150  (zigzag 75)", '  2: "testing"', "  3 {"]
    assert "or 1" in shown[-1]
    assert protobuf.read(b"\x0b") is None


def test_a_picture_is_half_blocks() -> None:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.new("RGB", (4, 4), (255, 0, 0)).save(out, "PNG")
    shown = body_lines(out.getvalue(), "image/png").lines
    assert shown[0].text.plain == "PNG, 4 x 4"
    assert [line.text.plain for line in shown[1:]] == ["▀▀▀▀", "▀▀▀▀"]
    assert "cannot be decoded" in lines(out.getvalue()[:40], "image/png")[1]


def token(**claims: object) -> bytes:
    parts = [{"alg": "RS256", "kid": "k1"}, claims]
    return b".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts) + b".c2lnbmF0dXJl"


def test_a_token_is_decoded_without_what_names_a_person_or_lets_it_be_used() -> None:
    made = token(iss="https://idp.test", sub="alice", email="a@b.test", exp=1_699_990_000, scope="read write")
    asked = request(((b"authorization", b"Bearer " + made),))
    plain = jwt.tokens(asked, NOW, everything=False).plain
    assert "https://idp.test" in plain
    assert "read write" in plain
    assert "✖ expired 2 h 46 min before this request" in plain
    assert "alice" not in plain
    assert "a@b.test" not in plain
    assert "c2lnbmF0dXJl" not in plain
    assert "alice" in jwt.tokens(asked, NOW, everything=True).plain


def test_what_browsers_do_with_a_cookie_is_explained() -> None:
    def told(value: bytes, url: str = "https://shop.a.test/") -> str:
        response = Response(status=200, headers=((b"set-cookie", value),))
        exchange = Exchange(
            id="e1", source="s", protocol="HTTP/1.1", request=request(url=url), timing=Timing(end_ns=NOW)
        )
        return cookies.received(response, exchange).plain

    assert "✖ SameSite=None without Secure is refused" in told(b"a=1; SameSite=None")
    assert "✖ shop.a.test may not set it for b.test" in told(b"a=1; Domain=b.test")
    assert "goes to a.test and every name under it" in told(b"a=1; Domain=.a.test")
    assert "✖ only over https" in told(b"a=1; Secure", "http://shop.a.test/")
    assert "deletes the cookie" in told(b"a=; Max-Age=0")
    assert "deletes the cookie (it expired already)" in told(b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert "✖ the prefix __Host-" in told(b"__Host-a=1; Secure; Path=/; Domain=a.test")
    assert "hidden from scripts" in told(b"a=1; HttpOnly")


def test_a_comparison_marks_what_differs() -> None:
    def side(status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> Side:
        e = Exchange(
            id=f"e{status}", source="s", protocol="HTTP/1.1", request=request(headers),
            response=Response(status=status, body=Body(size=len(body), data=body), headers=((b"server", b"nginx"),)),
        )  # fmt: skip
        return Side(e, None, Content(), Content(body))

    here = side(403, ((b"host", b"a.test"), (b"cookie", b"x")), b"one\ntwo\nthree")
    shown = compare.sheet(here, side(200, ((b"Host", b"a.test"), (b"accept", b"*/*")), b"one\n2\nthree"), 100).plain
    marked = {line[:2].strip(): line for line in shown.split("\n") if line[:2].strip()}
    assert "≠ status: 403" in shown
    assert marked["−"].startswith("− cookie: x")
    assert "accept: */*" in marked["+"]
    assert any(line.startswith("≠ two") and line.endswith("│ 2") for line in shown.split("\n"))
    assert any(line.startswith("  host: a.test") for line in shown.split("\n"))


def test_what_a_redirect_takes_away_is_named() -> None:
    before = Exchange(
        id="e1", source="s", protocol="HTTP/1.1", request=request(method="POST"),
        response=Response(status=302, headers=((b"location", b"http://b.test/"),)),
    )  # fmt: skip
    after = Exchange(id="e2", source="s", protocol="HTTP/1.1", request=request(url="http://b.test/"))
    link = Link(
        first="e1", then="e2", kind="redirect", lost=("Authorization: another host",), gained=("cookie c",),
        notes=("https to http",),
    )  # fmt: skip
    assert chain.sheet(chain.Chain((before, after), (link,)), "e2").plain.split("\n") == [
        "302 POST https://a.test/x  e1",
        "   → http://b.test/",
        "   │ sent on",
        "   │ − Authorization: another host",
        "   │ + cookie c",
        "   │ · https to http",
        "   └─ --- GET http://b.test/  ◀ this one  e2",
    ]


def test_messages_are_listed_with_direction_and_time() -> None:
    frames = (
        Event(kind="text", client=True, time_ns=NOW + 1_000_000, data=b'{"a":1}', size=7),
        Event(kind="close", client=False, time_ns=NOW + 2_000_000, code=1008, data=b"policy", size=6),
    )
    e = Exchange(id="e1", source="s", protocol="HTTP/1.1", events=frames)
    shown = events.sheet(events.streams(e, Content(), Content()), NOW).plain
    assert "▲ client  text  7 B  1.0 ms" in shown
    assert "▼ server  close code 1008  6 B" in shown
    sse = Exchange(
        id="e2", source="s", protocol="HTTP/1.1",
        response=Response(status=200, headers=((b"content-type", b"text/event-stream"),)),
    )  # fmt: skip
    assert (
        "event: tick" in events.sheet(events.streams(sse, Content(), Content(b"event: tick\ndata: 1\n\n")), None).plain
    )
    grpc = Exchange(
        id="e3", source="s", protocol="HTTP/2",
        response=Response(
            status=200, headers=((b"content-type", b"application/grpc"),), trailers=((b"grpc-status", b"7"),)
        ),
    )  # fmt: skip
    found = events.streams(grpc, Content(b"\0\0\0\0\x02\x08\x01"), Content())
    assert "PERMISSION_DENIED (7)" in events.sheet(found, None).plain
    packed = gzip.compress(b"\x08\x05")
    asked = msgspec.structs.replace(grpc, request=request(((b"grpc-encoding", b"gzip"),)))
    body = b"\1" + len(packed).to_bytes(4) + packed
    assert "1: 5" in events.sheet(events.streams(asked, Content(body), Content()), None).plain


KINDS = ("application/json", "text/html", "multipart/form-data; boundary=B", "application/grpc", "image/png",
         "application/x-protobuf", "application/x-www-form-urlencoded", "", "text/plain")  # fmt: skip


@given(st.binary(max_size=400), st.sampled_from(KINDS))
@settings(max_examples=150, deadline=None)
def test_no_body_acts_on_the_terminal_or_breaks_the_page(data: bytes, kind: str) -> None:
    for line in body_lines(data, kind):
        plain = line.text.plain.replace("\t", "")
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066" for c in plain)


@given(st.text(max_size=300), st.integers(10, 60), st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_wrapped_rows_fit_and_lose_nothing(words: str, width: int, hang: int) -> None:
    words = "".join(c for c in words if c.isprintable())
    rows = wrapped(Text(words), width, hang)
    assert all(row.cell_len <= width + 1 for row in rows)  # a blank at the end may hang over
    pad = min(hang, width // 2)
    assert "".join(row.plain[pad if n else 0 :] for n, row in enumerate(rows)) == words


def test_a_very_long_line_is_wrapped_in_time_that_grows_with_it() -> None:
    assert len(wrapped(Text("x" * 1_000_000), 100, 2)) == 10_205


def answered(headers: Headers, trailers: Headers = ()) -> Exchange:
    response = Response(status=200, headers=headers, trailers=trailers)
    return Exchange(id="e1", source="s", protocol="HTTP/2", response=response)


def test_what_grpc_and_alternative_services_mean_is_told() -> None:
    failed = answered(
        ((b"content-type", b"application/grpc"), (b"alt-svc", b'h3=":443"; ma=3600, h2="b.test:8443"')),
        ((b"grpc-status", b"7"), (b"grpc-message", b"not%20you")),
    )
    assert told.meanings(failed, b"").plain.split("\n") == [
        "gRPC  PERMISSION_DENIED (7)  not you",
        "Alt-Svc  the next request may go to port 443 of this host by h3, for 1 h 0 min",
        "Alt-Svc  the next request may go to b.test:8443 by h2, for 24 h 0 min",
    ]
    assert told.meanings(answered(((b"Alt-Svc", b"clear"),)), b"").plain.endswith("holds no more")
    assert not len(told.meanings(answered(()), b""))


def test_the_end_of_a_grpc_web_call_is_told_from_its_last_message() -> None:
    trailers = b"grpc-status:16\r\ngrpc-message:log in\r\n"
    body = b"\0\0\0\0\x02\x08\x01" + b"\x80" + len(trailers).to_bytes(4) + trailers
    web = answered(((b"content-type", b"application/grpc-web+proto"),))
    assert told.meanings(web, body).plain == "gRPC  UNAUTHENTICATED (16)  log in"
    shown = events.sheet(events.streams(web, Content(), Content(body)), None).plain
    assert "UNAUTHENTICATED (16) log in" in shown
    assert "grpc trailers" in shown
    assert "grpc-status:16" in shown


def test_of_a_step_the_command_is_copied_and_else_the_step() -> None:
    assert verdict.to_copy("`nginx -T | grep deny` shows it; `/admin` is a path") == "nginx -T | grep deny"
    assert verdict.to_copy("`a b`, then `c d`") == "a b\nc d"
    assert verdict.to_copy("look at `..` and `%2F`") == "look at `..` and `%2F`"


def test_sources_are_named_by_as_much_of_their_path_as_tells_them_apart() -> None:
    assert entry.named(["a/x.pcap", "b/x.pcap", "c/y.pcap"]) == ["a/x.pcap", "b/x.pcap", "y.pcap"]
