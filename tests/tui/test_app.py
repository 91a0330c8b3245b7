"""The interface as a person uses it: keys in, the screen out."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from pathlib import Path

import msgspec
import pytest
from rich.text import Text
from textual.widgets import Input

from tracer.model.problem import Severity
from tracer.pipeline import read
from tracer.store.trace import Trace
from tui import settings, welcome
from tui.commands import COMMANDS
from tui.screens.groups import GroupsScreen
from tui.screens.help import HelpScreen
from tui.session import Session
from tui.widgets.lines import paint
from tui.widgets.page import Page
from tui.widgets.prompt import Prompt, finding

from .stage import SIZES, capture, session, stage


@pytest.mark.parametrize("size", SIZES)
async def test_who_said_it_is_on_the_screen_at_once_at_every_size(size: tuple[int, int]) -> None:
    async with stage(session(capture("two-hops-could-deny")), size) as on:
        assert "403 was said by haproxy (gateway)" in on.screen
        assert "SAID 403" in on.screen
        assert "passed it on" in on.screen or "○ varnish" in on.screen
        assert on.timeline.row is not None
        assert on.timeline.row.denied
        assert "↳   403" in on.screen  # the copy behind the cache is told apart
        assert max(map(len, on.screen.split("\n"))) <= size[0]
        assert "? help  q quit" in on.screen


@pytest.mark.parametrize("size", SIZES)
async def test_columns_and_waterfall_appear_as_there_is_room(size: tuple[int, int]) -> None:
    async with stage(session(capture("redirect-authorization-dropped")), size) as on:
        ruler = next(line for line in on.screen.split("\n") if "host and path" in line)
        assert ("├" in ruler) == (size[0] >= 100)
        assert ("size" in ruler) == (size[0] >= 110)
        assert "took" in ruler
        bars = "┄" in on.screen
        assert bars == (size[0] >= 100)
        assert on.app.query_one("#side").display == (size[0] >= 170)


async def test_n_and_N_go_round_the_denials_without_their_copies() -> None:  # noqa: N802
    async with stage(session(capture("nginx-deny"), capture("two-hops-could-deny"))) as on:
        first = on.timeline.cursor
        await on.press("n")
        second = on.timeline.cursor
        assert on.timeline.row is not None
        assert on.timeline.row.denied
        assert second != first
        assert "↳" in on.screen
        await on.press("n")
        assert on.timeline.cursor == first
        await on.press("N")
        assert on.timeline.cursor == second


async def test_sources_are_lanes() -> None:
    async with stage(session(capture("nginx-deny"), capture("two-hops-could-deny"))) as on:
        assert "method  A B" in on.screen
        assert re.search("403 GET +A · static.example.test", on.screen)
        assert re.search("403 GET +· B balanced-app.example.test", on.screen)


async def test_rows_come_while_another_screen_is_in_front_and_f_follows_them() -> None:
    shown = session(capture("nginx-deny"), redact=False)
    one = next(iter(shown.trace.exchanges()))
    async with stage(shown) as on:
        await on.press("F", "question_mark")
        shown.read, shown._thread = None, threading.current_thread()  # busy, as while reading
        for number in range(30):
            shown.trace.exchange(msgspec.structs.replace(one, id=f"new{number}"))
        await on.pilot.pause(0.6)
        await on.settle()
        assert len(on.app.rows) == 34
        await on.press("escape")
        assert on.timeline.cursor == 33
        assert "34 exchanges" in on.screen
        assert "following" in on.screen
        shown._thread = None


async def test_the_tour_goes_on_as_its_lessons_are_done() -> None:
    path = welcome.case()
    assert path is not None
    async with stage(session(path)) as on:
        on.app.action_tour()
        await on.settle()
        assert "1/7" in on.screen
        steps: tuple[tuple[str, ...], ...] = (("enter",), (), ("7",), ("escape", "slash"))
        for number, keys in enumerate(steps, 2):
            await on.press(*keys)
            page = on.app.active()
            if number == 3:  # from line to line until one is evidence
                while (target := page.sheet.lines[page.cursor].target) is None or target.kind != "place":
                    await on.pilot.press("tab")
                await on.press("enter")
            if number == 5:
                await on.type("~c 403")
                await on.press("enter")
            on.app.teach()
            await on.pilot.pause()
            assert f"{number}/7" in on.screen


async def test_each_digit_opens_its_pane_and_arrows_go_on() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        marks = ["was said by", "user-agent: curl", "www-authenticate: Bearer", "no WebSocket", "ClientHello",
                 "− Authorization: another host", "SYN ACK", "the other side"]  # fmt: skip
        for number, mark in enumerate(marks[:7], 1):
            await on.press(str(number))
            assert on.app.tab == number
            assert mark in on.pane
        await on.press("right")
        assert on.app.tab == 8
        await on.press("right", "left")
        assert on.app.tab == 8


async def test_evidence_leads_to_the_header_that_it_quotes() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        await on.press("enter")
        page = on.app.active()
        page.jump("")  # the beginning
        at = next(
            n for n, line in enumerate(page.sheet)
            if line.target and line.target.value == "response header www-authenticate"
        )  # fmt: skip
        page.go(at)
        await on.press("enter")
        assert on.app.tab == 3
        line = on.app.active().sheet.lines[on.app.active().cursor]
        assert line.text.plain == "www-authenticate: Bearer"


async def test_evidence_of_another_exchange_leads_there() -> None:
    async with stage(session(capture("redirect-authorization-dropped"))) as on:
        await on.press("enter")
        page = on.app.active()
        here = on.app.selection
        assert here is not None
        at = next(
            n for n, line in enumerate(page.sheet)
            if line.target and line.target.kind == "place" and line.target.exchange not in (None, here.id)
            and line.target.value == "request header authorization"
        )  # fmt: skip
        target = page.sheet.lines[at].target
        assert target is not None
        page.go(at)
        await on.press("enter")
        assert on.app.selection is not None
        assert on.app.selection.id == target.exchange
        assert on.app.tab == 2


async def test_a_filter_is_checked_while_it_is_typed_and_applied_with_enter() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("slash")
        await on.type("~c")
        assert "~cause" in on.screen  # completion
        await on.type(" (")
        assert "~c needs a number" in on.screen
        await on.press("enter")
        assert on.app.query_one(Prompt).has_class("open")  # what is wrong is not applied
        on.app.query_one("#typed", Input).value = "~c 200"
        await on.press("enter")
        assert {e.row.status for e in map(on.app.rows.entry, range(len(on.app.rows)))} == {200}
        assert "2 of 4" in on.screen
        await on.press("0")
        assert len(on.app.rows) == 4


async def test_a_text_is_found_in_headers_and_bodies_and_shown_where_it_stands() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("f")
        await on.type("forbidden")
        await on.press("enter")
        assert {e.row.status for e in map(on.app.rows.entry, range(len(on.app.rows)))} == {403}
        assert on.app.active().needle == "forbidden"


def test_a_text_to_find_is_taken_as_it_is() -> None:
    from tracer.filter import parse

    for words in ('a"b', "x.y(z", "back\\slash", "a b", "~c 403"):
        assert parse(finding(words)) is not None


async def test_d_shows_denials_only_and_then_all_again() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("d")
        assert len(on.app.rows) == 2
        await on.press("d")
        assert len(on.app.rows) == 4


async def test_sorting_by_key_and_by_a_click_on_the_ruler() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("o")
        assert on.app.view.sort == "status"
        found = [on.app.rows.entry(at).row.status for at in range(4)]
        assert found == sorted(s or 0 for s in found)
        await on.press("O")
        assert on.app.rows.entry(0).row.status == 403
        await on.pilot.click("#ruler", offset=(10, 0))
        await on.settle()
        assert on.app.view.sort == "method"


async def test_a_time_window_starts_and_ends_where_the_cursor_is() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        on.timeline.cursor = 2
        await on.press("left_square_bracket")
        assert len(on.app.rows) == 2
        await on.press("0", "plus")
        assert on.app.view.window is not None
        await on.press("minus", "minus", "minus")
        assert len(on.app.rows) == 4


async def test_groups_count_and_choosing_one_shows_it() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.press("b")
        assert isinstance(on.app.screen, GroupsScreen)
        assert "1 denial, 1 story" in on.screen
        await on.press("right")
        assert "1 host" in on.screen
        await on.press("right", "right", "right")
        assert "2 statuses" in on.screen
        await on.press("enter")
        assert len(on.app.screen_stack) == 1
        assert {e.row.status for e in map(on.app.rows.entry, range(len(on.app.rows)))} == {403}
        assert "status 403" in on.screen


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


async def test_a_refused_handshake_is_a_line_with_a_verdict_of_its_own() -> None:
    async with stage(session(capture("mtls-haproxy-none-tls12"))) as on:
        assert "handshake refused" in on.screen
        assert on.app.selection is not None
        assert on.app.selection.exchange is None
        assert "certificate" in on.pane
        await on.press("5")
        assert "CertificateRequest" in on.pane
        assert "NONE" in on.pane or "sent none" in on.pane
        assert "✖ Alert handshake_failure" in on.pane


async def test_a_click_chooses_another_one_opens_and_a_line_that_leads_is_followed() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        await on.pilot.click("#timeline", offset=(20, 0))
        await on.settle()
        assert on.timeline.cursor == 0
        await on.pilot.click("#timeline", offset=(20, 0))
        await on.settle()
        assert isinstance(on.app.focused, Page)
        await on.press("escape", "n")
        page = on.app.active()
        at = next(n for n, line in enumerate(page.sheet) if line.target and line.target.kind == "copy")
        await on.pilot.click("#pane1", offset=(10, at + 1 - page.scroll_offset.y))
        await on.settle()
        target = page.sheet.lines[page.cursor].target
        assert target is not None
        assert on.app.clipboard == target.value


async def test_zoom_and_escape() -> None:
    async with stage(session(capture("nginx-deny")), (80, 24)) as on:
        await on.press("z")
        assert not on.timeline.display or on.timeline.size.height == 0
        await on.press("escape")
        assert on.timeline.size.height > 0
        assert on.timeline.has_focus


async def test_reading_goes_on_beside_the_interface() -> None:
    trace = Trace()

    def begin(into: Trace, told: object) -> object:
        return read([capture("nginx-deny")], trace=into)

    async with stage(Session(trace, trace, str, "capture.pcapng", read=begin)) as on:
        while on.app.session.busy:
            await on.pilot.pause(0.05)
        await on.pilot.pause(0.6)
        await on.settle()
        assert len(on.app.rows) == 4
        assert "1 denial" in on.screen
        assert "said by nginx" in on.screen


async def test_problems_are_told_where_there_is_nothing_else(tmp_path: Path) -> None:
    empty = tmp_path / "x.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    trace = read([str(empty)]).trace
    async with stage(Session(trace, trace, str, "x.pcap")) as on:
        assert "no HTTP exchange here" in on.screen
        assert all(p.severity is not Severity.BUG for p in trace.problems())


async def test_evidence_leads_elsewhere_and_escape_back_and_the_next_denial_shows_its_verdict() -> None:
    async with stage(session(capture("nginx-deny"), capture("redirect-authorization-dropped"))) as on:
        await on.press("enter")
        page = on.app.active()
        begun = on.app.selection
        assert begun is not None
        while (target := page.sheet.lines[page.cursor].target) is None or target.kind != "place":
            await on.pilot.press("tab")
        at = page.cursor
        await on.press("enter")
        assert on.app.tab != 1
        await on.press("escape")
        assert on.app.tab == 1
        assert on.app.focused is page
        assert on.app.selection is not None
        assert on.app.selection.id == begun.id
        assert page.cursor == at
        await on.press("enter", "n")
        assert on.app.tab == 1
        await on.press("5", "n")
        assert on.app.tab == 5  # chosen by the user, so it stays


async def test_in_a_wide_terminal_the_verdict_stands_beside_and_is_one_of_the_panes() -> None:
    async with stage(session(capture("nginx-deny")), (200, 60)) as on:
        assert on.app.tab == 3
        assert "chosen" in str([s.style for s in on.app.tabs.lines[0].spans][:2])  # the verdict is shown too
        await on.press("enter")
        assert on.app.focused is on.app.side
        await on.press("right")
        assert on.app.tab == 2
        assert on.app.focused is on.app.active()
        await on.press("left")
        assert on.app.focused is on.app.side
        await on.pilot.resize_terminal(120, 40)
        await on.settle()
        assert on.app.tab == 2  # chosen by the user
        await on.press("1", "escape")
        assert "said by nginx" in on.pane


async def test_panes_and_keys_are_done_by_a_click_on_their_names_too() -> None:
    async with stage(session(capture("nginx-deny"))) as on:

        async def click(bar: str, words: str) -> None:
            row = on.screen.split("\n")[on.app.query_one(bar).region.y]
            await on.pilot.click(bar, offset=(row.index(words) + 2, 0))
            await on.settle()

        await click("#tabs", "6 Chain")
        assert on.app.tab == 6
        await click("#footer", "? help")
        assert isinstance(on.app.screen, HelpScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_the_last_line_names_what_the_keys_do_where_the_focus_is(size: tuple[int, int]) -> None:
    async with stage(session(capture("nginx-deny")), size) as on:
        assert "↵ open  n next denial" in on.screen.split("\n")[-1]
        await on.press("enter")
        assert "↵ go there  tab next link  esc back" in on.screen.split("\n")[-1]
        assert on.screen.split("\n")[-1].endswith("? help  q quit")


async def test_packets_of_a_saved_trace_are_read_from_the_capture_that_the_user_names(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    read([capture("nginx-deny")]).trace.save(path)
    trace = Trace.open(path)
    async with stage(Session(trace, trace, str, "a.trace", saved=True)) as on:
        await on.press("7")
        assert "not the packets that carried it" in on.pane
        await on.press("enter", "tab", "enter")
        assert on.app.screen.query_one(Input).value == capture("nginx-deny")  # it is still there; asked all the same
        on.app.screen.query_one(Input).value = capture("two-hops-could-deny")
        await on.press("enter")
        assert "no packet of this connection is in that capture" in on.pane
        await on.press("tab", "enter")
        on.app.screen.query_one(Input).value = capture("nginx-deny")
        await on.press("enter")
        assert "SYN ACK" in on.pane
        assert "e24: request" in on.pane


async def test_a_style_of_a_whole_line_is_seen() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        strip = paint(Text("x", style="denied"), on.app.console, on.app.overview.rich_style, 4)
        assert strip._segments[0].style is not None
        assert strip._segments[0].style.color == on.app.console.get_style("denied").color


async def test_a_wide_timeline_names_who_said_it_once() -> None:
    async with stage(session(capture("two-hops-could-deny")), (160, 40)) as on:
        ruler, first, copy = on.screen.split("\n")[1:4]
        at = ruler.index("said by")
        assert first[at:].startswith("haproxy gateway")
        assert not copy[at : at + 20].strip()
        await on.pilot.click("#ruler", offset=(ruler.index("size"), 0))
        await on.settle()
        assert on.app.view.sort == "size"
