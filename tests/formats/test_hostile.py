"""What comes from the wire acts on nothing: not the terminal, not Markdown, not the shell, not the file system."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from markdown_it import MarkdownIt

from tests.formats.conftest import poisoned
from tests.payloads import PAYLOADS
from tracer.cli import main
from tracer.formats import curl_export, markdown
from tracer.store.trace import Trace

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ACTING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""everything but tabs, and CR LF, which the terminal driver makes of a line feed"""


@pytest.fixture
def hostile(denied_trace: Any, tmp_path: Path) -> str:
    """A saved trace with every payload in every field."""
    path = tmp_path / "hostile.trace"
    with Trace() as trace:
        for number, payload in enumerate(PAYLOADS):
            for name in ("exchanged", "shaken", "judged", "told"):
                for value in getattr(denied_trace, name):
                    trace_value(trace, poisoned(value, payload), number)
        trace.save(path)
    return str(path)


def trace_value(trace: Trace, value: Any, number: int) -> None:
    ids = {n: f"{getattr(value, n)}n{number}" for n in ("id", "exchange", "tls") if getattr(value, n, None)}
    getattr(trace, type(value).__name__.lower())(msgspec.structs.replace(value, **ids))


def in_a_terminal(folder: Path, *arguments: str, **env: str) -> str:
    """What a real terminal would be sent."""
    main, other = pty.openpty()
    words = [sys.executable, "-m", "tracer.cli", *arguments]
    environment = os.environ | {"TERM": "xterm-256color", "XDG_CONFIG_HOME": str(folder), "LANG": "C.UTF-8"} | env
    with subprocess.Popen(words, stdin=other, stdout=other, stderr=other, env=environment, cwd=folder) as process:
        os.close(other)
        data = bytearray()
        while True:
            try:
                block = os.read(main, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            data += block
    os.close(main)
    assert process.returncode in (0, 2, 3, 4)
    return data.decode("utf-8", "strict")


EXPORTS = [("export", "-o", "-", "--format", name) for name in ("json", "md", "curl", "har", "html", "otlp")]
COMMANDS = [("explain",), ("explain", "--json"), ("list",), ("list", "--format", "tsv"), ("list", "--format", "json"),
            ("show", "--filter", "~all"), ("show", "--filter", "~all", "--json"), *EXPORTS]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_control_character_reaches_a_terminal(hostile: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    name, *options = command
    shown = in_a_terminal(tmp_path, name, hostile, "-v", *options)
    assert len(shown) > 2000
    assert not _ACTING.findall(_COLOUR.sub("", shown))
    assert "window.pwned" in shown  # it is there, as text


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if "\0" not in p][-8:])
def test_names_and_arguments_are_shown_as_text_too(tmp_path: Path, payload: str) -> None:
    for words in (("explain", payload), ("list", payload, "--filter", payload), ("show", payload, "e1"), (payload,)):
        assert not _ACTING.findall(_COLOUR.sub("", in_a_terminal(tmp_path, *words)))


def test_markdown_renders_to_nothing_that_runs_or_leads_away(denied_trace: Any, write_with: Any) -> None:
    for payload in PAYLOADS:
        for name in ("exchanged", "shaken", "judged", "told"):
            values = [poisoned(value, payload) for value in getattr(denied_trace, name)]
            setattr(denied_trace, name, values)
        page = (
            MarkdownIt("commonmark", {"html": True}).enable("table").render(write_with(markdown, denied_trace).decode())
        )
        tags = set(re.findall(r"<(\w+)", page))
        assert tags <= {
            "h1",
            "h2",
            "ul",
            "ol",
            "li",
            "p",
            "strong",
            "code",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }, payload


def test_a_shell_runs_nothing_but_curl(denied_trace: Any, write_with: Any, tmp_path: Path) -> None:
    """Every command goes through a real shell in which only curl exists, and every argument arrives as it was meant."""
    tricks = ("$(touch pwned)", "`touch pwned`", "';touch pwned;'", '"; touch pwned; "', "\\\n touch pwned", "#", "!x",
              "-o/tmp/x", "--config x", "@/etc/passwd", "{a,b}", "*", "~root", "%0a")  # fmt: skip
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\0" "$@" >>args\nprintf "\\0" >>args\n')
    (tmp_path / "curl").chmod(0o755)
    for payload in (*PAYLOADS, *tricks):
        for name in ("exchanged", "shaken", "judged", "told"):
            values = [poisoned(value, payload) for value in getattr(denied_trace, name)]
            setattr(denied_trace, name, values)
        (tmp_path / "s.sh").write_bytes(write_with(curl_export, denied_trace))
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = subprocess.run(["/bin/sh", "s.sh"], cwd=tmp_path, env=env, capture_output=True, timeout=20)
        assert done.stderr == b"", payload
        assert sorted(p.name for p in tmp_path.iterdir() if p.name != "args") == ["curl", "s.sh"], payload


def test_names_from_data_never_become_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in every name that a source can choose; nothing is written but the file that was asked for."""
    evil = ["../../evil", "/tmp/evil-tracer", "..\\evil", "C:\\evil", "file:///tmp/evil", "a/b/c", "con", "\x00evil"]
    entries = [
        {
            "request": {"method": name, "url": f"http://{name}/{name}", "headers": [{"name": "Host", "value": name}]},
            "response": {
                "status": 403,
                "headers": [{"name": "Content-Disposition", "value": f'attachment; filename="{name}"'}],
                "content": {"text": "x" * 3000, "_file": name},
            },
            "serverIPAddress": name,
            "connection": name,
            "pageref": name,
        }
        for name in evil
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "in.har").write_text(json.dumps({"log": {"creator": {"name": "../evil"}, "entries": entries}}))
    before = sorted(p for p in tmp_path.rglob("*"))
    for form in ("trace", "json", "jsonl", "har", "html", "md", "curl", "mitm", "pcapng", "otlp", "parquet"):
        assert main(["export", "in.har", "-q", "-o", f"out.{form}", "--format", form]) in (0, 4)
        (tmp_path / f"out.{form}").unlink()
    assert sorted(p for p in tmp_path.rglob("*")) == before
    assert not Path("/tmp/evil-tracer").exists()
