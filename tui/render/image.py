"""A picture in half blocks: two pixels a character, with Pillow when it is installed, else what its header says."""

from __future__ import annotations

import io
import struct
import warnings

from rich.color import Color
from rich.style import Style
from rich.text import Text

from .sheet import Sheet

WIDE, HIGH = 76, 60
"""largest picture in pixels: columns, and twice the rows"""
_PIXELS = 40_000_000


def draw(out: Sheet, data: bytes) -> bool:
    """The picture, or its kind and size; False when it is none that is known."""
    told = header(data)
    if told is None:
        return False
    out.add((told, "faint"))
    try:
        from PIL import Image
    except ImportError:
        out.add(("the extra tracer[images] shows it here", "note"))
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as picture:
                if picture.width * picture.height > _PIXELS:
                    out.add(("too large to be shown", "note"))
                    return True
                picture.draft("RGB", (WIDE * 2, HIGH * 2))
                small = picture.convert("RGBA")
                small.thumbnail((WIDE, HIGH))
                paper = Image.new("RGBA", small.size, (24, 24, 24, 255))
                paper.alpha_composite(small)
                _half_blocks(out, paper.size, paper.convert("RGB").tobytes())
    except (OSError, ValueError, SyntaxError, EOFError, Warning, struct.error, MemoryError) as error:
        out.add((f"it cannot be decoded: {type(error).__name__}", "warn"))
    return True


def _half_blocks(out: Sheet, size: tuple[int, int], pixels: bytes) -> None:
    """Two rows of RGB pixels a line: the upper one is the character, the lower one its background."""
    width, height = size
    black = b"\0\0\0" * width
    for y in range(0, height, 2):
        upper = pixels[y * width * 3 : (y + 1) * width * 3]
        lower = pixels[(y + 1) * width * 3 : (y + 2) * width * 3] or black
        line = Text()
        for x in range(0, width * 3, 3):
            colour, ground = Color.from_rgb(*upper[x : x + 3]), Color.from_rgb(*lower[x : x + 3])
            line.append("▀", style=Style(color=colour, bgcolor=ground))
        out.add(line)


def header(data: bytes) -> str | None:
    """`PNG, 640 x 480`, from the first bytes."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return "PNG, {} x {}".format(*struct.unpack(">II", data[16:24]))
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return "GIF, {} x {}".format(*struct.unpack("<HH", data[6:10]))
    if data[:3] == b"\xff\xd8\xff":
        return f"JPEG, {len(data)} bytes"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return f"WebP, {len(data)} bytes"
    if data[:2] == b"BM":
        return f"BMP, {len(data)} bytes"
    if data[:4] == b"\0\0\1\0":
        return f"icon, {len(data)} bytes"
    return None
