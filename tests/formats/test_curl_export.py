"""Commands that ask again: run by a real shell and a real curl against a server on the loopback interface."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracer.formats import curl_export

CANARY = "tracer-canary-file"


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, list[tuple[str, str]], bytes]] = []  # noqa: RUF012 - one server, one list

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, list(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PROPFIND = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made.server_port
    made.shutdown()
    made.server_close()


def repeat(script: bytes, folder: Path) -> list[tuple[str, str, list[tuple[str, str]], bytes]]:
    Recorder.asked = []
    (folder / "again.sh").write_bytes(script)
    done = subprocess.run(["sh", "again.sh"], cwd=folder, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert not (folder / CANARY).exists()
    return Recorder.asked


@pytest.mark.parametrize(
    ("method", "target", "sent"),
    [
        ("GET", "/a/../b?x=[1-3]&y={a,b}&z='$(touch ".replace(" ", "%20") + CANARY + ")'", b""),
        ("POST", "/login", b"user=a&p='`touch tracer-canary-file`\n\nlast line"),
        ("POST", "/at", b"@/etc/passwd"),
        ("PUT", "/bin", bytes(range(256))),
        ("PROPFIND", "/dav", b""),
        ("HEAD", "/h", b""),
    ],
)
def test_the_command_sends_the_same_request(
    server: int,
    make_exchange: Any,
    trace_of: Any,
    write_with: Any,
    tmp_path: Path,
    method: str,
    target: str,
    sent: bytes,
) -> None:
    asked: tuple[tuple[bytes, bytes], ...] = (
        (b"Host", b"shop.example:%d" % server),
        (b"X-Odd", b'it\'s "$HOME" `id` \\ !'),
        (b"X-Empty", b""),
        (b"X-\xc3\xa4", b"no token"),
    )
    if sent:
        asked += ((b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(sent)))
    exchange = make_exchange(
        method=method, url=f"http://shop.example:{server}{target}", asked=asked, sent=sent, server=f"127.0.0.1:{server}"
    )
    script = write_with(curl_export, trace_of([exchange]))
    assert b"# left out: X-" in script
    ((got_method, got_target, got_fields, got_body),) = repeat(script, tmp_path)
    assert (got_method, got_target, got_body) == (method, target, sent)
    wanted = [(n.decode(), v.decode()) for n, v in asked if n.isascii()]
    assert sorted(got_fields) == sorted(wanted)


HOSTILE = [
    f"'; touch {CANARY}; '",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"\n touch {CANARY}\n",
    f"-o {CANARY}",
    f"--output={CANARY}",
    f"@{CANARY}",
    f"a\r\ntouch {CANARY}",
    f"|touch {CANARY}",
    f"\\\n touch {CANARY}",
]


@pytest.mark.parametrize("payload", HOSTILE)
def test_nothing_from_the_wire_is_run_or_names_a_file(
    server: int, make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path, payload: str
) -> None:
    raw = payload.encode()
    asked = ((raw, b"v"), (b"X-A", raw), (b"User-Agent", raw))
    said = {"comment": payload, "aborted": payload, "server": f"127.0.0.1:{server}"}
    fine = make_exchange(url=f"http://shop.example:{server}/x", sent=raw, method="POST", asked=asked, **said)
    inside = f"http://shop.example:{server}/{payload}"
    places = [
        ("url", payload),
        ("url", f"http://h{payload}/"),
        ("url", inside),
        ("method", payload),
        ("target", payload),
    ]
    bent = [
        msgspec.structs.replace(fine, request=msgspec.structs.replace(fine.request, **{name: value}))
        for name, value in places
    ]
    moved = msgspec.structs.replace(fine, server=payload, tunnel=payload, id=payload, source=payload)
    script = write_with(curl_export, trace_of([fine, *bent, moved]))
    # every host leads to the loopback server or nowhere
    (tmp_path / "again.sh").write_bytes(script)
    proxy = f"http://127.0.0.1:{server}"
    surroundings = {"PATH": "/usr/bin:/bin", "http_proxy": proxy, "https_proxy": proxy}
    command = ["sh", "again.sh"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30, check=False, env=surroundings)
    assert b"not found" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["again.sh"]


def test_where_and_how_are_part_of_the_command(denied_trace: Any, write_with: Any) -> None:
    script = write_with(curl_export, denied_trace).decode()
    assert "--resolve shop.example:443:203.0.113.9" in script
    assert "--cert client.pem --key client.key" in script
    assert "--http1.1" in script
    assert "--data-binary 'user=a&p=%2A'" in script


def test_a_tunnel_is_asked_for_through_its_proxy(make_exchange: Any, trace_of: Any, write_with: Any) -> None:
    connect = make_exchange("e1", status=403, method="CONNECT", server="10.1.1.1:3128")
    request = msgspec.structs.replace(connect.request, url="shop.example:443", target="shop.example:443")
    script = write_with(curl_export, trace_of([msgspec.structs.replace(connect, request=request)])).decode()
    assert "--proxytunnel" in script
    assert "--proxy http://10.1.1.1:3128" in script
    assert "--url https://shop.example:443/" in script
    assert "--request" not in script


def test_an_exchange_without_a_request_is_a_comment(make_exchange: Any, trace_of: Any, write_with: Any) -> None:
    script = write_with(curl_export, trace_of([msgspec.structs.replace(make_exchange(), request=None)]))
    assert all(line.startswith(b"#") or not line for line in script.splitlines())
