"""HTTP/2 frames (RFC 9113 section 4) off a stream, and the names of their types and errors."""

from __future__ import annotations

import struct
from typing import NamedTuple

from tracer.transport.stream import Mark

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
LONGEST = 1 << 20
"""longest frame taken for one: SETTINGS_MAX_FRAME_SIZE may allow 16 MiB, servers in use stay below this"""
_ERRORS = """
NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR
REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED
"""
ERRORS = _ERRORS.split()
_FIXED = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_ON_STREAM = {PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION}


_HEAD = struct.Struct(">BHBBI")
_new = tuple.__new__


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    length: int
    mark: Mark


def error_name(code: int) -> str:
    return ERRORS[code] if code < len(ERRORS) else f"0x{code:x}"


def read_frame(head: bytes | bytearray, mark: Mark) -> Frame:
    """The nine bytes of a frame's header."""
    high, low, kind, flags, stream = _HEAD.unpack(head)
    return _new(Frame, (kind, flags, stream & 0x7FFFFFFF, high << 16 | low, mark))


def is_plausible(frame: Frame) -> bool:
    """A frame that a peer would send: used to find the next frame after bytes were lost."""
    if frame.length > LONGEST or frame.stream > 1 << 30:
        return False
    if frame.kind <= HEADERS:
        return frame.stream > 0 and not frame.flags & ~0x2D
    if frame.kind in _FIXED and frame.length != _FIXED[frame.kind]:
        return False
    if frame.kind == SETTINGS:
        return frame.length % 6 == 0 and frame.stream == 0 and frame.flags in (0, 1)
    if frame.kind == GOAWAY:
        return frame.stream == 0 and frame.length >= 8
    if frame.kind in _ON_STREAM:
        return frame.stream > 0 and not frame.flags & ~0x2D
    return frame.kind in (PING, WINDOW_UPDATE) or (frame.kind in (0x0A, 0x0C, 0x10) and frame.length < 16384)


def unpadded(flags: int, payload: bytes) -> bytes:
    """The payload without padding (RFC 9113 section 6.1)."""
    if not flags & PADDED or not payload:
        return payload
    return payload[1 : max(1, len(payload) - payload[0])]
