"""HAR's phases: what opening a connection took is told of the first exchange on it, and of no other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.formats.conftest import START
from tracer.formats import har, har_out
from tracer.model.connection import Connection

MS = 1_000_000


@pytest.fixture
def opened(denied_trace: Any) -> Any:
    """Its connection is begun 80 ms before the first request, TLS from 60 to 40 ms before it."""
    (connection,) = denied_trace.connected
    denied_trace.connected = [msgspec.structs.replace(connection, rtt_ns=15 * MS)]
    denied_trace.shaken = [msgspec.structs.replace(denied_trace.shaken[0], connection="c1")]
    return denied_trace


def entries(trace: Any, write_with: Any, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write_with(har_out, trace, **options))["log"]["entries"]
    return found


def test_the_first_exchange_of_a_connection_waits_for_tcp_and_tls(opened: Any, write_with: Any) -> None:
    first, second, *_ = entries(opened, write_with)
    assert first["timings"] == {
        "blocked": 40, "dns": -1, "connect": 40, "ssl": 20, "send": 1, "wait": 19, "receive": 10
    }  # fmt: skip
    assert first["time"] == 40 + 40 + 1 + 19 + 10
    assert first["startedDateTime"] == "2026-11-24T11:59:59.920000Z"
    assert [second["timings"][name] for name in ("blocked", "dns", "connect", "ssl")] == [-1, -1, -1, -1]
    assert second["startedDateTime"] == "2026-11-24T12:00:00.050000Z"


def test_without_tls_the_way_there_and_back_is_the_connecting(opened: Any, write_with: Any) -> None:
    opened.shaken = []
    opened.exchanged = [msgspec.structs.replace(e, tls=None) for e in opened.exchanged]
    timings = entries(opened, write_with)[0]["timings"]
    assert (timings["connect"], timings["ssl"], timings["blocked"]) == (15, -1, 65)


@pytest.mark.parametrize(
    "changed",
    [{"rtt_ns": None}, {"joined_late": True}, {"start_ns": 0}, {"start_ns": START - 5_000 * MS, "rtt_ns": 1},
     {"start_ns": START + 1}],
    ids=["no handshake of TCP", "joined late", "no time", "long before", "after the request"],
)  # fmt: skip
def test_what_cannot_be_told_of_the_connection_is_not(opened: Any, write_with: Any, changed: dict[str, Any]) -> None:
    opened.connected = [msgspec.structs.replace(opened.connected[0], **changed)]
    opened.shaken = []
    opened.exchanged = [msgspec.structs.replace(e, tls=None) for e in opened.exchanged]
    assert entries(opened, write_with)[0]["timings"]["connect"] == -1


def test_of_a_selection_no_exchange_is_called_the_first(opened: Any, write_with: Any) -> None:
    (entry,) = entries(opened, write_with, only=frozenset(("e11",)))
    assert entry["timings"]["connect"] == -1


def test_other_readers_find_the_same_times(opened: Any, write_with: Any, read_with: Any) -> None:
    """Without what we add for ourselves, the phases lead to the moments that were captured."""
    document = json.loads(write_with(har_out, opened))
    for entry in document["log"]["entries"]:
        del entry["_tracer"]
    found = read_with(har, json.dumps(document).encode()).exchanged
    for read, captured in zip(found[:3], opened.exchanged, strict=False):
        assert read.timing.request_end_ns == captured.timing.request_end_ns
        assert read.timing.response_start_ns == captured.timing.response_start_ns
        assert read.timing.end_ns == captured.timing.end_ns


def test_a_connection_without_an_exchange_changes_nothing(opened: Any, write_with: Any) -> None:
    before = entries(opened, write_with)
    opened.connected.append(Connection(id="c9", source="edge.pcapng", start_ns=START))
    assert entries(opened, write_with) == before
