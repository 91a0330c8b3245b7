"""The interface in a real terminal: hostile content never acts, sizes that change all the time, sources that vanish."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer.model.http import Body, Event, Exchange, Request, Response, Timing
from tracer.model.verdict import Evidence, Hop, Layer, PathEntry, Said, Seen, Verdict
from tracer.store.trace import Trace

from .stage import capture

EVIL = (
    "\x1b]52;c;ZXZpbA==\x1b\\ \x1b]0;EVILTITLE\x07 \x1b[2J \x9b31m \x90q\x9c [red]x[/] [/red] [@click=app.quit]y[/]"
    " \u202eabc\u2066 \x00 \r\n \x7f \ufeff \u200b \ud800 [link=https://e.test]z[/link] " + "W" * 5000
)
EVIL_ID = "e1[/red][@click=app.quit]\x1b]0;EVILTITLE\x07\x1b[2J"
ACTS = re.compile(
    rb"\x1b\]52|EVILTITLE\x07|\x1b\]0;EVIL|\x1b\[2J.{0,40}31m|\x1bP|\xc2[\x80-\x9f]|\xe2\x80\xae|\xe2\x81\xa6"
)


def evil_trace(path: Path) -> None:
    """A trace whose every field is hostile."""
    raw = EVIL.encode("utf-8", "surrogatepass")
    headers = ((raw, raw), (b"content-type", b"application/json" + raw), (b"set-cookie", raw), (b"cookie", raw))
    with Trace() as trace:
        trace.exchange(
            Exchange(
                id=EVIL_ID, source=EVIL, protocol=EVIL, client=EVIL, server=EVIL, aborted=EVIL, comment=EVIL,
                extra={EVIL: EVIL}, timing=Timing(start_ns=1, request_end_ns=2, response_start_ns=3, end_ns=4),
                request=Request(method=EVIL, target=EVIL, url=f"https://a.test/{EVIL}", headers=headers, version=EVIL),
                response=Response(status=403, reason=EVIL, headers=headers, body=Body(size=len(raw), data=raw)),
                events=(Event(kind=EVIL, client=True, data=raw, size=len(raw)),),
            )
        )  # fmt: skip
        trace.verdict(
            Verdict(
                source=EVIL, exchange=EVIL_ID, method=EVIL, url=EVIL, status=403, layer=Layer.WAF, product=EVIL,
                cause_detail=EVIL, hop=Hop(name=EVIL, address=EVIL), headline=EVIL, next_steps=(EVIL,), story=EVIL,
                path=(PathEntry(layer=Layer.WAF, product=EVIL, address=EVIL, said=Said.GENERATED),),
                evidence=(Evidence(id=EVIL, says=EVIL, supports="generated:waf", weight=2.0, reference=EVIL,
                                   seen=Seen(exchange=EVIL_ID, where=EVIL, value=EVIL)),),
            )
        )  # fmt: skip
        trace.mark(EVIL_ID, "●", EVIL.encode("utf-8", "replace").decode())
        trace.save(path)


_LOGIN = (  # the child's terminal, and what is piped into it
    "import os, sys; os.login_tty(int(sys.argv[1])); sys.argv[2] and os.dup2(os.open(sys.argv[2], os.O_RDONLY), 0); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class Terminal:
    """`tracer open` in a pseudo-terminal; everything it writes is kept."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (120, 40), piped: str | None = None) -> None:
        self.written = b""
        self.file, inside = os.openpty()
        self.resize(*size)
        # who runs tests side by side may have fixed a size for them, which would stand before the terminal's own
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = [sys.executable, "-c", _LOGIN, str(inside), piped or "", sys.executable, "-m", "tracer.cli", "open"]
        self.process = subprocess.Popen([*command, *arguments], pass_fds=[inside], env=environment)
        os.close(inside)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bytes:
        """What comes until nothing comes for so long."""
        before = len(self.written)
        while select.select([self.file], [], [], seconds)[0]:
            try:
                piece = os.read(self.file, 1 << 16)
            except OSError:
                break
            self.written += piece
            if not piece:
                break
        return self.written[before:]

    def until(self, mark: bytes, seconds: float = 60, since: int = 0) -> None:
        """Wait until it stands in what was written, the first `since` bytes left out."""
        end = time.monotonic() + seconds
        while mark not in self.written[since:]:
            assert time.monotonic() < end, self.written[-2000:]
            self.read(0.1)

    def press(self, keys: str) -> None:
        os.write(self.file, keys.encode())
        self.read(0.25)

    def quit(self) -> int:
        """Leave; the exit code."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for key in (b"\x1b", b"q", b""):  # apart: together they are another key
                os.write(self.file, key)
                self.read(0.15)
                time.sleep(0.15)
            if (code := self.process.poll()) is not None:
                return code
        raise AssertionError("it does not quit")


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.file)


def test_nothing_in_a_hostile_trace_acts_in_any_pane(tmp_path: Path, terminals: list[Terminal]) -> None:
    path = tmp_path / "evil.trace"
    evil_trace(path)
    terminals.append(terminal := Terminal(str(path)))
    terminal.until(b"Verdict")
    terminal.read(0.5)
    for keys in (
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "r",
        "\r",
        "\t\r",
        "\x1b",
        "b",
        "\x1b[C",
        "\x1b[C",
        "\x1b",
        "?",
        "\x1b",
        "p",
        "\x1b",
        "B",
        "\x1b",
        "\x10",
        "\x1b",
    ):
        terminal.press(keys)
    assert terminal.quit() == 0
    assert ACTS.search(terminal.written) is None
    assert b"\\e]52" in terminal.written  # it was shown, as an escape


def test_a_storm_of_sizes_is_lived_through(terminals: list[Terminal]) -> None:
    terminals.append(terminal := Terminal(capture("nginx-deny")))
    terminal.until(b"by nginx")
    for columns, rows in ((20, 5), (300, 90), (1, 1), (80, 24), (40, 200), (200, 10), (5, 60), (120, 40)) * 3:
        terminal.resize(columns, rows)
        os.write(terminal.file, b"jn")
        terminal.read(0.02)
    terminal.read(0.5)
    written = len(terminal.written)
    terminal.resize(90, 30)  # narrower: everything has to be painted anew
    terminal.until(b"static.example.test", since=written)
    assert terminal.quit() == 0


def test_a_source_that_vanishes_or_is_cut_leaves_what_was_read(tmp_path: Path, terminals: list[Terminal]) -> None:
    path = tmp_path / "x.trace"
    from tracer.pipeline import read

    read([capture("nginx-deny")]).trace.save(path)
    terminals.append(terminal := Terminal(str(path)))
    terminal.until(b"by nginx")
    with open(path, "r+b") as file:
        file.truncate(8192)
    path.unlink()
    for key in "gjk2378nN":
        terminal.press(key)
    assert terminal.quit() in (0, 4)


def test_what_is_piped_in_is_read_and_the_keys_come_from_the_terminal(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    terminals.append(terminal := Terminal("-", piped=str(pipe)))
    with open(pipe, "wb") as writer:
        writer.write(Path(capture("nginx-deny")).read_bytes())
    terminal.until(b"by nginx")
    assert terminal.quit() == 0


def test_keys_come_from_the_terminal_whatever_stands_in_its_place(terminals: list[Terminal]) -> None:
    terminals.append(terminal := Terminal(capture("nginx-deny"), piped=os.devnull))  # as xargs runs it
    terminal.until(b"by nginx")
    assert terminal.quit() == 0


def test_without_a_terminal_it_says_what_to_do_instead() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tracer.cli", "open", capture("nginx-deny")],
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert b"needs a terminal" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_without_a_source_it_says_what_to_do(
    tmp_path: Path, terminals: list[Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.har").write_bytes(b"{}")
    monkeypatch.chdir(tmp_path)
    terminals.append(terminal := Terminal())
    terminal.until(b"here.har")
    terminal.until(b"Give it what you have")
    terminal.until(b"tour")
    terminal.press("t")
    terminal.until(b"1/7")
    assert terminal.quit() == 0
