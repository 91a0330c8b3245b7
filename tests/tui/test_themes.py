"""The looks can be read: contrasts as WCAG 2.2 asks for (1.4.3, 1.4.6, 1.4.11), and signs that need no colour."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style
from textual.color import Color as Ground

from tui.themes import LOOKS, NAMES, Look

BARS = {"connect", "tls", "send", "wait", "receive"}
"""graphics rather than text"""
LEAST = {"dark": 4.5, "light": 4.5, "contrast": 7.0}


def luminance(red: int, green: int, blue: int) -> float:
    parts = [c / 255 for c in (red, green, blue)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    high, low = sorted((luminance(*one), luminance(*other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def rgb(color: Color | None) -> tuple[int, int, int]:
    assert color is not None
    red, green, blue = color.get_truecolor()
    return red, green, blue


def grounds(look: Look) -> list[tuple[int, int, int]]:
    theme = look.theme
    named = (theme.background, theme.surface, theme.panel)
    return [Ground.parse(color).rgb for color in named if color is not None]


@pytest.mark.parametrize("name", LEAST)
def test_every_style_can_be_read_on_every_ground(name: str) -> None:
    look = LOOKS[name]
    for style_name in NAMES:
        style: Style = look.styles.styles[style_name]
        if style.color is None:
            continue
        under = [rgb(style.bgcolor)] if style.bgcolor is not None else grounds(look)
        least = 3.0 if style_name in BARS else LEAST[name]
        for ground in under:
            assert contrast(rgb(style.color), ground) >= least, (style_name, ground)


@pytest.mark.parametrize("name", LEAST)
def test_what_is_under_the_cursor_can_still_be_read(name: str) -> None:
    look = LOOKS[name]
    for cursor in ("cursor", "cursor.away"):
        ground = rgb(look.styles.styles[cursor].bgcolor)
        for style_name in NAMES:
            style = look.styles.styles[style_name]
            if style.color is not None and style.bgcolor is None and not style.reverse:
                assert contrast(rgb(style.color), ground) >= (2.0 if style_name in BARS else 3.0), (cursor, style_name)


def test_every_look_has_every_style_and_one_needs_no_colour() -> None:
    for look in LOOKS.values():
        assert set(NAMES) <= set(look.styles.styles)
    plain = LOOKS["plain"].styles.styles
    assert all(plain[name].color is None and plain[name].bgcolor is None for name in NAMES)
    assert plain["cursor"] != Style()
    assert plain["chosen"] != Style()
