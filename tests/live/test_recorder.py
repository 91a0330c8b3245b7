"""The recorder: from journal to trace, whatever happens on the way."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.test import tflow, tutils

from tracer.live.handover import Handover
from tracer.live.journal import Writer, folder_of
from tracer.live.recorder import Recorder, growing, hold, recover
from tracer.model.problem import Severity
from tracer.store.trace import Trace


def flow(number: int, status: int = 200, body: bytes = b"body") -> Any:
    made: Any = tflow.tflow(resp=tutils.tresp(status_code=status, content=body))
    made.request.path = f"/{number}"
    made.client_conn.id, made.server_conn.id = f"client {number % 5}", f"server {number % 3}"
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.trace"


@pytest.fixture
def handover(path: Path) -> Iterator[Handover]:
    made = Handover(Writer(folder_of(path), size=4096))
    yield made
    made.close()


def record(path: Path) -> Trace:
    """A recorder over the whole journal; the trace it made."""
    trace = Trace(path)
    Recorder(trace, folder_of(path)).finish()
    return trace


def targets(trace: Trace) -> list[str]:
    return [e.request.target for e in trace.exchanges() if e.request is not None]


def everything(trace: Trace) -> list[Any]:
    return [*trace.exchanges(), *trace.connections(), *trace.handshakes(), *trace.verdicts(), *trace.problems()]


def test_every_exchange_is_taken_over_many_segments_with_its_connections(path: Path, handover: Handover) -> None:
    for number in range(40):
        handover.exchange(flow(number))
    handover.close()
    trace = record(path)
    assert sorted(targets(trace)) == sorted(f"/{n}" for n in range(40))
    assert trace.count("connection") == 8
    assert all(trace.connection(e.connection or "") for e in trace.exchanges())
    assert list(trace.problems()) == []
    assert not folder_of(path).exists()


def test_taking_the_same_journal_twice_changes_nothing(path: Path, handover: Handover, tmp_path: Path) -> None:
    for number in range(25):
        handover.exchange(flow(number, 403 if number % 5 == 0 else 200))
    handover.close()
    kept = {p.name: p.read_bytes() for p in folder_of(path).glob("*.journal")}
    first = record(path)
    before = everything(first)
    folder_of(path).mkdir()
    for name, data in kept.items():
        (folder_of(path) / name).write_bytes(data)
    Recorder(first, folder_of(path)).finish()
    assert everything(first) == before
    assert first.count("verdict") == 5


def test_a_hook_that_is_given_nonsense_raises_nothing_and_says_so(path: Path, handover: Handover) -> None:
    broken = flow(1)
    broken.request = None
    assert handover.exchange(broken) is None
    assert handover.exchange(flow(2)) is not None
    handover.close()
    trace = record(path)
    assert targets(trace) == ["/2"]
    assert [p.code for p in trace.problems() if p.severity is Severity.WARN] == ["live.hook"]


def test_a_recorder_that_lags_costs_bodies_before_exchanges(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.live import handover as module

    monkeypatch.setattr(module, "LAGGING", 2)
    monkeypatch.setattr(module, "_LOOK", 1)
    hurried = Handover(Writer(folder_of(path), size=2000))
    for number in range(30):
        hurried.exchange(flow(number, body=b"x" * 500))
    hurried.close()
    trace = record(path)
    assert len(targets(trace)) == 30
    bodies = [e.response.body for e in trace.exchanges() if e.response is not None]
    assert {b.size for b in bodies} == {500}
    assert bodies[0].complete
    assert not bodies[-1].complete
    assert "live.bodies-left-out" in {p.code for p in trace.problems()}


def test_a_disk_that_takes_no_journal_costs_the_record_and_not_the_traffic(path: Path) -> None:
    code = f"""
        import resource, signal, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.live.test_recorder import flow
        from tracer.live.handover import Handover
        from tracer.live.journal import Writer, folder_of
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        given = Handover(Writer(folder_of({str(path)!r})))
        numbers = [given.exchange(flow(n, body=b"y" * 1000)) for n in range(40)]
        print(sum(n is not None for n in numbers), given.lost, given.faults)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    taken, lost, faults = map(int, done.stdout.split())
    assert taken + lost == 40
    assert 0 < taken < 40
    assert faults == 0
    assert "cannot be written" in done.stderr
    assert len(targets(record(path))) == taken


def test_a_disk_that_takes_no_trace_keeps_the_journal_until_it_does(
    path: Path, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracer.live import recorder as module

    monkeypatch.setattr(module, "RETRY", 0.0)
    said: list[str] = []
    for number in range(60):
        handover.exchange(flow(number, body=os.urandom(900)))
    handover.close()
    trace = Trace(path)
    recorder = Recorder(trace, folder_of(path), say=said.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
        assert not recorder.step()
        assert not recorder.step()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert len(said) == 1
    assert "cannot be written" in said[0]
    recorder.finish()
    assert len(targets(trace)) == 60
    assert "nothing was lost" in said[1]


def test_two_recorders_never_write_into_one_trace(path: Path) -> None:
    with Trace(path) as trace:
        recorder = Recorder(trace, folder_of(path))
        assert growing(path)
        with pytest.raises(OSError, match="another process records"):
            Recorder(trace, folder_of(path))
        recorder.finish()
    assert not growing(path)


def test_who_takes_in_what_was_left_makes_no_trace_beside_a_recorder_that_only_starts(
    path: Path, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    handover.exchange(flow(1))
    handover.close()
    monkeypatch.setattr("tracer.live.recorder.growing", lambda _: False)  # seen before the lock was taken
    monkeypatch.setattr("tracer.live.recorder._PAUSE", 0)
    lock = hold(folder_of(path))
    assert not recover(path)
    assert not path.exists()
    with Trace(path) as trace:
        Recorder(trace, folder_of(path), lock=lock).finish()
        assert targets(trace) == ["/1"]


def test_websocket_messages_come_into_their_exchange(path: Path, handover: Handover) -> None:
    made: Any = tflow.twebsocketflow()
    number = handover.exchange(made)
    assert number is not None
    for message in made.websocket.messages:
        handover.message(number, message)
    made.websocket.close_code, made.websocket.close_reason = 4001, "enough"
    handover.closed(number, made.websocket)
    handover.close()
    (exchange,) = record(path).exchanges()
    assert [(e.kind, e.client, e.data) for e in exchange.events] == [
        ("binary", True, b"hello binary"),
        ("text", True, b"hello text"),
        ("text", False, b"it's me"),
        ("close", False, b"enough"),
    ]
    assert exchange.events[-1].code == 4001


def test_the_proxys_own_answer_is_never_a_denial(path: Path, handover: Handover) -> None:
    blocked = flow(1, 403)
    blocked.server_conn.timestamp_start = None
    handover.exchange(blocked)
    handover.close()
    trace = record(path)
    assert trace.count("verdict") == 0
    assert [e.extra["mitm.answered-by"] for e in trace.exchanges()] == ["proxy"]


def test_an_upstream_proxy_that_refuses_connect_is_the_one_who_denied(path: Path, handover: Handover) -> None:
    refused: Any = tflow.tflow(resp=tutils.tresp(status_code=502, content=b""))
    refused.request.method, refused.request.authority = "CONNECT", "shop.test:443"
    refused.server_conn.via = ("http", ("proxy.corp.test", 3128))
    refused.server_conn.error = "Upstream proxy 10.0.0.1:3128 refused HTTP CONNECT request: 403 Forbidden"
    handover.exchange(refused)
    handover.close()
    (verdict,) = record(path).verdicts()
    assert (verdict.status, verdict.layer) == (403, "forward-proxy")


def test_a_tunnel_that_was_refused_when_it_was_needed_is_told_as_the_connect_it_was(
    path: Path, handover: Handover
) -> None:
    wanted: Any = tflow.tflow(err=tflow.terr("Upstream proxy 10.0.0.1:3128 refused HTTP CONNECT request: 407 Who"))
    wanted.request.scheme, wanted.request.authority = "https", "shop.test"
    wanted.server_conn.via, wanted.server_conn.address = ("http", ("proxy.corp.test", 3128)), ("shop.test", 443)
    handover.exchange(wanted)
    handover.close()
    trace = record(path)
    (exchange,) = trace.exchanges()
    assert exchange.request is not None
    assert (exchange.request.method, exchange.request.target) == ("CONNECT", "shop.test:443")
    assert exchange.server == "proxy.corp.test:3128"
    (verdict,) = trace.verdicts()
    assert (verdict.status, verdict.layer) == (407, "forward-proxy")


def test_a_login_that_follows_a_401_leaves_no_verdict(path: Path, handover: Handover) -> None:
    first, second = flow(1, 401), flow(1, 200)
    for made, at in ((first, 1000.0), (second, 1001.0)):
        made.request.timestamp_start, made.response.timestamp_start = at, at + 0.1
    handover.exchange(first)
    handover.exchange(second)
    handover.close()
    assert record(path).count("verdict") == 0
