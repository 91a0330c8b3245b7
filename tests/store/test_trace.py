"""The trace: values in, equal values out, in memory, in files, for followers, against hostile files."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.problem import Problem, Severity
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Layer, Verdict
from tracer.store.listing import Follower, fetch, rows
from tracer.store.schema import NotATrace
from tracer.store.trace import Trace, Where


def exchange(number: int, status: int = 200, body: Body | None = None, start: int | None = None) -> Exchange:
    return Exchange(
        id=f"e{number}",
        source="a.pcap",
        protocol="HTTP/1.1",
        client="10.0.0.1:1000",
        server="10.0.0.2:80",
        request=Request(
            method="GET", target=f"/{number}", url=f"http://h.test/{number}", headers=((b"Host", b"h.test"),)
        ),
        response=Response(status=status, body=body or Body()),
        timing=Timing(start_ns=number * 1000 if start is None else start, end_ns=number * 1000 + 500),
        packets=(number, number + 1),
    )


def test_values_come_out_equal_and_in_time_order() -> None:
    later, earlier = exchange(9), exchange(2)
    with Trace() as trace:
        for e in (later, earlier):
            trace.exchange(e)
        assert list(trace.exchanges()) == [earlier, later]
        assert trace.exchange("e9") == later
        assert trace.exchange("e1") is None


def test_threads_that_read_at_once_each_get_what_they_asked_for() -> None:
    with Trace() as trace:
        for number in range(200):
            trace.exchange(exchange(number))
        trace.flush()

        def ask(first: int) -> list[str]:
            wanted = [f"e{(first + i) % 200}" for i in range(3000)]
            return [name for name in wanted if (found := trace.exchange(name)) is None or found.id != name]

        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(4) as pool:
                assert not [name for wrong in pool.map(ask, (0, 50, 100, 150)) for name in wrong]
        finally:
            sys.setswitchinterval(before)


def test_every_kind_of_value_is_kept() -> None:
    connection = Connection(id="c1", source="a.pcap", start_ns=1)
    handshake = Handshake(id="t1", source="a.pcap", start_ns=1, sni="h.test")
    problem = Problem(code="x.y", severity=Severity.WARN, text="seen", source="a.pcap")
    verdict = Verdict(source="a.pcap", exchange="e1", status=403, layer=Layer.WAF, time_ns=5)
    source = Source(name="a.pcap", kind="pcap", packets=3)
    with Trace() as trace:
        trace.connection(connection)
        trace.handshake(handshake)
        trace.problem(problem)
        trace.verdict(verdict)
        trace.source(source)
        assert [*trace.connections(), *trace.handshakes(), *trace.problems()] == [connection, handshake, problem]
        assert [*trace.verdicts(), *trace.sources()] == [verdict, source]
        assert trace.connection("c1") == connection
        assert trace.handshake("t1") == handshake
        assert trace.verdict_on("e1") == verdict


def test_an_exchange_without_time_stands_after_the_one_before_it() -> None:
    with Trace() as trace:
        for e in (exchange(5), msgspec.structs.replace(exchange(6), timing=Timing()), exchange(7)):
            trace.exchange(e)
        assert [e.id for e in trace.exchanges()] == ["e5", "e6", "e7"]


def test_what_utf8_or_64_bits_cannot_hold_is_kept_as_far_as_it_goes() -> None:
    with Trace() as trace:
        trace.exchange(msgspec.structs.replace(exchange(1), comment="a\udc80b", stream=2**80))
        found = trace.exchange("e1")
        assert found is not None
        assert found.comment == "a\\udc80b"
        assert found.stream == 2**63 - 1


def test_a_large_body_goes_to_the_store_once_and_comes_back_whole() -> None:
    data = b"secret page " * 1000
    with Trace() as trace:
        for number in (1, 2):
            trace.exchange(exchange(number, body=Body(size=len(data), data=data)))
        found = [e.response.body for e in trace.exchanges() if e.response]
        assert [b.data for b in found] == [None, None]
        assert found[0].blob == found[1].blob
        assert trace.content("a.pcap", found[0]) == data


def test_spans_are_read_from_the_attached_source() -> None:
    with Trace() as trace:
        trace.attach("a.pcap", b"0123456789")
        assert trace.content("a.pcap", Body(size=4, spans=((1, 2), (7, 2)))) == b"1278"


def test_a_saved_trace_opens_without_its_capture_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    old = os.umask(0)
    try:
        with Trace() as trace:
            trace.attach("a.pcap", b"x" * 10 + b"body!" * 1000)
            trace.exchange(exchange(1, 403, Body(size=5000, spans=((10, 5000),))))
            trace.save(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Trace.open(path) as again:
        (found,) = again.exchanges()
        assert found.response is not None
        assert again.content("a.pcap", found.response.body) == b"body!" * 1000
    assert [p.name for p in tmp_path.iterdir()] == ["x.trace"]


def test_a_body_whose_capture_is_gone_is_saved_as_incomplete(tmp_path: Path) -> None:
    with Trace() as trace:
        trace.exchange(exchange(1, body=Body(size=50, spans=((0, 50),))))
        trace.save(tmp_path / "x.trace")
    with Trace.open(tmp_path / "x.trace") as again:
        (found,) = again.exchanges()
        assert found.response is not None
        assert found.response.body.complete is False


def test_verdicts_mark_what_they_judge_as_denied() -> None:
    with Trace() as trace:
        trace.exchange(exchange(1, 400))
        assert trace.count("exchange", Where("denied")) == 0
        trace.verdict(Verdict(source="a.pcap", exchange="e1", status=400))
        assert trace.count("exchange", Where("denied")) == 1


def test_the_worst_problem_is_known_wherever_it_is() -> None:
    with Trace() as trace:
        assert trace.worst() == 0
        problem = Problem(code="x.y", severity=Severity.WARN, text="part of it is missing")
        trace.exchange(msgspec.structs.replace(exchange(1), problems=(problem,)))
        assert trace.worst() == 2


def test_rows_are_those_of_the_exchanges() -> None:
    with Trace() as trace:
        for number in range(300):
            trace.exchange(exchange(number, 403 if number % 100 == 50 else 200))
        assert [r.id for r in rows(trace)] == [f"e{n}" for n in range(300)]
        assert [r.id for r in rows(trace, Where("status IS ?", (403,)))] == ["e50", "e150", "e250"]
        found = fetch(trace, [18, 300, 999])
        assert {number: row.target for number, row in found.items()} == {18: "/17", 300: "/299"}


def test_another_process_follows_a_live_trace(tmp_path: Path) -> None:
    path = tmp_path / "live.trace"
    with Trace(path) as trace:
        trace.exchange(exchange(1))
        trace.flush()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        code = (
            "import sys\nfrom tracer.store.trace import Trace\nfrom tracer.store.listing import Follower\n"
            "f = Follower(Trace.open(sys.argv[1]))\nprint([v.id for v in f.news()], flush=True)\n"
            "sys.stdin.readline()\nprint([v.id for v in f.news()], flush=True)\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "['e1']\n"
        trace.exchange(exchange(2))
        trace.flush()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "['e2']\n"
        child.communicate(timeout=10)


def test_a_writer_that_is_killed_loses_nothing_it_had_flushed(tmp_path: Path) -> None:
    path = tmp_path / "live.trace"
    code = (
        "import sys\nfrom tracer.store.trace import Trace\nfrom tracer.model.http import Exchange\n"
        "t = Trace(sys.argv[1])\nn = 0\n"
        "while True:\n    n += 1\n    t.exchange(Exchange(id=f'e{n}', source='a', protocol='HTTP/1.1'))\n"
        "    t.flush()\n    print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(200)][-1]
    child.kill()
    child.wait()
    with Trace.open(path) as trace:
        assert trace.count("exchange") >= acknowledged
        assert trace.select("PRAGMA integrity_check") == [("ok",)]


def test_marks_and_notes_are_kept(tmp_path: Path) -> None:
    with Trace() as trace:
        trace.mark("e1", "star", "look here")
        trace.mark("e2", "star")
        trace.mark("e2")
        trace.save(tmp_path / "x.trace")
    with Trace.open(tmp_path / "x.trace") as again:
        assert again.marks() == {"e1": ("star", "look here")}


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.trace"
    path.write_bytes(content)
    with pytest.raises(NotATrace):
        Trace.open(path)


def test_another_applications_database_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "x.db")
    db.execute("CREATE TABLE exchange (n)")
    db.commit()
    db.close()
    with pytest.raises(NotATrace, match="not a trace"):
        Trace.open(tmp_path / "x.db")


def test_another_version_is_refused_by_number(tmp_path: Path) -> None:
    Trace().save(tmp_path / "x.trace")
    db = sqlite3.connect(tmp_path / "x.trace")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NotATrace, match="format 99"):
        Trace.open(tmp_path / "x.trace")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER evil AFTER INSERT ON mark BEGIN DELETE FROM exchange; END",
        "CREATE VIEW evil AS SELECT load_extension('x')",
        "CREATE TABLE evil (n)",
        "DROP TABLE verdict",
    ],
)
def test_a_schema_that_is_not_ours_is_refused(tmp_path: Path, sql: str) -> None:
    Trace().save(tmp_path / "x.trace")
    db = sqlite3.connect(tmp_path / "x.trace")
    db.execute(sql)
    db.commit()
    db.close()
    with pytest.raises(NotATrace):
        Trace.open(tmp_path / "x.trace")


def test_a_view_in_the_place_of_a_table_is_refused(tmp_path: Path) -> None:
    Trace().save(tmp_path / "x.trace")
    db = sqlite3.connect(tmp_path / "x.trace")
    db.execute("DROP TABLE blob")
    db.execute(
        "CREATE VIEW blob AS SELECT 1 AS n, x'00' AS hash, 1 AS size, 0 AS packed, randomblob(1000000000) AS bytes"
    )
    db.commit()
    db.close()
    with pytest.raises(NotATrace):
        Trace.open(tmp_path / "x.trace")


def test_a_row_that_cannot_be_read_costs_that_row(tmp_path: Path) -> None:
    with Trace() as trace:
        for number in (1, 2, 3):
            trace.exchange(exchange(number))
        trace.save(tmp_path / "x.trace")
    db = sqlite3.connect(tmp_path / "x.trace")
    db.execute("UPDATE exchange SET value = x'c1ff' WHERE id = 'e2'")
    db.commit()
    db.close()
    with Trace.open(tmp_path / "x.trace") as again:
        assert [e.id for e in again.exchanges()] == ["e1", "e3"]
        assert [p.code for p in again.problems()] == ["trace.damaged"]
        assert again.worst() == 2


def test_a_blob_that_unpacks_to_more_than_it_says_is_cut(tmp_path: Path) -> None:
    import zlib

    with Trace() as trace:
        trace.exchange(exchange(1, body=Body(size=5000, data=b"a" * 5000)))
        trace.save(tmp_path / "x.trace")
    db = sqlite3.connect(tmp_path / "x.trace")
    db.execute("UPDATE blob SET bytes = ?", (zlib.compress(b"\0" * 50_000_000),))
    db.commit()
    db.close()
    with Trace.open(tmp_path / "x.trace") as again:
        (found,) = again.exchanges()
        assert found.response is not None
        assert len(again.content("a.pcap", found.response.body)) == 5000


def test_twenty_thousand_exchanges_go_in_within_two_seconds() -> None:
    values = [exchange(n) for n in range(20_000)]
    begin = time.process_time()
    with Trace() as trace:
        for value in values:
            trace.exchange(value)
        trace.flush()
        assert trace.count("exchange") == 20_000
    assert time.process_time() - begin < 2.0


def test_a_follower_from_now_on_sees_only_what_is_new() -> None:
    with Trace() as trace:
        trace.exchange(exchange(1))
        follower = Follower(trace, from_now=True)
        assert list(follower.news()) == []
        trace.exchange(exchange(2))
        assert list(follower.news()) == [exchange(2)]


def test_a_saved_trace_opens_no_file_that_it_names(tmp_path: Path) -> None:
    """Whoever made the trace chose the path in it; following it would put a file of this machine into an export."""
    private = tmp_path / "private"
    private.write_bytes(b"my secret notes" * 100)
    made = tmp_path / "made.trace"
    with Trace(made) as trace:
        trace.source(Source(name="a.pcap", kind="pcap", path=str(private)))
        trace.exchange(exchange(1, body=Body(size=1500, spans=((0, 1500),))))
    with Trace.open(made) as again:
        (found,) = again.exchanges()
        assert found.response is not None
        assert again.content("a.pcap", found.response.body) == b""
        assert [s.path for s in again.sources()] == [None]
