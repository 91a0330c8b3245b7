"""What the main views look like, character by character, beside what a person looked at and found good.

`make screens` writes `tests/tui/screens/` anew; read the difference, and look at the views, before it is committed.
Only characters are compared, and of these none that Textual draws by itself: scrollbars, and the box of an input.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.widgets import Input

from tracer.redact import Redacted, Redactor
from tui.session import Session
from tui.widgets.lines import Lines

from .scene import NAME, scene
from .stage import SIZES, Stage, stage

FOLDER = Path(__file__).parent / "screens"
VIEWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("verdict", ()),
    ("request", ("2",)),
    ("response", ("3",)),
    ("packets", ("7",)),
    ("compare", ("8",)),
    ("chain", ("n", "6")),
    ("tls", ("5",)),
    ("refused", ("n", "1")),
    ("reading", ("enter", "tab")),
    ("conversations", ("escape", "b")),
    ("hosts", ("right",)),
    ("help", ("escape", "question_mark")),
    ("filter", ("escape", "slash", "tilde", "c")),
)
"""(name, keys that lead there from the one before)"""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_main_views_look_as_they_were_found_good(size: tuple[int, int]) -> None:
    trace, redactor = scene(), Redactor(key=b"0" * 16)
    shown = Session(trace, Redacted(trace, redactor), redactor.url_alone, NAME, (NAME,))
    wrong: list[str] = []
    async with stage(shown, size) as on:
        for name, keys in VIEWS:
            if keys:
                await on.press(*keys)
            if not _same(FOLDER / f"{name}-{size[0]}x{size[1]}.txt", await _still(on)):
                wrong.append(name)
    assert not wrong, "another look than before: `make screens`, then read the difference"


async def _still(on: Stage) -> str:
    """The screen, once it no longer changes, without what the library draws."""
    before = ""
    while (now := on.screen) != before:
        before = now
        await on.settle()
    lines = [list(line.ljust(on.app.size.width)) for line in now.split("\n")]
    for region in _drawn_by_the_library(on):
        for y in range(region.y, min(region.bottom, len(lines))):
            lines[y][region.x : region.right] = " " * region.width
    return "\n".join("".join(line).rstrip() for line in lines) + "\n"


def _drawn_by_the_library(on: Stage) -> Iterator[Region]:
    for widget in on.app.screen.query(Lines):
        if widget.show_vertical_scrollbar:
            yield widget.vertical_scrollbar.region
    for box in on.app.screen.query(Input):
        if box.region.width:
            top, right, bottom, left = box.styles.gutter
            outer = box.region
            yield Region(outer.x, outer.y, outer.width, top)
            yield Region(outer.x, outer.bottom - bottom, outer.width, bottom)
            yield Region(outer.x, outer.y, left, outer.height)
            yield Region(outer.right - right, outer.y, right, outer.height)


def _same(path: Path, screen: str) -> bool:
    if os.environ.get("TRACER_WRITE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen, encoding="utf-8")
    return path.exists() and path.read_text(encoding="utf-8") == screen
