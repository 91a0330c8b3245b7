"""Panes: which is shown, what leads where and back, what the mouse does."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tracer.model.http import Exchange, Request, Response, Timing
from tracer.pipeline import read
from tracer.store.trace import Trace
from tui.screens.help import HelpScreen
from tui.session import Session
from tui.widgets.page import Page

from .stage import SIZES, capture, session, stage


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
        assert "by nginx" in on.pane


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


async def test_who_had_advertised_http3_is_told_and_leads_there() -> None:
    def exchange(number: int, protocol: str, *headers: tuple[bytes, bytes]) -> Exchange:
        return Exchange(
            id=f"e{number}", source="s", protocol=protocol, server="192.0.2.1:443",
            request=Request(method="GET", target="/", url="https://a.test/"),
            response=Response(status=200, headers=headers),
            timing=Timing(start_ns=number * 10**9, response_start_ns=number * 10**9 + 1),
        )  # fmt: skip

    trace = Trace()
    trace.exchange(exchange(1, "HTTP/2", (b"alt-svc", b'h3=":443"')))
    trace.exchange(exchange(2, "HTTP/3"))
    async with stage(Session(trace, trace, str, "made")) as on:
        on.timeline.cursor = 1
        await on.settle()
        await on.press("3")
        assert "HTTP/3  was advertised by e1" in on.pane
        await on.press("enter", "G", "enter")
        assert on.app.selection is not None
        assert on.app.selection.id == "e1"
