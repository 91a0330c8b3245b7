"""Changes of a request: each touches what it names and nothing else."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.replay.asks import CALM, ask_from
from tracer.redact import Redactor
from tracer.replay import parts
from tracer.replay.change import Change, Kind, apply
from tracer.replay.multipart import put_together, take_apart

GET = b"GET /a/b.c?x=1&y=%27&&z HTTP/1.1\r\nHost: a.test\r\nCookie: k=1; l=2;m=3\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
PARTS = (
    b'--B x\r\nContent-Disposition: form-data; name="one"\r\n\r\n1\r\n--B x\r\n'
    b'Content-Disposition: form-data; name=two; filename="f"\r\n\r\nt\r\n\r\n--x\r\n--B x--\r\n'
)


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        (Change(kind=Kind.QUERY, name="y", at=(1,)), b"x=1&y=%27&&z", b"x=1&&z"),
        (Change(kind=Kind.QUERY, name="y", at=(1,), value=b"1"), b"y=%27", b"y=1"),
        (Change(kind=Kind.QUERY, name="n", value=b"1"), b"&&z ", b"&&z&n=1 "),
        (Change(kind=Kind.PATH, name="/a/b.c", at=(1,), value=b"x"), b"/a/b.c?", b"/a/x?"),
        (Change(kind=Kind.PATH, name="/a/", at=(0,), value=b"x"), b"/a/b.c?", b"/x?"),
        (Change(kind=Kind.COOKIE, name="l", at=(1, 1)), b"k=1; l=2;m=3", b"k=1; m=3"),
        (Change(kind=Kind.COOKIE, name="n", value=b"4"), b"k=1; l=2;m=3", b"k=1; l=2; m=3; n=4"),
        (Change(kind=Kind.HEADER, name="X-A", at=(2,)), b"X-A: 1\r\n", b""),
        (Change(kind=Kind.HEADER, name="x-a", at=(3,), value=b"3"), b"x-a: 2", b"x-a: 3"),
        (Change(kind=Kind.HEADER, name="New", value=b"1"), b"x-a: 2\r\n", b"x-a: 2\r\nNew: 1\r\n"),
        (Change(kind=Kind.METHOD, name="HEAD", value=b"HEAD"), b"GET ", b"HEAD "),
        (Change(kind=Kind.VERSION, name="HTTP/1.0", value=b"HTTP/1.0"), b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_one_change_changes_one_thing(change: Change, old: bytes, new: bytes) -> None:
    from tracer.replay.h1_out import write_h1

    assert GET.count(old) == 1
    assert write_h1(apply(ask_from(GET), [change])) == GET.replace(old, new)


def test_all_cookies_gone_is_no_cookie_field() -> None:
    ask = ask_from(GET)
    gone = apply(ask, [Change(kind=Kind.COOKIE, name=n, at=(1, p)) for p, n in enumerate("klm")])
    assert gone.get(b"cookie") is None


def test_members_of_json_are_changed_where_they_are() -> None:
    body = b'{"a": [1, {"b": "x"}, 3], "c": null}'
    raw = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    (group,) = [g for g in parts.groups(ask_from(raw), Redactor()) if g.name == "json"]
    gone, plain = group.ways
    assert [e.changes[0].name for e in gone] == ["a.0", "a.1.b", "a.2", "c"]
    left = apply(ask_from(raw), [c for e in gone[:3] for c in e.changes])
    assert json.loads(left.body) == {"a": [{}], "c": None}
    put = apply(ask_from(raw), [c for e in plain for c in e.changes])
    assert json.loads(put.body) == {"a": [1, {"b": "x"}, 1], "c": None}


def test_parts_of_a_form_are_changed_where_they_are() -> None:
    taken = take_apart(PARTS)
    assert taken is not None
    assert put_together(taken, {}) == PARTS
    assert put_together(taken, {0: None}) == b"--B x" + PARTS.split(b"--B x")[2] + b"--B x--\r\n"
    assert put_together(taken, {1: b"other"}) == PARTS.replace(b"t\r\n\r\n--x\r\n", b"other\r\n")


@given(st.binary(max_size=120))
@CALM
def test_any_bytes_that_are_taken_apart_come_together_again(noise: bytes) -> None:
    for body in (noise, b"--b\r\n\r\n" + noise + b"\r\n--b--"):
        taken = take_apart(body)
        assert taken is None or put_together(taken, {}) == body
