"""The command line as scripts rely on it: exit codes, where output goes, what JSON holds."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracer.cli.table import COMMANDS

from .conftest import ROOT, Run

CAPTURE = str(ROOT / "pcaps" / "nginx-deny" / "capture.pcapng")


def test_nothing_denied_is_0(run: Run, allowed: str) -> None:
    done = run("explain", allowed)
    assert done.returncode == 0
    assert b"No denial in 1 exchange" in done.stdout


def test_a_denial_without_fail_on_is_0(run: Run, denied: str) -> None:
    assert run("explain", denied).returncode == 0


def test_fail_on_a_status_that_was_denied_is_1(run: Run, denied: str) -> None:
    assert run("explain", denied, "--fail-on", "401,403").returncode == 1
    assert run("explain", denied, "--fail-on", "401").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [("explain",), ("explane", "x"), ("explain", "--nope", "x"), ("explain", "x", "--status", "abc"),
     ("list", "x", "--filter", "~c abc"), ("export", "x"), ("export", "x", "-o", "y.unknown"), ("show", "x")],
)  # fmt: skip
def test_a_usage_error_is_2_with_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"tracer: " in done.stderr


def test_a_source_that_is_not_there_is_3_with_one_sentence(run: Run) -> None:
    done = run("explain", "missing.pcap")
    assert done.returncode == 3
    assert done.stderr.decode() == "tracer: missing.pcap: it cannot be read: No such file or directory\n"


@pytest.mark.parametrize("content", [b"", b"just some words\n", bytes(range(256)) * 10])
def test_a_source_that_is_nothing_we_know_is_3(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    done = run("explain", "odd")
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1


def test_a_log_alone_is_said_to_be_not_enough(run: Run, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(
        '10.0.0.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 403 153 "-" "curl/8"\n' * 3
    )
    done = run("explain", "access.log")
    assert done.returncode == 0
    assert b"A server's log alone shows no exchange" in done.stdout


def test_one_unreadable_source_beside_a_readable_one_is_4(run: Run, denied: str) -> None:
    done = run("explain", denied, "missing.pcap")
    assert done.returncode == 4
    assert b"403" in done.stdout
    assert b"missing.pcap" in done.stderr


def test_a_cut_capture_is_4_and_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cut.pcapng").write_bytes(Path(CAPTURE).read_bytes()[:-7])
    done = run("explain", "cut.pcapng", "--json")
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert found["sources"][0]["partial"] is True
    assert any(p["severity"] == "warn" for p in found["problems"])


def test_fail_on_wins_over_partial(run: Run, denied: str) -> None:
    assert run("explain", denied, "missing.pcap", "--fail-on", "403").returncode == 1


def test_the_json_document_has_every_field_of_the_contract(run: Run) -> None:
    found = json.loads(run("explain", CAPTURE, "--json").stdout)
    assert found["schema"] == 1
    assert set(found) >= {"tracer", "schema", "sources", "summary", "verdicts", "chains", "stories", "problems"}
    assert set(found["sources"][0]) >= {"name", "kind", "packets", "bytes", "partial"}
    assert found["summary"] == {"connections": 4, "tls": 0, "exchanges": 4, "denials": 1}
    (verdict,) = found["verdicts"]
    assert set(verdict) >= {
        "source", "exchange", "method", "url", "status", "time", "layer", "product", "cause", "cause_detail",
        "confidence", "cause_confidence",
        "hop", "alternatives", "path", "evidence", "chain", "headline", "next_steps", "seen_at",
    }  # fmt: skip
    assert verdict["source"] == CAPTURE
    assert (verdict["status"], verdict["layer"], verdict["product"]) == (403, "origin", "nginx")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", verdict["time"])


def test_status_narrows_what_is_told(run: Run, denied: str) -> None:
    assert json.loads(run("explain", denied, "--status", "401", "--json").stdout)["verdicts"] == []


def test_the_text_names_layer_cause_and_place_without_colour_in_a_pipe(run: Run) -> None:
    words = run("explain", CAPTURE).stdout.decode()
    assert "\x1b" not in words
    for part in ("403", "nginx", "origin", "SAID 403", "because", "next", "packet"):
        assert part in words
    assert max(map(len, words.splitlines())) <= 80


def test_force_color_colours_and_no_color_does_not(run: Run) -> None:
    assert b"\x1b[" in run("explain", CAPTURE, FORCE_COLOR="1").stdout
    assert b"\x1b[" not in run("explain", CAPTURE, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_standard_input_is_a_source(run: Run) -> None:
    done = run("explain", "-", "--json", stdin=Path(CAPTURE).read_bytes())
    assert json.loads(done.stdout)["sources"][0]["name"] == "-"
    assert len(json.loads(done.stdout)["verdicts"]) == 1


def test_two_sources_are_one_trace_with_ids_told_apart(run: Run, denied: str) -> None:
    found = json.loads(run("explain", denied, denied, "--json").stdout)
    assert [s["name"] for s in found["sources"]] == ["denied.http", "denied.http#2"]
    assert sorted(v["exchange"] for v in found["verdicts"]) == ["e1", "s2.e1"]


def test_list_is_tab_separated_in_a_pipe(run: Run) -> None:
    lines = run("list", CAPTURE, "--filter", "~c 403").stdout.decode().splitlines()
    assert lines[0].split("\t")[:6] == ["id", "client", "server", "method", "host", "url"]
    assert [line.split("\t")[6] for line in lines[1:]] == ["403", "403"]


def test_list_filters_by_verdict_and_by_body(run: Run) -> None:
    assert run("list", CAPTURE, "--filter", "~layer origin").stdout.count(b"\n") == 2
    assert run("list", CAPTURE, "--filter", "~bs 'Forbidden' & ~denied").stdout.count(b"\n") == 3


def test_list_as_json_is_one_array(run: Run) -> None:
    found = json.loads(run("list", CAPTURE, "--format", "json", "--filter", "~s").stdout)
    assert len(found) == 4
    assert json.loads(run("list", CAPTURE, "--format", "json", "--filter", "~c 999").stdout) == []


def test_show_tells_everything_of_one_exchange(run: Run) -> None:
    name = json.loads(run("explain", CAPTURE, "--json").stdout)["verdicts"][0]["exchange"]
    words = run("show", CAPTURE, name).stdout.decode()
    for part in ("GET /private/report.html", "403 Forbidden", "Timing", "Connection c", "Packets", "SAID 403", "<h1>"):
        assert part in words
    assert run("show", CAPTURE, "e99999").returncode == 2
    assert json.loads(run("show", CAPTURE, name, "--json").stdout)["exchange"]["id"] == name


def test_export_json_has_the_fields_of_the_contract(run: Run, denied: str) -> None:
    found = json.loads(run("export", denied, "-o", "-", "--format", "json").stdout)
    (exchange,) = found["exchanges"]
    assert set(exchange) >= {
        "id",
        "protocol",
        "client",
        "server",
        "tls",
        "stream",
        "request",
        "response",
        "timing",
        "packets",
        "problems",
    }
    assert exchange["response"]["body_length"] == 14
    assert set(found) >= {"sources", "problems", "verdicts", "chains", "exchanges", "tls"}


def test_jsonl_holds_the_same_objects_one_a_line(run: Run) -> None:
    whole = json.loads(run("export", CAPTURE, "-o", "-", "--format", "json", "--no-redact").stdout)
    lines = [
        json.loads(x) for x in run("export", CAPTURE, "-o", "-", "--format", "jsonl", "--no-redact").stdout.splitlines()
    ]
    exchanges = [{k: v for k, v in x.items() if k != "type"} for x in lines if x["type"] == "exchange"]
    assert exchanges == whole["exchanges"]


def test_export_is_redacted_unless_asked_and_warns_then(run: Run, denied: str) -> None:
    done = run("export", denied, "-o", "-", "--format", "json")
    assert b"sup3rs3cret" not in done.stdout
    assert b"abc.def123" not in done.stdout
    assert b"redacted 2 secrets:" in done.stderr
    assert b"bearer       in header authorization" in done.stderr
    done = run("export", denied, "-o", "-", "--format", "json", "--no-redact")
    assert b"sup3rs3cret" in done.stdout
    assert b"warning" in done.stderr


def test_every_view_is_redacted(run: Run, denied: str) -> None:
    for arguments in (("explain", denied), ("explain", denied, "--json"), ("list", denied), ("show", denied, "e1")):
        assert b"sup3rs3cret" not in run(*arguments).stdout, arguments
        assert b"abc.def123" not in run(*arguments).stdout, arguments


def test_an_exported_file_is_private_and_is_not_overwritten(run: Run, denied: str, tmp_path: Path) -> None:
    assert run("export", denied, "-o", "out.json").returncode == 0
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o600
    assert run("export", denied, "-o", "out.json").returncode == 2
    assert run("export", denied, "-o", "out.json", "--force").returncode == 0


def test_an_exported_trace_opens_again_with_its_verdicts(run: Run, tmp_path: Path) -> None:
    assert run("export", CAPTURE, "-o", "x.trace").returncode == 0
    first = json.loads(run("explain", CAPTURE, "--json").stdout)
    again = json.loads(run("explain", "x.trace", "--json").stdout)
    assert again["verdicts"][0]["layer"] == first["verdicts"][0]["layer"]
    assert again["summary"] == first["summary"]
    assert stat.S_IMODE((tmp_path / "x.trace").stat().st_mode) == 0o600


def test_control_characters_of_the_wire_and_of_names_never_come_out(run: Run, tmp_path: Path) -> None:
    hostile = b"\x1b]52;c;aGk=\x1b\\\x1b[2J\x07\x9b"
    data = (
        b"GET /" + hostile + b" HTTP/1.1\r\nHost: h.test\r\nX-A: " + hostile + b"\r\n\r\n"
        b"HTTP/1.1 403 No" + hostile + b"\r\nServer: nginx" + hostile + b"\r\nContent-Length: 11\r\n\r\n" + hostile[:11]
    )
    name = "n\x1b[31m\u202ename.http"
    (tmp_path / name).write_bytes(data)
    for arguments in (
        ("explain", name, "-v"),
        ("list", name),
        ("show", name, "e1", "-v"),
        ("explain", name + "?"),
        ("list", name, "--filter", "~u \x1b("),
    ):
        done = run(*arguments)
        for stream in (done.stdout, done.stderr):
            assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", stream), (arguments, stream)
            assert "\u202e" not in stream.decode()
            assert not re.search("[\x80-\x9f]", stream.decode())


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m tracer.cli export {CAPTURE} -o - --format json -q | head -c 10",
        shell=True, capture_output=True, cwd=tmp_path, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == b""
    assert len(done.stdout) == 10


def _until_idle(pid: int) -> None:
    """Until the process has used no processor for a second and a half: it waits for more input."""
    before, since, begin = "", time.monotonic(), time.monotonic()
    while time.monotonic() - since < 1.5 and time.monotonic() - begin < 60:
        now = " ".join(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[11:13])
        if now != before or now == "0 0":
            before, since = now, time.monotonic()
        time.sleep(0.1)


def test_interruption_keeps_what_was_read_and_is_130(tmp_path: Path) -> None:
    import signal

    data = Path(CAPTURE).read_bytes()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-m", "tracer.cli", "explain", "-", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=env,
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(data)
    child.stdin.flush()
    _until_idle(child.pid)
    child.send_signal(signal.SIGINT)
    assert child.stdout is not None
    out = child.stdout.read()
    assert child.wait(timeout=20) == 130
    assert len(json.loads(out)["verdicts"]) == 1


def test_a_terminal_gets_a_table(tmp_path: Path) -> None:
    main, other = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tracer.cli", "list", CAPTURE], stdout=other, stderr=other, env=env, cwd=tmp_path
    )
    os.close(other)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    child.wait(timeout=20)
    os.close(main)
    assert b"4 exchanges, 2 denied" in seen
    assert b"\t" not in seen


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert b"tracer" in done.stdout


def test_completion_offers_commands() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "_TRACER_COMPLETE": "bash_complete"}
    env |= {"COMP_WORDS": "tracer ex", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-m", "tracer.cli"], env=env, capture_output=True, timeout=20, check=False)
    assert {line.split(b",")[1] for line in done.stdout.splitlines()} == {b"explain", b"export"}


def test_doctor_tells_versions(run: Run) -> None:
    found = json.loads(run("doctor", "--json").stdout)
    assert found["packages"]["msgspec"]
    assert run("doctor").returncode == 0


def test_every_command_has_help_with_its_line(run: Run) -> None:
    words = run("--help").stdout.decode()
    for command in COMMANDS:
        if command.name in ("explain", "list", "show", "export", "doctor", "completion"):
            assert command.name in words
            assert run(command.name, "--help").returncode == 0


@pytest.mark.parametrize("command", ["explain", "list", "show", "export"])
def test_every_command_that_reads_takes_the_same_filters(run: Run, command: str) -> None:
    source = str(ROOT / "pcaps" / "redirect-login-role" / "capture.pcapng")
    more = ("-o", "-", "--format", "json") if command == "export" else ()

    def found(expression: str) -> bool:
        done = run(command, source, "--filter", expression, *more)
        assert done.returncode == 0
        return re.search(rb"[\s:]403\b", done.stdout) is not None

    assert found("~denied & ~layer app")
    assert not found("~layer waf | ~cause rate-limited | ~product envoy & ~denied")
    assert run(command, source, "--filter", "~nonsense", *more).returncode == 2


def test_a_refused_handshake_is_found_by_its_verdict_and_name(run: Run) -> None:
    source = str(ROOT / "pcaps" / "mtls-apache-none-tls13" / "capture.pcapng")
    denials = json.loads(run("explain", source, "--json").stdout)["verdicts"]
    (name,) = {v["exchange"] for v in denials}
    for expression in ("~cause client-cert", "~denied & ~q", f"~d {re.escape(denials[0]['url'].split('/')[2])}"):
        found = json.loads(run("explain", source, "--json", "--filter", expression).stdout)["verdicts"]
        assert [v["exchange"] for v in found] == [name]
    assert name.encode() in run("show", source, "--filter", "~cause client-cert").stdout
    assert json.loads(run("explain", source, "--json", "--filter", "~c 403").stdout)["verdicts"] == []


def test_cells_of_a_listing_never_start_a_formula(run: Run, tmp_path: Path) -> None:
    text = "=cmd|x /x HTTP/1.1\r\nHost: -2+3.test\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    entry = {"request": {"method": "=1+1", "url": "@SUM(A1)", "headers": [{"name": "Host", "value": "+1.test"}]},
             "response": {"status": 200}}  # fmt: skip
    (tmp_path / "a.http").write_text(text)
    (tmp_path / "a.har").write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}))
    for name in ("a.http", "a.har"):
        rows = run("list", name).stdout.decode().splitlines()[1:]
        for row in rows:
            assert not [cell for cell in row.split("\t") if cell[:1] in set("=+-@\t\r")], row
    assert "\t'=1+1\t" in run("list", "a.har").stdout.decode()


def test_spans_go_to_the_collector_that_is_named(run: Run, denied: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = run("export", denied, "-o", f"http://127.0.0.1:{port}")
    assert done.returncode == 2
    assert b"the collector cannot be reached" in done.stderr
    assert run("export", denied, "-o", "http://127.0.0.1:1", "--format", "har").returncode == 2
    assert run("export", denied, "-o", "x.pcapng", "--secrets").returncode == 2
