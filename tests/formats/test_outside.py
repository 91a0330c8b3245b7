"""Telling outside formats apart."""

from __future__ import annotations

import pytest

from tracer.formats import outside

SAMPLES = {
    "zip": b"PK\x03\x04\x14\0\0\0",
    "har": b'{"log":{"version":"1.2","creator":{"name":"x"},"entries":[]}}',
    "mitm": b"1536:9:websocket;0:~8:response;372:",
    "burp": b'<?xml version="1.0"?><items burpVersion="2026.1" exportTime="x"><item>',
    "zap": b"==== 1 ==========\nGET https://h/ HTTP/1.1\nHost: h\n\n",
    "modsecurity": b"--f381501b-A--\n[24/Nov/2026:14:07:01 +0000] x 10.0.0.1 1 10.0.0.2 80\n--f381501b-B--\n",
    "curl": b"* Connected to h (127.0.0.1) port 80 (#0)\n> GET / HTTP/1.1\n> Host: h\n> \n",
    "wget": b"--2026-11-24 12:51:43--  http://h/\nResolving h (h)... 127.0.0.1\n",
    "httpie": b"GET / HTTP/1.1\nUser-Agent: HTTPie/3.2.1\nHost: h\n\n",
    "python": b"send: b'GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n'\nreply: 'HTTP/1.1 403 Forbidden\\r\\n'\n",
    "http": b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\n\r\n",
}


@pytest.mark.parametrize("kind", outside.KINDS)
def test_each_format_is_taken_for_itself(kind: str) -> None:
    assert outside.kind_of(SAMPLES[kind]) == kind
    assert callable(outside.reader(kind))


@pytest.mark.parametrize(
    "head", [b"", b"\0" * 64, b"\xd4\xc3\xb2\xa1\2\0\4\0", b"\x0a\x0d\x0d\x0a\x1c\0\0\0", b"\x1f\x8b\x08",
     b'{"message": "no"}',
             b'10.0.0.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 403 153 "-" "curl/8"\n']
)  # fmt: skip
def test_captures_logs_and_other_things_are_nobodys(head: bytes) -> None:
    assert outside.kind_of(head) is None


def test_a_kind_that_is_not_ours_has_no_reader() -> None:
    with pytest.raises(KeyError):
        outside.reader("pcapng")
