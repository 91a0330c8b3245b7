"""`tracer bisect` as a person runs it: what it sends, what it refuses to send, when it stops."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.replay.conftest import Site

Run = Callable[..., subprocess.CompletedProcess[bytes]]
SECRET = "Bearer abcdefgh-12345678"


class Server(http.server.ThreadingHTTPServer):
    """A server whose answers a test decides, and which remembers what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str, dict[str, str]]] = []
        self.decide: Callable[[str, dict[str, str]], tuple[int, dict[str, str]]] = lambda path, fields: (200, {})


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        fields = dict(self.headers.items())
        self.rfile.read(int(fields.get("Content-Length", 0)))
        self.server.got.append((self.command, self.path, fields))
        status, more = self.server.decide(self.path, fields)
        self.send_response(status)
        for name, value in {**more, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def source(tmp_path: Path, server: Server) -> str:
    return _write(tmp_path, server, "GET")


def _write(folder: Path, server: Server, method: str) -> str:
    (folder / "a.http").write_text(
        f"{method} /list?page=2&q=%27evil HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
        f"Authorization: {SECRET}\r\nUser-Agent: t\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    )
    return "a.http"


def _evil(path: str, fields: dict[str, str]) -> tuple[int, dict[str, str]]:
    return (403 if "evil" in path else 200), {}


def test_the_parameter_is_named_in_one_sentence(run: Run, source: str, server: Server) -> None:
    server.decide = _evil
    done = run("bisect", source, "e1", "--yes", "--pace", "0")
    assert done.returncode == 0
    words = " ".join(done.stdout.decode().split())
    assert "Without `q='evil` it passes (200 OK): a WAF rule on parameter q." in words
    assert "cause waf-rule (parameter-q)" in words
    assert words.count("curl --verbose") == 2
    assert SECRET not in words
    assert b"evil" not in done.stdout.split(b"# passes")[1]


def test_the_part_that_is_enough_is_named_when_asked(run: Run, tmp_path: Path, server: Server) -> None:
    _write(tmp_path, server, "GET")
    text = (tmp_path / "a.http").read_text().replace("q=%27evil", "q=some+words+%27evil%27+and+more+words")
    (tmp_path / "a.http").write_text(text)
    server.decide = _evil
    done = run("bisect", "a.http", "e1", "--yes", "--pace", "0", "--narrow", "--json")
    value = json.loads(done.stdout)
    assert value["enough"] == "evil"
    assert "`evil` alone is denied" in value["sentence"]
    assert value["requests"] <= 40


def test_json_says_the_same(run: Run, source: str, server: Server) -> None:
    server.decide = _evil
    done = run("bisect", source, "e1", "--yes", "--pace", "0", "--json", "--quiet")
    value = json.loads(done.stdout)
    assert done.stderr == b""
    assert {
        k: value[k] for k in ("exchange", "conclusion", "element", "cause", "direction", "confirmed", "minimal")
    } == {
        "exchange": "e1",
        "conclusion": "found",
        "element": "query q",
        "cause": "waf-rule",
        "direction": "without",
        "confirmed": True,
        "minimal": True,
    }
    assert value["requests"] == len(value["tried"]) == len(server.got)


def test_without_a_terminal_nothing_is_sent_unasked(run: Run, source: str, server: Server) -> None:
    done = run("bisect", source, "e1")
    assert done.returncode == 2
    assert f"http://127.0.0.1:{server.server_port}".encode() in done.stderr
    assert server.got == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_methods_that_change_things_are_not_repeated_unasked(
    run: Run, tmp_path: Path, server: Server, method: str
) -> None:
    done = run("bisect", _write(tmp_path, server, method), "e1", "--yes")
    assert done.returncode == 2
    assert b"--unsafe-methods" in done.stderr
    assert server.got == []


def test_the_budget_holds(run: Run, source: str, server: Server) -> None:
    server.decide = lambda path, fields: (403, {})
    done = run("bisect", source, "e1", "--yes", "--pace", "0", "--budget", "7")
    assert done.returncode == 4
    assert len(server.got) <= 7


def test_nothing_found_is_code_1(run: Run, source: str, server: Server) -> None:
    server.decide = lambda path, fields: (403, {})
    assert run("bisect", source, "e1", "--yes", "--pace", "0").returncode == 1
    assert len(server.got) <= 40


def test_it_stops_when_the_server_begins_to_limit(run: Run, source: str, server: Server) -> None:
    server.decide = lambda path, fields: (429, {"Retry-After": "60"}) if len(server.got) > 3 else (403, {})
    done = run("bisect", source, "e1", "--yes", "--pace", "0")
    assert done.returncode == 4
    assert len(server.got) == 4
    assert b"limit" in done.stdout


def test_a_denial_that_is_gone_is_said(run: Run, source: str, server: Server) -> None:
    done = run("bisect", source, "e1", "--yes", "--pace", "0")
    assert done.returncode == 0
    assert b"passes now" in done.stdout
    assert len(server.got) == 2


def test_another_host_gets_no_credentials(run: Run, source: str, server: Server) -> None:
    server.decide = _evil
    to = f"localhost:{server.server_port}"
    assert run("bisect", source, "e1", "--yes", "--pace", "0", "--to", to).returncode == 0
    assert server.got
    assert not any("Authorization" in fields for _, _, fields in server.got)


def test_other_names_of_the_server_get_no_credentials(run: Run, tmp_path: Path, server: Server) -> None:
    """A Host that is tried is another host."""
    port = server.server_port
    ask = "GET / HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\nHTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n"
    (tmp_path / "a.http").write_text(ask.format(f"127.0.0.1:{port}", SECRET, 403))
    server.decide = lambda path, fields: (403 if ":" in fields["Host"] else 200, {})
    run("bisect", "a.http", "e1", "--yes", "--pace", "0")
    assert all(
        "Authorization" not in fields
        for _, _, fields in server.got
        if fields["Host"] not in (f"127.0.0.1:{port}", "127.0.0.1")
    )


def test_a_new_token_is_told_from_a_missing_one(run: Run, source: str, server: Server) -> None:
    server.decide = lambda path, fields: (200 if fields.get("Authorization") == "Bearer new" else 401, {})
    done = run("bisect", source, "e1", "--yes", "--pace", "0", "--json", "--try-header", "Authorization: Bearer new")
    value = json.loads(done.stdout)
    assert (value["element"], value["direction"]) == ("header authorization", "with")
    assert value["cause"] in ("credentials-invalid", "credentials-expired")
    assert "Bearer new" not in done.stdout.decode()


def test_a_certificate_is_what_is_missing(run: Run, tmp_path: Path, site: Site) -> None:
    (tmp_path / "a.http").write_text(
        f"GET https://site.example.test:{site.mtls}/ HTTP/1.1\r\nHost: site.example.test:{site.mtls}\r\n\r\n"
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\nNo required SSL certificate was sent"
    )
    where = ("--to", f"127.0.0.1:{site.mtls}", "--cacert", str(site.pki / "ca.pem"))
    shown = ("--cert", str(site.pki / "client.pem"), "--key", str(site.pki / "client.key"))
    done = run("bisect", "a.http", "e1", "--yes", "--pace", "0", "--json", *where, *shown)
    assert json.loads(done.stdout)["element"] == "certificate"
    done = run("bisect", "a.http", "e1", "--yes", "--pace", "0", "--json", *where)
    assert done.returncode == 1
    assert "--cert" in json.loads(done.stdout)["sentence"]
