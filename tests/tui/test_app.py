"""The interface as a person uses it: keys in, the screen out."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import msgspec
import pytest
from rich.text import Text
from textual import events
from textual.widgets import Input

from tracer.model.problem import Severity
from tracer.pipeline import read
from tracer.store.trace import Trace
from tui import welcome
from tui.screens.groups import GroupsScreen
from tui.session import Session
from tui.widgets.lines import paint
from tui.widgets.prompt import Prompt, finding

from .stage import SIZES, capture, session, spread, stage


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


async def test_what_is_typed_faster_than_the_screen_is_drawn_goes_into_the_filter() -> None:
    async with stage(session(capture("nginx-deny"))) as on:
        before = on.app.view
        for character in "/~c 200":
            on.app.post_message(events.Key("slash" if character == "/" else character, character))
        await on.settle_for(lambda: on.app.prompt.has_class("open"))
        assert on.app.query_one(Input).value == "~c 200"
        assert on.app.view == before


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
        assert "by nginx" in on.screen


async def test_problems_are_told_where_there_is_nothing_else(tmp_path: Path) -> None:
    empty = tmp_path / "x.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    trace = read([str(empty)]).trace
    async with stage(Session(trace, trace, str, "x.pcap")) as on:
        assert "no HTTP exchange here" in on.screen
        assert all(p.severity is not Severity.BUG for p in trace.problems())


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


async def test_a_click_on_the_overview_goes_to_that_time() -> None:
    trace = spread(40)
    async with stage(Session(trace, trace, str, "made"), (120, 45)) as on:
        assert on.app.overview.display
        await on.pilot.click("#overview", offset=(119, 0))
        await on.settle()
        assert on.timeline.cursor == 39
        await on.pilot.click("#overview", offset=(0, 1))
        await on.settle()
        assert on.timeline.cursor == 0
