"""Requests of tests: raw bytes read the way a capture is read, and a strategy that makes them."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings

from tracer.model.http import Exchange
from tracer.replay.asked import Ask, ask_of
from tracer.replay.tape import Tape
from tracer.store.trace import Trace
from tracer.tls.keys import Keys

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""for property tests on machines that have other things to do"""


def recorded(raw: bytes, answer: bytes = b"", scheme: str = "http", server: str = "127.0.0.1:80") -> Exchange:
    """The exchange that these bytes are."""
    tape = Tape("test", "", "127.0.0.1:1", server, scheme, Keys())
    tape.say(True, raw, 1)
    tape.say(False, answer, 2)
    exchange, _, _ = tape.end(None)
    assert exchange is not None
    return exchange


def ask_from(raw: bytes, scheme: str = "http", server: str = "127.0.0.1:80") -> Ask:
    with Trace() as trace:
        return ask_of(trace, recorded(raw, scheme=scheme, server=server))


_TOKEN = st.text("abcXYZ019-_!", min_size=1, max_size=8).map(lambda name: f"X{name}")
_VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16)
_TARGET = st.text("abc/%27?&=;.'+~", max_size=30).map(lambda rest: f"/{rest}")


@st.composite
def asks(draw: st.DrawFn) -> bytes:
    """A request as bytes on the wire."""
    method = draw(st.sampled_from(["GET", "POST", "PUT", "PURGE"]))
    lines = [f"{method} {draw(_TARGET)} HTTP/1.1", f"Host:{draw(st.sampled_from(['', ' ']))}shop.test"]
    field = st.tuples(_TOKEN, st.sampled_from([":", ": ", ":  "]), _VALUE).map("".join)
    lines += draw(st.lists(field, max_size=6))
    if draw(st.booleans()):
        lines.append(
            "Cookie: " + "; ".join(draw(st.lists(st.sampled_from(["a=1", "b=2", "sid=x"]), min_size=1, max_size=3)))
        )
    body = draw(st.binary(max_size=40)) if method in ("POST", "PUT") else b""
    if method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
