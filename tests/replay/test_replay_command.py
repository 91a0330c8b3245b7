"""`tracer replay` as a person runs it, against a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.replay.conftest import Site

Run = Callable[..., subprocess.CompletedProcess[bytes]]
TOKEN = "Bearer good-token-0001"


@pytest.fixture
def source(tmp_path: Path, site: Site) -> str:
    """A recorded request to the members' area, with credentials, that was denied."""
    host = f"127.0.0.1:{site.http}"
    (tmp_path / "a.http").write_text(
        f"GET /members?q=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {TOKEN}\r\nCookie: sid=abcdefgh; theme=dark\r\n"
        "User-Agent: t\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    )
    return "a.http"


def _json(done: subprocess.CompletedProcess[bytes]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    value: dict[str, object] = json.loads(done.stdout)
    return value


def test_no_answer_is_not_told_as_one_that_is_no_denial(run: Run, source: str) -> None:
    done = run("replay", source, "e1", "--to", "127.0.0.1:1", "--yes")
    assert done.returncode == 4
    assert b"no connection to 127.0.0.1:1" in done.stdout
    assert b"no denial" not in done.stdout


def test_the_same_host_gets_the_recorded_credentials(run: Run, source: str) -> None:
    value = _json(run("replay", source, "e1", "--json"))
    assert value["answer"]["status"] == 200  # type: ignore[index]
    assert value["same"] is False
    assert {"what": "status", "before": "401 Unauthorized", "after": "200 OK", "expected": False} in value[
        "differences"
    ]  # type: ignore[operator]
    assert b"good-token" not in json.dumps(value).encode()


@pytest.mark.parametrize("more", [["--to", "localhost:{port}"], ["--header", "Host: elsewhere.test"]])
def test_another_host_does_not(run: Run, source: str, site: Site, more: list[str]) -> None:
    arguments = [word.format(port=site.http) for word in more]
    value = _json(run("replay", source, "e1", "--json", *arguments))
    assert value["answer"]["status"] == 401  # type: ignore[index]
    assert value["request"]["kept_back"] == ["Authorization", "cookie sid", "cookie theme"]  # type: ignore[index]
    told = _json(run("replay", source, "e1", "--json", "--send-credentials", *arguments))
    assert told["answer"]["status"] == 200  # type: ignore[index]


def test_what_the_user_gives_is_sent_wherever_it_goes(run: Run, source: str, site: Site) -> None:
    done = run(
        "replay", source, "e1", "--json", "--to", f"localhost:{site.http}", "--header", f"Authorization: {TOKEN}"
    )
    assert _json(done)["answer"]["status"] == 200  # type: ignore[index]


def test_changes_are_made(run: Run, source: str, site: Site) -> None:
    run("replay", source, "e1", "--target", "/x?y=2", "--drop-header", "User-Agent", "--method", "OPTIONS")
    assert '"OPTIONS /x?y=2 HTTP/1.1" 200' in site.log[-1]
    assert site.log[-1].endswith('"-"')


def test_a_method_that_changes_things_is_asked_about(run: Run, source: str, site: Site) -> None:
    before = len(site.log)
    done = run("replay", source, "e1", "--method", "DELETE")
    assert done.returncode == 2
    assert f"http://127.0.0.1:{site.http}".encode() in done.stderr
    assert len(site.log) == before
    assert run("replay", source, "e1", "--method", "DELETE", "--yes").returncode == 0
    assert "DELETE /members" in site.log[-1]


def test_the_new_exchange_can_be_saved_and_opened(run: Run, source: str, tmp_path: Path) -> None:
    assert run("replay", source, "e1", "--save", "new.trace", "--drop-header", "Authorization").returncode == 0
    assert (tmp_path / "new.trace").stat().st_mode & 0o777 == 0o600
    done = run("explain", "new.trace", "--json")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert (verdict["status"], verdict["cause"]) == (401, "credentials-missing")


def test_fail_on_looks_at_the_new_answer(run: Run, source: str) -> None:
    assert run("replay", source, "e1", "--fail-on", "401").returncode == 0
    assert run("replay", source, "e1", "--fail-on", "401", "--drop-header", "Authorization").returncode == 1


def test_a_server_that_is_gone_is_code_4(run: Run, source: str) -> None:
    done = run("replay", source, "e1", "--to", "127.0.0.1:9")
    assert done.returncode == 4
    assert b"no connection to 127.0.0.1:9" in done.stdout


def test_a_redacted_source_is_not_sent(run: Run, tmp_path: Path, site: Site, source: str) -> None:
    assert run("export", source, "-o", "a.har").returncode == 0
    before = len(site.log)
    done = run("replay", "a.har", "e1")
    assert done.returncode == 2
    assert b"redacted" in done.stderr
    assert len(site.log) == before
    given = ("--header", f"Authorization: {TOKEN}", "--drop-header", "Cookie")
    assert run("replay", "a.har", "e1", *given, "--fail-on", "401").returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ["--header", "no colon"],
        ["--drop-header", "X-None"],
        ["--cookie", "a b=c"],
        ["--to", "x:y"],
        ["--resolve", "nonsense"],
        ["--cert", "none.pem"],
        ["--http2"],
        ["--target", "a b"],
        ["--body", "@none"],
    ],
)
def test_mistakes_are_usage(run: Run, source: str, wrong: list[str]) -> None:
    done = run("replay", source, "e1", *wrong)
    assert done.returncode == 2
    assert done.stderr.startswith(b"tracer: ")
