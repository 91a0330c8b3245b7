"""The lab itself: its table is sound, and its fast cases run on this machine."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import capture, namespace, run
from tests.lab.case import Case
from tests.lab.cases.situations import SITUATIONS
from tests.lab.cases.table import CASES
from tests.lab.servers.table import SERVERS
from tracer.model.verdict import Cause, Layer

ROOT = Path(__file__).parents[2]
FAST = ("nginx-chmod-000", "nginx-blocked-address", "apache-no-index", "mtls-nginx-none-400", "mtls-apache-none-tls12")

NOT_PRODUCED: frozenset[Cause] = frozenset()
"""causes for which nothing that runs here refuses genuinely"""


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert sorted(names) == sorted(set(names))


def test_every_layer_and_every_cause_of_the_contract_has_a_denial() -> None:
    denials = [case for case in CASES if not case.control]
    assert {case.layer for case in denials} == set(Layer) - {Layer.UNKNOWN}
    assert {case.cause for case in denials} == set(Cause) - NOT_PRODUCED


def test_every_situation_has_its_cases_and_the_common_ones_several_servers() -> None:
    known = {case.name: case for case in CASES}
    named = {name for names in SITUATIONS.values() for name in names}
    assert named <= set(known)
    assert not [name for name in named if known[name].control]
    at_one_server = {title for title, names in SITUATIONS.items() if len({known[name].hop for name in names}) < 2}
    assert {title.partition(":")[0] for title in at_one_server} <= {
        "stale cookies, and cookies that do not come back",
        "Apache's rules",
        "nginx's rules",
    }


def test_every_server_of_the_lab_denies_at_least_once() -> None:
    deciding = {case.hop.partition("/")[0] for case in CASES if not case.control}
    carry_only = {"hitch", "varnishlog", "authz"}
    assert deciding == set(SERVERS) - carry_only


def test_the_ways_between_hops_are_all_there() -> None:
    routes = {name for case in CASES for name in case.route}
    assert {"hitch", "varnish/chain", "envoy/chain", "haproxy/chain"} <= routes  # PROXY protocol, mutual TLS
    words = {word for case in CASES for step in case.steps for word in step.argv}
    assert {"--proxy", "--http2", "--tls-max", "-L", "--parallel", "browser.py", "h3.py", "s3.py"} <= words


def test_no_truth_is_read_from_tracer() -> None:
    kept = {(case.proof.server, case.proof.file) for case in CASES}
    assert all(server in SERVERS for server, _ in kept)
    logs = {(s.name, log) for s in SERVERS.values() for log in (*s.logs, *s.witness)}
    assert sum(place in logs for place in kept) >= len(kept) - 2  # the others are files of the configuration


def test_there_are_at_least_120_denials_and_some_controls() -> None:
    assert sum(not case.control for case in CASES) >= 120
    assert sum(case.control for case in CASES) >= 10


def test_every_story_has_two_lines() -> None:
    assert [case.name for case in CASES if len(case.story.strip().splitlines()) != 2] == []


def test_every_server_a_case_names_is_known() -> None:
    named = {name for case in CASES for name in case.servers}
    assert named <= set(SERVERS)


def test_addresses_of_servers_are_distinct() -> None:
    taken = [address for server in SERVERS.values() for address in server.listen.values()]
    assert sorted(taken) == sorted(set(taken))


def test_a_capture_is_cut_to_connections_that_begin_in_it() -> None:
    def frame(source: int, flags: int) -> capture.Packet:
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, bytes([127, 0, 0, 1]), bytes([127, 0, 0, 2]))
        tcp = struct.pack("!HHIIBBHHH", source, 80, 0, 0, 0x50, flags, 0, 0, 0)
        return capture.Packet(0, bytes(12) + b"\x08\x00" + ip + tcp)

    late, opening, data = frame(1000, 0x10), frame(2000, 0x02), frame(2000, 0x18)
    assert capture.connections([late, opening, data]) == [opening, data]


def test_secrets_are_those_of_the_packets_alone(tmp_path: Path) -> None:
    mine, theirs = "ab" * 32, "cd" * 32
    (tmp_path / "a.log").write_text(f"CLIENT_RANDOM {mine} 00\nCLIENT_RANDOM {theirs} 11\nnot a line\n")
    (tmp_path / "b.log").write_text(f"CLIENT_RANDOM {mine} 00\n")
    packets = [capture.Packet(0, b"head" + bytes.fromhex(mine) + b"tail")]
    assert capture.secrets_of(packets, tmp_path) == f"CLIENT_RANDOM {mine} 00\n"


def _fast() -> list[Case]:
    return [case for case in CASES if case.name in FAST]


def test_the_fast_cases_run_and_leave_no_process_behind(tmp_path: Path) -> None:
    if absent := run.missing(_fast()):
        pytest.skip(f"not installed: {', '.join(absent)}")
    if namespace.become_root() is None:
        pytest.skip("a network namespace needs root (or sudo without a password)")
    if subprocess.run([*(namespace.become_root() or []), "unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here (package util-linux, or the kernel forbids them)")
    before = _lab_processes()
    command = [sys.executable, "-m", "tests.lab", "run", "--out", str(tmp_path), *FAST]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == set(FAST)
    assert all((tmp_path / name / "capture.pcapng").stat().st_size > 1000 for name in FAST)
    assert _lab_processes() == before


def _lab_processes() -> set[str]:
    """Command lines that name a lab's folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if "/tracer-lab-" in line:
                found.add(f"{entry.name} {line}")
    return found
