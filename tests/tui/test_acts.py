"""Acts: marks, what is taken away, what is remembered."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
from textual.widgets import Input

from tracer.pipeline import read
from tracer.store.trace import Trace
from tui import settings
from tui.commands import COMMANDS
from tui.session import Session
from tui.widgets.page import Page

from .stage import capture, session, spread, stage


async def test_marks_and_notes_are_shown_filtered_by_and_not_lost_unasked() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("m", "M")
        await on.type("look")
        await on.press("enter")
        assert "✖ ● 403" in on.screen
        await on.press("slash")
        await on.type("~comment look")
        await on.press("enter")
        assert len(on.app.rows) == 1
        await on.press("q")
        assert "not saved" in on.screen
        await on.press("escape", "m")
        assert "✎" in on.screen


async def test_marks_of_a_saved_trace_stay_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    read([capture("nginx-deny")]).trace.save(path)
    trace = Trace.open(path)
    async with stage(Session(trace, trace, str, "a.trace", saved=True)) as on:
        await on.press("m")
        assert on.app.session.unsaved == 0
    assert [mark for mark, _ in Trace.open(path).marks().values()] == ["●"]


async def test_export_writes_what_is_marked_private_and_asks_before_it_replaces(tmp_path: Path) -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("m", "x", "m")
        target = tmp_path / "one.json"
        on.app.screen.query_one(Input).value = str(target)
        await on.press("enter")
        while not target.exists():
            await on.pilot.pause(0.02)
        assert [e["response"]["status"] for e in json.loads(target.read_bytes())["exchanges"]] == [403]
        assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
        await on.press("x", "a")
        on.app.screen.query_one(Input).value = str(target)
        await on.press("enter")
        assert "there already" in on.screen
        await on.press("n")
        assert len(json.loads(target.read_bytes())["exchanges"]) == 1


async def test_what_is_copied_goes_to_the_clipboard_without_secrets() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        on.timeline.cursor = 0
        await on.settle()
        await on.press("y")
        assert on.app.clipboard.startswith("curl ")
        assert "[redacted" in on.app.clipboard or "REDACTED" in on.app.clipboard.upper()
        await on.press("n", "s")
        assert on.app.clipboard.startswith("1. ")
        await on.press("Y")
        assert on.app.clipboard.startswith("https://")


async def test_themes_go_round_and_are_remembered() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        for name in ("light", "contrast", "plain", "dark", "light"):
            await on.press("T")
            assert on.app.settings["theme"] == name
        await on.press("q")
    assert settings.load()["theme"] == "light"


def test_settings_that_are_none_are_defaults(tmp_path: Path) -> None:
    settings.path().parent.mkdir(parents=True)
    for words in (b"", b"[]", b"\xff", b'{"theme": "pink", "sort": 7, "fit": "no", "other": 1}', b"[" * 100_000):
        settings.path().write_bytes(words)
        assert settings.load() == settings.DEFAULTS


async def test_help_lists_every_command_and_the_palette_finds_them() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("question_mark")
        shown = on.app.screen.query_one(Page).sheet.plain
        assert all(c.name in shown for c in COMMANDS if c.when(on.app))
        await on.press("escape", "ctrl+p")
        await on.type("browser rep")
        await on.pilot.pause(0.3)
        assert "Browser report" in on.screen
        await on.press("escape")


async def test_replay_is_offered_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("question_mark")
        assert "Replay" in on.app.screen.query_one(Page).sheet.plain
        await on.press("escape")
        monkeypatch.setattr("tui.commands.find_spec", lambda _: None)
        await on.press("p")
        assert len(on.app.screen_stack) == 1
        await on.press("question_mark")
        assert "Replay" not in on.app.screen.query_one(Page).sheet.plain


async def test_a_body_is_shown_as_it_is_and_pretty_again() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        await on.press("3")
        assert '  "detail": "Not authenticated"' in on.pane
        await on.press("r")
        assert '{"detail":"Not authenticated"}' in on.pane
        await on.press("r")
        assert '  "detail": "Not authenticated"' in on.pane


async def test_an_exchange_is_made_the_other_side_of_the_comparison_and_no_longer() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        on.timeline.cursor = 0
        await on.settle()
        other = on.app.selection
        assert other is not None
        await on.press("c", "n", "8")
        assert f"{other.id}  (the other)" in on.pane
        on.timeline.cursor = 0
        await on.settle()
        await on.press("c", "n")
        assert on.app.other is None


async def test_the_axis_is_that_of_the_lines_on_the_screen_or_of_all() -> None:
    trace = spread(40)
    async with stage(Session(trace, trace, str, "made"), (120, 14)) as on:
        near = on.timeline.axis
        await on.press("w")
        every = on.timeline.axis
        assert every.end_ns - every.begin_ns == 39 * 10**9
        assert near.end_ns < every.end_ns
        assert not on.app.settings["fit"]
        await on.press("w")
        assert on.timeline.axis == near


async def test_a_page_is_copied_as_it_is_shown() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        on.timeline.cursor = 0
        await on.settle()
        await on.press("2")
        on.app.action_copy("page")
        assert on.app.clipboard == on.pane
        assert "[redacted:" in on.app.clipboard


async def test_the_report_is_written_to_a_private_folder_and_said_where(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with stage(session(capture("nginx-deny"))) as on:
        told: list[str] = []
        monkeypatch.setattr(on.app, "say", lambda words, bad=False: told.append(words))
        await on.press("R")
        await on.settle_for(lambda: any("no browser here" in words for words in told))
        path = Path(re.search(r"the report is (\S+)", told[-1])[1])  # type: ignore[index]
        assert "by nginx" in path.read_text()
        assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700


async def test_the_trace_is_saved_with_its_marks_and_opens_again(tmp_path: Path) -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("m", "ctrl+s")
        on.app.screen.query_one(Input).value = str(tmp_path / "kept")
        await on.press("enter")
        await on.settle_for(lambda: not on.app.session.unsaved)
        await on.press("q")  # nothing is unsaved: it does not ask
        assert not on.app.is_running
    kept = Trace.open(tmp_path / "kept.trace")
    assert kept.count("exchange") == 4
    assert [mark for mark, _ in kept.marks().values()] == ["●"]


async def test_no_color_in_the_environment_is_honoured_and_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(session(capture("nginx-deny"))) as on:
        assert on.app.looks == "plain"
        assert on.app.settings["theme"] == "dark"
        colours = {
            color.triplet
            for strip in on.app.screen._compositor.render_strips()  # type: ignore[attr-defined, unused-ignore]
            for segment in strip
            if segment.style is not None and (color := segment.style.color) is not None and color.triplet is not None
        }
        assert colours <= {c for c in colours if len(set(c)) == 1}  # greys alone
