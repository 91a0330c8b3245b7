"""ZIP archives: what Fiddler, Playwright and people who attach a HAR put into them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.formats import archive, outside
from tracer.pipeline import read

ENTRY = {
    "startedDateTime": "2026-11-24T12:00:00Z",
    "time": 12,
    "request": {"method": "POST", "url": "https://h.test/a", "headers": [], "postData": {"_sha1": "asked.txt"}},
    "response": {"status": 403, "headers": [{"name": "Server", "value": "nginx"}], "content": {"_sha1": "said.html"}},
    "timings": {"send": 1, "wait": 10, "receive": 1},
}


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


SAZ = packed(**{
    "[Content_Types].xml": b"<Types/>",
    "raw/2_c.txt": b"GET https://h.test/second HTTP/1.1\r\nHost: h.test\r\n\r\n",
    "raw/2_s.txt": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "raw/10_c.txt": b"POST https://h.test/tenth HTTP/1.1\r\nHost: h.test\r\nContent-Length: 3\r\n\r\na=1",
    "raw/10_s.txt": b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    "raw/10_m.xml": b'<Session SID="10"><SessionTimers ClientBeginRequest="2026-11-24T13:00:00.1234567+01:00" />'
                    b'<SessionFlags><SessionFlag N="x-hostip" V="203.0.113.9" /></SessionFlags></Session>',
})  # fmt: skip


def test_fiddlers_sessions_come_in_their_order_with_time_and_server(read_with: Any) -> None:
    assert outside.kind_of(SAZ) == "zip"
    second, tenth = read_with(archive, SAZ).exchanged
    assert (second.request.url, second.response.status, second.timing.start_ns) == ("https://h.test/second", 200, None)
    assert (tenth.request.method, tenth.request.url, tenth.request.body.data) == (
        "POST",
        "https://h.test/tenth",
        b"a=1",
    )
    assert (tenth.response.status, tenth.response.body.data) == (403, b"no")
    assert (tenth.server, tenth.timing.start_ns) == ("203.0.113.9:443", 1_795_521_600_123_456_000)


def test_playwrights_entries_get_the_bodies_that_lie_beside_them(read_with: Any) -> None:
    lines = [{"type": "resource-snapshot", "snapshot": ENTRY}, {"type": "other"}]
    data = packed(**{
        "0-trace.trace": b"{}", "0-trace.network": "\n".join(map(json.dumps, lines)).encode() + b"\nnot JSON\n",
        "resources/asked.txt": b"a=1", "resources/said.html": b"<h1>no</h1>",
    })  # fmt: skip
    (found,) = read_with(archive, data).exchanged
    assert (found.request.body.data, found.response.body.data) == (b"a=1", b"<h1>no</h1>")
    assert (found.response.status, found.request.url) == (403, "https://h.test/a")


def test_hars_in_a_zip_are_read_each_with_its_own_ids(read_with: Any) -> None:
    har = json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": [ENTRY]}}).encode()
    report = read_with(archive, packed(**{"a/one.har": har, "two.HAR": har, "notes.txt": b"see"}))
    assert [e.id for e in report.exchanged] == ["e1", "e1.2"]


def test_a_zip_with_nothing_of_that_says_so() -> None:
    reading = read([io.BytesIO(packed(**{"word/document.xml": b"<w/>"}))])
    assert reading.failed == ["-"]
    assert [p.code for p in reading.trace.problems()] == ["zip.nothing"]


def test_a_member_that_unpacks_without_end_is_passed_over(read_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MEMBER", 1 << 16)
    data = packed(**{"raw/1_c.txt": b"GET http://h/ HTTP/1.1\r\n\r\n", "raw/1_s.txt": bytes(1 << 20)})
    report = read_with(archive, data)
    assert [p.code for p in report.told] == ["zip.member"]
    (found,) = report.exchanged
    assert found.response is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SAZ) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_read_as_far_as_it_goes(read_with: Any, at: int, put: bytes) -> None:
    report = read_with(archive, SAZ[:at] + put + SAZ[at + len(put) :])
    assert report.exchanged or report.told
