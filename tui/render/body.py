"""A body as lines, by what it is: JSON, markup, forms, multipart, images, protocol buffers, text, else hex."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

from rich.text import Text

from tracer.model.http import text
from tracer.views.safe import safe, safe_block

from . import image, markup, protobuf
from .sheet import Sheet

HEX = 64 << 10
"""bytes dumped at most"""
_LINES = 20_000
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b')
_PARTS = 50


def body_lines(data: bytes, kind: str, raw: bool = False) -> Sheet:
    """The lines of a decoded body; `raw`: as it is, a hex dump where it is no text."""
    out = Sheet()
    media = kind.partition(";")[0].strip().lower()
    if not raw:
        for fits, draw in _KINDS:
            if fits(media, data) and draw(out, data, kind):
                return out
    _plain(out, data, media)
    return out


def _plain(out: Sheet, data: bytes, media: str) -> None:
    if not is_text(data, media):
        _hex(out, data)
        return
    lines = safe_block(text(data)).split("\n")
    for line in lines[:_LINES]:
        out.add(line)
    if len(lines) > _LINES:
        out.add((f"… {len(lines) - _LINES:,} more lines", "note"))


def is_text(data: bytes, media: str) -> bool:
    """By its type, or because nearly nothing in its beginning acts on a terminal."""
    if re.match(r"text/|application/(?:[\w.+-]*(?:json|xml)|javascript|x-www-form-urlencoded)", media):
        return True
    sample = data[:1024]
    return b"\0" not in sample and sum(c < 9 or 13 < c < 32 for c in sample) * 20 <= len(sample)


def _hex(out: Sheet, data: bytes) -> None:
    for line in hex_dump(data[:HEX]):
        out.add((line[:10], "faint"), line[10:60], (line[60:], "string"))
    if len(data) > HEX:
        out.add((f"… {len(data) - HEX:,} more bytes", "note"))


def hex_dump(data: bytes) -> Iterator[str]:
    """Sixteen bytes a line: offset, hex, printable characters."""
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        chars = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        yield f"{at:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {chars}"


# -- kinds: each draws and says True, or leaves it to the next


def _json(out: Sheet, data: bytes, _: str) -> bool:
    try:
        shown = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _json_lines(out, data)
    for line in shown.split("\n")[:_LINES]:
        out.add(painted_json(safe_block(line)), hang=len(line) - len(line.lstrip()) + 2)
    return True


def _json_lines(out: Sheet, data: bytes) -> bool:
    """One JSON value a line, as logs and streams have it."""
    lines = data.splitlines()[:_LINES]
    try:
        values = [json.loads(line) for line in lines if line.strip()]
    except (ValueError, RecursionError):
        return False
    for value in values:
        out.add(painted_json(safe(json.dumps(value, ensure_ascii=False))), hang=2)
    return len(values) > 1


def painted_json(line: str) -> Text:
    """Names, strings, numbers and words of JSON in styles of their own."""
    painted = Text(line)
    for found in _TOKEN.finditer(line):
        style = (
            ("name" if found[2] else "string") if found[1] is not None else "number" if found[3] is not None else "word"
        )
        painted.stylize(style, found.start(), found.end(1) if found[1] is not None else found.end())
    return painted


def _markup(out: Sheet, data: bytes, kind: str) -> bool:
    for depth, style, words in markup.outline(text(data), "html" in kind.lower()):
        out.add(("  " * min(depth, 20), ""), (safe(words), style), hang=2 * min(depth, 20) + 2)
    return len(out) > 0


def _form(out: Sheet, data: bytes, _: str) -> bool:
    try:
        fields = parse_qsl(text(data), keep_blank_values=True, max_num_fields=5000)
    except ValueError:
        return False
    for name, value in fields:
        out.add((safe(name), "name"), (" = ", "faint"), safe(value), hang=4)
    return bool(fields)


def _multipart(out: Sheet, data: bytes, kind: str) -> bool:
    from email.parser import BytesParser
    from email.policy import HTTP

    try:
        head = b"Content-Type: " + kind.encode("latin-1", "replace").replace(b"\n", b" ") + b"\r\n\r\n"
        message = BytesParser(policy=HTTP).parsebytes(head + data)
        parts = message.get_payload()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return False  # the standard library's parser raises any of these on what is not well formed
    if not isinstance(parts, list) or not parts:
        return False
    for number, part in enumerate(parts[:_PARTS], 1):
        out.title(f"Part {number}")
        for name, value in part.raw_items():
            out.add((safe(str(name), 200), "name"), (": ", "faint"), safe(str(value), 2000), hang=4)
        payload = part.get_payload(decode=True)
        inner = payload if isinstance(payload, bytes) else b""
        media = part.get_content_type() if part.raw_items() else "text/plain"
        out.extend(body_lines(inner, "" if media.startswith("multipart/") else media))
    return True


def _image(out: Sheet, data: bytes, _: str) -> bool:
    return image.draw(out, data)


def _protobuf(out: Sheet, data: bytes, kind: str) -> bool:
    if "grpc" in kind:
        return protobuf.framed(out, data)
    fields = protobuf.read(data)
    if fields is None:
        return False
    protobuf.draw(out, fields)
    return True


_KINDS: tuple[tuple[Callable[[str, bytes], bool], Callable[[Sheet, bytes, str], bool]], ...] = (
    (lambda media, data: "json" in media or data[:1] in (b"{", b"["), _json),
    (lambda media, _: "grpc" in media or "protobuf" in media, _protobuf),
    (lambda media, data: "html" in media or "xml" in media or data[:5].lower() in (b"<!doc", b"<html", b"<?xml"),
     _markup),
    (lambda media, _: media == "application/x-www-form-urlencoded", _form),
    (lambda media, _: media.startswith("multipart/"), _multipart),
    (lambda media, _: media.startswith("image/") and "svg" not in media, _image),
)  # fmt: skip
