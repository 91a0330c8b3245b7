"""Content codings taken off, within bounds."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.http.body import decode

TEXT = b"forbidden " * 5000
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATED = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("codings", "data"),
    [
        (("gzip",), gzip.compress(TEXT, mtime=0)),
        (("gzip",), gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        (("deflate",), zlib.compress(TEXT)),
        (("deflate",), RAW_DEFLATED),
        (("br",), brotli.compress(TEXT)),
        (("gzip", "br"), brotli.compress(gzip.compress(TEXT, mtime=0))),
        ((), TEXT),
    ],
    ids=[
        "gzip",
        "gzip-members",
        "deflate",
        "raw-deflate",
        "br",
        "gzip-br",
        "none",
    ],  # gzip puts the time into its bytes
)
def test_each_coding_is_removed(codings: tuple[str, ...], data: bytes) -> None:
    assert decode(data, codings) == (TEXT, True, None)


def test_what_was_decoded_before_the_data_broke_off_stays() -> None:
    done = decode(gzip.compress(TEXT)[:-20], ("gzip",))
    assert TEXT.startswith(done.data)
    assert not done.complete
    assert done.problem


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_bomb_stops_at_the_limit(coding: str) -> None:
    bomb = {"gzip": gzip.compress, "br": brotli.compress}[coding](bytes(20 << 20))
    done = decode(bomb, (coding,), 1 << 20)
    assert (len(done.data), done.complete) == (1 << 20, False)


def test_an_unknown_coding_is_named() -> None:
    assert "'rot13'" in (decode(b"x", ("rot13",)).problem or "")


@given(st.binary(max_size=200), st.lists(st.sampled_from(("gzip", "deflate", "br", "zstd")), max_size=4))
def test_no_bytes_raise(data: bytes, codings: list[str]) -> None:
    assert len(decode(data, tuple(codings), 1000).data) <= 1000
