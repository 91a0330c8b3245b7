"""Content codings taken off a body, in bounded memory (RFC 9110 section 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

LIMIT = 64 * 1024 * 1024
STEP = 64 * 1024
MOST_CODINGS = 3


class Decoded(NamedTuple):
    data: bytes
    complete: bool
    problem: str | None


class _StopError(Exception):
    """Decoding cannot go on; the message says why."""


def decode(data: bytes, codings: tuple[str, ...], limit: int = LIMIT) -> Decoded:
    """The body with its codings removed, the last applied first; what could be decoded when something is wrong."""
    if len(codings) > MOST_CODINGS:
        return Decoded(b"", False, f"{len(codings)} content codings; at most {MOST_CODINGS} are removed")
    problem = None
    for coding in reversed(codings):
        if not data:
            break
        data, failure = _remove(coding, data, limit)
        if failure:
            problem = failure
            break
    return Decoded(data, problem is None, problem)


def _remove(coding: str, data: bytes, limit: int) -> tuple[bytes, str | None]:
    open_step = _CODINGS.get(coding)
    if open_step is None:
        return b"", f"the content coding {coding!r} is not known"
    out = bytearray()
    try:
        for piece in open_step(data):
            out += piece
            if len(out) > limit:
                return bytes(out[:limit]), f"{coding}: decoding stopped at {limit} bytes"
    except _StopError as stop:
        return bytes(out), f"{coding}: {stop}"
    return bytes(out), None


def _inflate(data: bytes, bits: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(bits)
    rest = data
    try:
        while rest:
            yield inflater.decompress(rest, STEP)
            rest = inflater.unconsumed_tail
            if inflater.eof:
                if bits != 31 or inflater.unused_data[:2] != b"\x1f\x8b":
                    return
                rest = inflater.unused_data  # several gzip members are one body (RFC 1952 section 2.2)
                inflater = zlib.decompressobj(bits)
        while not inflater.eof and (piece := inflater.decompress(b"", STEP)):
            yield piece
    except zlib.error as error:
        raise _StopError(f"corrupt data ({error})") from error
    if not inflater.eof:
        raise _StopError("the data ends early")


def _gzip(data: bytes) -> Iterator[bytes]:
    return _inflate(data, 31)


def _deflate(data: bytes) -> Iterator[bytes]:
    """zlib format as RFC 9110 says, raw deflate as some servers send it."""
    wrapped = len(data) >= 2 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return _inflate(data, 15 if wrapped else -15)


def _brotli(data: bytes) -> Iterator[bytes]:
    import brotli

    decoder = brotli.Decompressor()
    try:
        piece = decoder.process(data, output_buffer_limit=STEP)
        while not decoder.is_finished():
            if not piece:
                raise _StopError("the data ends early")
            yield piece
            piece = decoder.process(b"", output_buffer_limit=STEP)
        yield piece
    except brotli.error as error:
        raise _StopError(f"corrupt data ({error})") from error


def _zstd(data: bytes) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from backports import zstd

    rest = data
    while rest:
        decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27})
        try:
            piece = decoder.decompress(rest, STEP)
            while not decoder.eof:
                yield piece
                if decoder.needs_input:
                    raise _StopError("the data ends early")
                piece = decoder.decompress(b"", STEP)
            yield piece
        except zstd.ZstdError as error:
            raise _StopError(f"corrupt data ({error})") from error
        rest = decoder.unused_data


_CODINGS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
