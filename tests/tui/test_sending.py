"""Replay and bisect out of the interface, against a real server: nothing is sent unasked, all of it is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tui.render.shell import painted
from tui.screens.sending import SendingScreen
from tui.widgets.page import Page

from .stage import Stage, session, stage

TOKEN = "Bearer a-token-that-nobody-may-see-0001"


class Site(ThreadingHTTPServer):
    """Denies whoever calls itself a robot, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.waits = threading.Event()
        self.waits.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.server.waits.wait(20)
        self.server.asked.append((self.command, self.headers.get("Authorization", "")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        denied = "robot" in self.headers.get("User-Agent", "")
        self.send_response(403 if denied else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"robot" if denied else b"hello")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.waits.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def recorded(tmp_path: Path, site: Site, request: pytest.FixtureRequest) -> str:
    """A denial of this site's."""
    method = getattr(request, "param", "GET")
    path = tmp_path / "a.http"
    path.write_text(
        f"{method} /x HTTP/1.1\r\nHost: 127.0.0.1:{site.server_port}\r\nUser-Agent: robot/1\r\nContent-Length: 0\r\n"
        f"Authorization: {TOKEN}\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nrobot"
    )
    return str(path)


def sending(on: Stage) -> SendingScreen:
    assert isinstance(on.app.screen, SendingScreen)
    return on.app.screen


def said(on: Stage) -> str:
    return sending(on).query_one(Page).sheet.plain


async def test_a_request_is_sent_again_only_after_it_was_shown(recorded: str, site: Site) -> None:
    async with stage(session(recorded)) as on:
        await on.press("p")
        assert f"GET http://127.0.0.1:{site.server_port}/x" in said(on)
        assert "Authorization" in said(on)
        await on.press("escape")
        assert not site.asked
        await on.press("p", "S")  # the key of what may change something
        assert sending(on).state == "asking"
        assert not site.asked
        await on.press("s")
        assert site.asked == [("GET", TOKEN)]  # to the host that it was recorded for
        assert "recorded  403 Forbidden" in said(on)
        assert "now       403 Forbidden" in said(on)
        assert "nobody-may-see" not in on.screen
        await on.press("c", "escape")
        assert on.app.clipboard.startswith("tracer replay ")
        assert len(on.app.screen_stack) == 1


async def test_a_search_tells_each_request_and_what_it_found(recorded: str, site: Site) -> None:
    async with stage(session(recorded)) as on:
        await on.press("B")
        assert "up to 40 requests" in said(on)
        await on.press("s")
        while sending(on).state != "done":
            await on.pilot.pause(0.05)
        assert "  1  " in said(on)
        assert "User-Agent" in said(on)
        assert "# passes" in said(on)
        assert "nobody-may-see" not in said(on)
        assert len(site.asked) > 3


async def test_a_search_is_stopped_by_escape_and_tells_what_it_knows(recorded: str, site: Site) -> None:
    async with stage(session(recorded)) as on:
        await on.press("B")
        site.waits.clear()
        await on.pilot.press("s")
        await on.pilot.pause(0.05)
        await on.pilot.press("escape")
        assert sending(on).state == "stopping"
        site.waits.set()
        await on.settle_for(lambda: sending(on).state == "done")
        assert "interrupted" in said(on)
        assert len(site.asked) <= 4
        await on.press("escape")
        assert len(on.app.screen_stack) == 1


@pytest.mark.parametrize("recorded", ["POST"], indirect=True)
async def test_what_may_change_something_needs_another_key(recorded: str, site: Site) -> None:
    async with stage(session(recorded)) as on:
        await on.press("p")
        assert "! POST may change something" in said(on)
        await on.press("s")
        assert not site.asked
        await on.press("S")
        assert [method for method, _ in site.asked] == ["POST"]


async def test_why_a_request_cannot_be_sent_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.http"
    path.write_text(
        "GET /x HTTP/1.1\r\nHost: 127.0.0.1:9\r\nAuthorization: [redacted:bearer:7f3a91c2]\r\n\r\n"
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    )
    async with stage(session(str(path))) as on:
        await on.press("p")
        assert "the source was redacted" in said(on)
        await on.press("s")
        assert sending(on).state == "done"


def test_colours_of_a_command_become_styles() -> None:
    line = painted("a \x1b[31m403\x1b[0m \x1b[1mb\x1b[0m")
    assert line.plain == "a 403 b"
    assert [(s.start, s.end, s.style) for s in line.spans] == [(2, 5, "denied"), (6, 7, "strong")]
