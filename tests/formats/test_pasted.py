"""What happens to a tool's words on their way through terminals, mails, tickets and chats is undone."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.formats import curl, outside
from tracer.formats.pasted import plain

RUN = """* Host shop.example:443 was resolved.
*   Trying 203.0.113.7:443...
* Connected to shop.example (203.0.113.7) port 443
> POST /v1/orders?from=1&to=2 HTTP/1.1
> Host: shop.example
> Authorization: Bearer abc
>\x20
< HTTP/1.1 403 Forbidden
< Server: nginx
< Content-Type: text/html
<\x20
<p>no &amp; no</p>
  <b>indented</b>
* Connection #0 to host shop.example left intact
"""
ABOVE = "Hello,\n\nthis is what I get, since today:\n\n"
BELOW = "\n\nThanks,\nBob\n"


def _each(text: str, before: str) -> str:
    return "".join(before + line if line.strip() else before.rstrip() + line for line in text.splitlines(True))


WAYS = {
    "a block of code in a ticket": ABOVE + _each(RUN, "    ") + BELOW,
    "a block inside of a quotation": _each(ABOVE + _each(RUN, "    ") + BELOW, "> "),
    "a quoted mail below an answer": "see below\n\n" + _each(RUN, "> ") + BELOW,
    "a quotation of a quotation": _each(_each(RUN, "> ") + BELOW, ">> "),
    "a table's bar": ABOVE + _each(RUN, "| ") + BELOW,
    "tabs": ABOVE + _each(RUN, "\t\t"),
    "entities": html.escape(RUN, quote=False),
    "spaces that do not break": RUN.replace("* ", "*\u00a0").replace("> ", ">\u00a0").replace("< ", "<\u00a0"),
    "links of a mail program": RUN.replace("Host: shop.example", "Host: shop.example<http://shop.example>"),
    "Windows line ends": _each(RUN, "    ").replace("\n", "\r\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_is_the_same_whichever_way_it_came(read_with: Any, way: str) -> None:
    assert outside.kind_of(WAYS[way].encode()) == "curl"
    (found,) = read_with(curl, WAYS[way].encode()).exchanged
    assert (found.request.method, found.request.target) == ("POST", "/v1/orders?from=1&to=2")
    assert found.request.headers == ((b"Host", b"shop.example"), (b"Authorization", b"Bearer abc"))
    assert (found.response.status, found.response.get("server")) == (403, "nginx")
    body = found.response.body.data.replace(b"\r\n", b"\n")
    assert body == b"<p>no &amp; no</p>\n  <b>indented</b>\n"


def test_lines_that_were_too_long_are_put_together_again(read_with: Any) -> None:
    token, path = "Q" * 90, "/a" * 50
    text = (
        f"> GET {path[:70]}\n{path[70:]} HTTP/2\n> Host: shop.example\n"
        f"> Authorization: Bearer {token[:50]}\n{token[50:]}\n"
        '> \n< HTTP/2 401 \n< www-authenticate: Bearer error="invalid_token", error_description="The access\n'
        'token expired"\n< \n'
    )
    (found,) = read_with(curl, text.encode()).exchanged
    assert found.request.target == path
    assert found.request.get("authorization") == f"Bearer {token}"
    assert found.response.get("www-authenticate") == (
        'Bearer error="invalid_token", error_description="The access token expired"'
    )


@pytest.mark.parametrize(
    ("command", "method", "fields"),
    [
        ("curl -i https://h.test/a -H ‘X-Key: 1’", "GET", {"X-Key": "1"}),
        ("curl -sI -u bob:pw https://h.test/a", "HEAD", {"Authorization": "Basic Ym9iOnB3"}),
        ("PS C:\\> curl.exe -i -A me -b s=1 https://h.test/a -d x=1", "POST", {"User-Agent": "me", "Cookie": "s=1"}),
    ],
)  # fmt: skip
def test_an_answer_without_its_request_is_to_what_the_command_line_asked(
    read_with: Any, command: str, method: str, fields: dict[str, str]
) -> None:
    text = f"{command}\nHTTP/1.1 403 Forbidden\nServer: nginx\nContent-Length: 2\n\nno"
    assert outside.kind_of(text.encode()) == "curl"
    (found,) = read_with(curl, text.encode()).exchanged
    assert (found.request.method, found.request.url) == (method, "https://h.test/a")
    assert {**fields, "User-Agent": fields.get("User-Agent", "curl")} == {
        name.decode(): value.decode() for name, value in found.request.headers
    }
    assert (found.response.status, found.response.get("server")) == (403, "nginx")
    assert "curl.reconstructed" in found.extra


@pytest.mark.parametrize(
    ("status", "location", "method", "url", "sent"),
    [
        ("301 Moved", "https://www.h.test/b", "GET", "https://www.h.test/b", {"X-A"}),
        ("302 Found", "/b", "GET", "https://h.test/b", {"X-A", "Authorization"}),
        ("307 Temporary", "/b", "POST", "https://h.test/b", {"X-A", "Authorization"}),
    ],
)
def test_what_curl_asks_after_a_redirect_is_told_by_where_it_leads(
    read_with: Any, status: str, location: str, method: str, url: str, sent: set[str]
) -> None:
    text = (
        f"$ curl -iL -d x=1 -H 'Authorization: Bearer t' -H 'X-A: 1' https://h.test/a\nHTTP/1.1 {status}\n"
        f"Location: {location}\nContent-Length: 0\n\nHTTP/1.1 401 Unauthorized\n\nno"
    )
    first, second = read_with(curl, text.encode()).exchanged
    assert first.request.get("authorization") == "Bearer t"
    assert (second.request.method, second.request.url) == (method, url)
    assert {name.decode() for name, _ in second.request.headers} == sent | {"User-Agent"}


def test_a_proxys_answer_before_it_is_to_a_connect(read_with: Any) -> None:
    text = b"$ curl -i https://h.test/a\nHTTP/1.1 200 Connection established\n\nHTTP/1.1 403 Forbidden\n\nno"
    assert [(e.request.method, e.response.status) for e in read_with(curl, text).exchanged] == [
        ("CONNECT", 200),
        ("GET", 403),
    ]


@pytest.mark.parametrize("text", [RUN, "--2026-11-24 12:51:43--  http://h/a\n  HTTP/1.1 403 No\n  Server: nginx\n",
                                  "GET /a HTTP/1.1\nHost: h\n\nHTTP/1.1 403 No\n\n    code\n"])  # fmt: skip
def test_what_came_as_it_was_stays_as_it_was(text: str) -> None:
    assert plain(text.encode()) == text.encode()


PIECES = ("> GET / HTTP/1.1", "    ", "> ", "< HTTP/1.1 403 No", "\n", "&lt; HTTP/1.1", "\u00a0", "x")


@given(st.lists(st.sampled_from(PIECES)))
def test_nothing_is_added_to_any_text(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    assert len(plain(data)) <= len(data) + 1
