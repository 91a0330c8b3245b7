"""What is typed beside a running proxy, on a real terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import os, sys, time
from tracer.cli import typed
until = time.monotonic() + 20
found = []
while len(found) < 3 and time.monotonic() < until:
    found += typed.hosts()
    time.sleep(0.02)
print(found)
"""


def test_hosts_are_taken_from_the_terminal_and_nothing_else_is() -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=lambda: _take(theirs),
    )
    os.close(theirs)
    os.write(ours, b"pass *.bank.test\npass bad;host\npass api.test\n")
    out, _ = child.communicate(timeout=40)
    os.close(ours)
    assert out == "['*.bank.test', '', 'api.test']\n"


def _take(terminal: int) -> None:
    """Make it the controlling terminal, so that we are in its foreground."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_without_a_terminal_nothing_is_read() -> None:
    code = "from tracer.cli import typed; print(typed.listens(), list(typed.hosts()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="pass a.test\n",
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "False []\n"
