"""The interface on a stage: a session over a capture of `pcaps/`, keys in, the screen as text out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from textual.pilot import Pilot

from tracer.model.http import Timing
from tracer.pipeline import read
from tracer.redact import Redacted, Redactor
from tracer.store.trace import Trace
from tui.app import TracerApp
from tui.session import Session
from tui.widgets.timeline import Timeline

PCAPS = Path(__file__).parents[2] / "pcaps"
SIZES = [(80, 24), (120, 40), (200, 60)]


def capture(case: str) -> str:
    return str(PCAPS / case / "capture.pcapng")


def session(*sources: str, trace: Trace | None = None, redact: bool = True) -> Session:
    """A session whose reading is done."""
    trace = trace or read(list(sources)).trace
    if not redact:
        return Session(trace, trace, str, "capture.pcapng", sources)
    redactor = Redactor(key=b"0" * 16)
    return Session(trace, Redacted(trace, redactor), redactor.url_alone, "capture.pcapng", sources)


def spread(count: int) -> Trace:
    """So many exchanges, a second apart."""
    one = next(iter(session(capture("nginx-deny")).trace.exchanges()))
    trace = Trace()
    for number in range(count):
        at = number * 10**9
        timing = Timing(start_ns=at, end_ns=at + 1)
        trace.exchange(msgspec.structs.replace(one, id=f"e{number}", timing=timing, connection=None))
    return trace


class Stage:
    """An application that runs."""

    def __init__(self, app: TracerApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def settle(self) -> None:
        """Until nothing is being read or drawn, for longer than the interface waits before it shows what was chosen."""
        calm = 0
        while calm < 3:
            await self.pilot.pause(0.04)
            calm = 0 if self._is_busy else calm + 1

    @property
    def _is_busy(self) -> bool:
        nodes = (self.app, *(node for screen in self.app.screen_stack for node in screen.walk_children(with_self=True)))
        return any(not w.is_finished for w in self.app.workers) or any(node.message_queue_size for node in nodes)

    async def settle_for(self, reached: Callable[[], bool]) -> None:
        """Until this is so, a minute at most."""
        end = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < end, self.screen
            await self.pilot.pause(0.02)
        await self.settle()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, words: str) -> None:
        names = {" ": "space", "~": "tilde", "&": "ampersand", "/": "slash", ".": "full_stop", "(": "left_parenthesis"}
        await self.press(*(names.get(c, c) for c in words))

    @property
    def timeline(self) -> Timeline:
        return self.app.query_one(Timeline)

    @property
    def screen(self) -> str:
        """What the terminal shows, line by line."""
        strips: Any = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def pane(self) -> str:
        """Everything the active pane says."""
        return self.app.active().sheet.plain


@asynccontextmanager
async def stage(shown: Session, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Stage]:
    app = TracerApp(shown)
    async with app.run_test(size=size) as pilot:
        on = Stage(app, pilot)
        await on.settle()
        if shown.trace.count("exchange") and not shown.busy:
            await on.settle_for(lambda: app.selection is not None)
        yield on
