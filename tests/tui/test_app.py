"""The interface as a person uses it: keys in, what the panes show out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static, TabbedContent

from tracer.pipeline import read
from tui.app import TracerApp
from tui.widgets.panes import Pane, ResponsePane, TlsPane, VerdictPane
from tui.widgets.timeline import Timeline

CAPTURE = Path(__file__).parents[2] / "pcaps" / "nginx-deny" / "capture.pcapng"
SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture
def app() -> Iterator[TracerApp]:
    trace = read([str(CAPTURE)]).trace
    yield TracerApp(trace, trace, str, "capture.pcapng")
    trace.close()


def shown(app: TracerApp, pane: type[Pane]) -> str:
    """What a pane says, as plain text."""
    console = app.console
    with console.capture() as captured:
        selection = app.selection
        assert selection is not None
        console.print(app.query_one(pane).draw(selection))
    return captured.get()


async def settle(app: TracerApp, pilot: Any) -> None:
    await pilot.pause()
    while any(not worker.is_finished for worker in app.workers):
        await pilot.pause(0.01)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_denial_and_its_verdict_are_there_at_once(app: TracerApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        row = app.query_one(Timeline).row
        assert row is not None
        assert row.status == 403
        assert "nginx" in shown(app, VerdictPane)
        assert app.query_one(VerdictPane).query_one(Static).visual is not None


async def test_n_goes_round_the_denials_and_says_when_there_is_no_other(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await settle(app, pilot)
        timeline = app.query_one(Timeline)
        timeline.cursor = 0
        await pilot.press("n")
        assert timeline.row is not None
        assert timeline.row.denied


async def test_digits_choose_the_pane(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await settle(app, pilot)
        await pilot.press("3")
        assert app.query_one(TabbedContent).active == "tab3"
        assert "403" in shown(app, ResponsePane)


async def test_a_filter_leaves_the_rows_it_matches(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await settle(app, pilot)
        await pilot.press("slash")
        app.query_one("#filter", Input).value = "~c 200"
        await pilot.press("enter")
        await settle(app, pilot)
        row = app.query_one(Timeline).row
        assert row is not None
        assert row.status == 200


async def test_a_filter_that_cannot_be_read_is_explained_in_place(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await settle(app, pilot)
        await pilot.press("slash")
        app.query_one("#filter", Input).value = "~c ("
        await pilot.press("enter")
        assert app.query_one("#complaint").has_class("open")


async def test_d_shows_denials_only_and_then_all_again(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await settle(app, pilot)
        everything = app.query_one(Timeline).virtual_size.height
        await pilot.press("d")
        assert app.query_one(Timeline).virtual_size.height < everything
        await pilot.press("d")
        assert app.query_one(Timeline).virtual_size.height == everything


async def test_help_opens_and_closes(app: TracerApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("question_mark")
        assert len(app.screen_stack) == 2
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_a_refused_handshake_is_a_line_with_a_verdict_of_its_own() -> None:
    trace = read([str(CAPTURE.parents[1] / "mtls-haproxy-none-tls12" / "capture.pcapng")]).trace
    app = TracerApp(trace, trace, str, "capture.pcapng")
    async with app.run_test() as pilot:
        await settle(app, pilot)
        assert app.selection is not None
        assert app.selection.exchange is None
        assert "certificate" in shown(app, VerdictPane)
        assert "CertificateRequest" in shown(app, TlsPane)
    trace.close()
