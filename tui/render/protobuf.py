"""Protocol buffers without their schema, as far as the wire format tells (protobuf.dev, "Encoding")."""

from __future__ import annotations

import struct
from typing import NamedTuple

from tracer.http.grpc import read_messages
from tracer.views.safe import safe

from .sheet import Sheet

_DEEPEST = 12
_FIELDS = 5000


class Field(NamedTuple):
    number: int
    kind: str
    """`int`, `fixed64`, `bytes`, `text`, `message`, `fixed32`"""
    value: int | bytes | str | tuple[Field, ...]  # type: ignore[misc, unused-ignore]


def read(data: bytes, depth: int = 0) -> tuple[Field, ...] | None:
    """The fields of a message; None when the bytes cannot be one."""
    fields: list[Field] = []
    at = 0
    while at < len(data):
        if len(fields) >= _FIELDS:
            return None
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if at < 0 or number == 0:
            return None
        if wire == 0:
            value, at = _varint(data, at)
            if at < 0:
                return None
            fields.append(Field(number, "int", value))
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            if at + size > len(data):
                return None
            fields.append(Field(number, f"fixed{size * 8}", data[at : at + size]))
            at += size
        elif wire == 2:
            size, at = _varint(data, at)
            if at < 0 or at + size > len(data):
                return None
            fields.append(_guess(number, data[at : at + size], depth))
            at += size
        else:  # groups were given up, 6 and 7 never were
            return None
    return tuple(fields)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, place after it); place -1 when there is none."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, -1
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    return 0, -1


def _guess(number: int, data: bytes, depth: int) -> Field:
    """Text, a message inside, or bytes: the wire format does not say which."""
    try:
        words = data.decode("utf-8")
    except UnicodeDecodeError:
        words = ""
    if words and all(c.isprintable() or c in "\r\n\t" for c in words):
        return Field(number, "text", words)
    inner = read(data, depth + 1) if data and depth < _DEEPEST else None
    if inner:
        return Field(number, "message", inner)
    return Field(number, "bytes", data)


def draw(out: Sheet, fields: tuple[Field, ...], depth: int = 0) -> None:
    """`3: "text"`, one field a line; messages inside are indented."""
    pad = "  " * (depth + 1)
    for field in fields:
        name = (f"{pad}{field.number}", "name")
        value = field.value
        if isinstance(value, tuple):
            out.add(name, (" {", "faint"))
            draw(out, value, depth + 1)
            out.add((f"{pad}}}", "faint"))
        elif isinstance(value, str):
            out.add(name, (": ", "faint"), (f'"{safe(value)}"', "string"), hang=len(pad) + 4)
        elif isinstance(value, int):
            signed = f"  (zigzag {(value >> 1) ^ -(value & 1)})" if value > 1 else ""
            out.add(name, (": ", "faint"), (str(value), "number"), (signed, "faint"))
        else:
            out.add(name, (": ", "faint"), *_bytes(field.kind, value), hang=len(pad) + 4)


def _bytes(kind: str, value: bytes) -> list[tuple[str, str]]:
    if kind.startswith("fixed"):
        number = int.from_bytes(value, "little")
        (real,) = struct.unpack("<d" if len(value) == 8 else "<f", value)
        return [(str(number), "number"), (f"  or {real:g}", "faint")]
    return [(value[:256].hex(" "), "number"), (f"  {len(value)} bytes", "faint")]


def framed(out: Sheet, body: bytes) -> bool:
    """gRPC messages, each with its length."""
    messages = read_messages(body, 200)
    for number, message in enumerate(messages, 1):
        state = "compressed" if message.compressed else "" if message.complete else "cut"
        out.add((f"message {number}", "title"), (f"  {message.size} bytes  {state}", "faint"))
        if not message.compressed:
            draw(out, read(message.data) or (Field(0, "bytes", message.data),))
    return bool(messages)
