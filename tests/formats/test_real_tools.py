"""What curl and wget print today, run for real against a server that redirects twice and then denies."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tracer.model.http import Exchange
from tracer.pipeline import read

WAY = {"/start": (302, "/login", b""), "/login": (301, "/denied", b"moved"), "/denied": (403, "", b"403 Forbidden\n")}


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nginx/1.24.0", ""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, goes, body = WAY[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if goes:
            self.send_header("Location", goes)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


COMMANDS = [
    "curl -vL {}/start",
    "curl -siL {}/start",
    "curl -v --no-progress-meter -L {}/start -o /dev/null",
    "curl -sL --trace - {}/start -o /dev/null",
    "curl -sL --trace-ascii - --trace-time {}/start -o /dev/null",
    "curl -v --trace-time -L {}/start",
    "curl -v {0}/start {0}/login {0}/denied",
    "curl -sSv -d user=a {0}/start -L",
    "wget -S -O /dev/null {}/start",
    "wget -d -O - --content-on-error {}/start",
]


def printed(command: str, url: str) -> bytes:
    words = command.format(url).split()
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.stdout


def exchanges(text: bytes, folder: Path) -> list[Exchange]:
    (folder / "pasted.txt").write_bytes(text)
    return list(read([str(folder / "pasted.txt")]).trace.exchanges())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_exchange_of_a_run_is_found(command: str, url: str, tmp_path: Path) -> None:
    text = printed(command, url)
    found = exchanges(text, tmp_path)
    assert [e.response.status for e in found if e.response] == [302, 301, 403]
    assert found[-1].response is not None
    assert found[-1].response.get("server") == "nginx/1.24.0"
    if " -siL" not in command:  # which shows no request
        assert [e.request.url for e in found if e.request] == [f"{url}{path}" for path in WAY]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b"\n", b"\r\n"),
        lambda t: b"".join(b"> " + line for line in t.splitlines(True)),
        lambda t: b"\x1b[1;32muser@host\x1b[0m:~$ curl -vL http://h/start\n" + t + b"user@host:~$ ",
        lambda t: b"    " + t.replace(b"\n", b"\n    "),
        gzip.compress,
        lambda t: b"\xef\xbb\xbf" + t,
        lambda t: t.decode().encode("utf-16"),
    ],
    ids=["Windows line ends", "quoted in a mail", "prompts and colours", "indented", "gzip", "UTF-8 mark", "UTF-16"],
)
def test_whatever_a_paste_went_through(change: object, url: str, tmp_path: Path) -> None:
    assert callable(change)
    found = exchanges(change(printed("curl -vL {}/start", url)), tmp_path)
    assert [e.response.status for e in found if e.response] == [302, 301, 403]


@pytest.mark.parametrize("option", ["-v", "--trace-ascii -", "--trace -"])
def test_ids_of_transfer_and_connection_change_nothing(option: str, url: str, tmp_path: Path) -> None:
    """As `--trace-ids` and `-vv` of curl 8 write them, behind the time."""
    plain = printed(f"curl -sL --trace-time {option} {{}}/start", url)
    text = re.sub(rb"(?m)^(\d\d:\d\d:\d\d\.\d+ )", rb"\1[0-x] ", plain, count=2)
    text = re.sub(rb"(?m)^(\d\d:\d\d:\d\d\.\d+ )(?!\[)", rb"\1[0-0] ", text)
    assert text.count(b"[0-0] ") > 10
    assert told(exchanges(text, tmp_path)) == told(exchanges(plain, tmp_path))


def told(found: list[Exchange]) -> list[tuple[object, object, object]]:
    return [(e.request and e.request.url, e.response and e.response.status, e.server) for e in found]


def test_heads_that_are_printed_twice_are_one(url: str, tmp_path: Path) -> None:
    found = exchanges(printed("curl -sviL {}/start", url), tmp_path)
    assert [e.response.status for e in found if e.response] == [302, 301, 403]
    assert found[-1].response is not None
    assert found[-1].response.body.data == WAY["/denied"][2]


def test_two_runs_with_their_prompts_are_told_apart(url: str, tmp_path: Path) -> None:
    one, two = printed("curl -sv {}/denied", url), printed("curl -siL {}/start", url)
    text = (
        b"me@host:~$ curl -sv http://h/denied\n" + one + b"me@host:~$ curl -siL http://h/start\n" + two + b"me@host:~$ "
    )
    found = exchanges(text, tmp_path)
    assert [e.response.status for e in found if e.response] == [403, 302, 301, 403]


def test_a_paste_that_begins_and_ends_in_the_middle_gives_what_is_there(url: str, tmp_path: Path) -> None:
    lines = printed("curl -svL {}/start", url).splitlines(True)
    assert lines
    for begin in range(0, len(lines), 3):
        for end in range(begin + 3, len(lines), 5):
            part = lines[begin:end]
            heads = sum(line.startswith(b"< HTTP/") for line in part)
            found = [e for e in exchanges(b"".join(part), tmp_path) if e.response is not None]
            assert len(found) == heads, b"".join(part)
