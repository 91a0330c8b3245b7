"""QUIC frames (RFC 9000 section 19): those that carry something, the others passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .packet import PacketError, read_varint

# how many variable-length integers follow the type of frames that only steer
_STEERING = {
    0x04: 3, 0x05: 2, 0x10: 1, 0x11: 2, 0x12: 1, 0x13: 1, 0x14: 1, 0x15: 2, 0x16: 1, 0x17: 1, 0x19: 1,
    0x1F: 0, 0xAC: 0, 0xAF: 4,  # drafts of the acknowledgement frequency extension
    0x02F5: 1,  # timestamp, draft-huitema-quic-ts
}  # fmt: skip


class Crypto(NamedTuple):
    offset: int
    data: bytes


class StreamFrame(NamedTuple):
    stream: int
    offset: int
    data: bytes
    fin: bool


class Reset(NamedTuple):
    stream: int
    code: int
    stop: bool
    """STOP_SENDING: the other side is asked to reset"""


class Close(NamedTuple):
    code: int
    application: bool
    reason: bytes


class NewId(NamedTuple):
    """The sender may be addressed by this connection id from now on."""

    id: bytes


_CRYPTO, _GOOGLE_CRYPTO = 0x06, 0x08

Frame = Crypto | StreamFrame | Reset | Close | NewId


def read_frames(data: bytes, google: bool = False) -> Iterator[Frame]:
    """The frames of a packet that matter to a reader; ends at the first that cannot be read.

    `google`: the version has frame types of its own, of which only the handshake's is read."""
    at = 0
    try:
        while at < len(data):
            kind, at = read_varint(data, at)
            if kind in (0x00, 0x01, 0x1E):
                continue
            if google:
                if kind != _GOOGLE_CRYPTO:
                    return
                kind = _CRYPTO
            frame, at = _read_frame(kind, data, at)
            if frame is not None:
                yield frame
    except PacketError:
        return


def _read_frame(kind: int, data: bytes, at: int) -> tuple[Frame | None, int]:
    if kind == _CRYPTO:
        offset, at = read_varint(data, at)
        piece, at = _piece(data, at)
        return Crypto(offset, piece), at
    if 0x08 <= kind <= 0x0F:
        return _stream(kind, data, at)
    if kind in (0x02, 0x03):
        return None, _ack(kind, data, at)
    if kind in (0x1C, 0x1D):
        code, at = read_varint(data, at)
        if kind == 0x1C:
            _, at = read_varint(data, at)
        reason, at = _piece(data, at)
        return Close(code, kind == 0x1D, reason), at
    if kind in _STEERING:
        numbers = []
        for _ in range(_STEERING[kind]):
            number, at = read_varint(data, at)
            numbers.append(number)
        return (Reset(numbers[0], numbers[1], kind == 0x05) if kind in (0x04, 0x05) else None), at
    if kind in (0x07, 0x31):
        return None, _piece(data, at)[1]
    if kind == 0x18:
        for _ in range(2):
            _, at = read_varint(data, at)
        size = data[at] if at < len(data) else 0
        return NewId(data[at + 1 : at + 1 + size]), at + 1 + size + 16
    if kind in (0x1A, 0x1B):
        return None, at + 8
    return None, len(data)


def _piece(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = read_varint(data, at)
    if at + length > len(data):
        raise PacketError("a frame that is cut")
    return data[at : at + length], at + length


def _stream(kind: int, data: bytes, at: int) -> tuple[StreamFrame, int]:
    stream, at = read_varint(data, at)
    offset = 0
    if kind & 4:
        offset, at = read_varint(data, at)
    if kind & 2:
        piece, at = _piece(data, at)
    else:
        piece, at = data[at:], len(data)
    return StreamFrame(stream, offset, piece, bool(kind & 1)), at


def _ack(kind: int, data: bytes, at: int) -> int:
    _, at = read_varint(data, at)
    _, at = read_varint(data, at)
    ranges, at = read_varint(data, at)
    if ranges > len(data):
        raise PacketError("more ranges than bytes")
    for _ in range(2 * ranges + 1 + (3 if kind == 0x03 else 0)):
        _, at = read_varint(data, at)
    return at
