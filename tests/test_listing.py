"""The fast way and the general way through a capture say the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.bench.sealed import SealedMaker
from tests.bench.traffic import Mix, Truth, make
from tracer.capture.capture import Capture
from tracer.capture.source import open_source
from tracer.http.detect import conversation
from tracer.listing import Lister, list_rows
from tracer.listing_rows import row_of
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.row import Row
from tracer.model.tls import Handshake
from tracer.tls.keys import Keys
from tracer.transport.reader import read_connections


def rows(path: Path, fast: bool, block: int = 64 << 20) -> tuple[list[Row], Lister]:
    found: list[Row] = []
    lister = list_rows(Capture(open_source(path), block), found.append, fast=fast)
    return found, lister


def as_truth(row: Row) -> Truth:
    return Truth(
        row.client,
        row.server,
        row.method or "",
        row.host,
        row.target or "",
        row.status or 0,
        row.request_size or 0,
        row.response_size or 0,
    )


MIXES = [
    Mix(seed=1),
    Mix(seed=2, copies=0.03, reorder=0.03),
    Mix(seed=3, kind="tiny", copies=0.02, reorder=0.02),
    Mix(seed=4, pipeline=0.3),
    Mix(seed=5, copies=0, reorder=0, together=3),
]


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_every_exchange_is_listed_exactly(tmp_path: Path, mix: Mix) -> None:
    path = tmp_path / "a.pcap"
    _, truth = make(path, mix, connections=60)
    found, _ = rows(path, fast=True)
    assert Counter(map(as_truth, found)) == Counter(truth)


@pytest.mark.parametrize("block", [100_000, 1 << 20, 64 << 20])
@pytest.mark.parametrize("mix", [*MIXES, Mix(seed=6, drop=0.01)], ids=str)
def test_fast_and_general_rows_are_equal_wherever_blocks_end(tmp_path: Path, mix: Mix, block: int) -> None:
    path = tmp_path / "a.pcap"
    make(path, mix, connections=50)
    assert rows(path, True, block)[0] == rows(path, False, block)[0]


def test_plain_traffic_does_not_need_the_general_way(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    _, truth = make(path, Mix(seed=7, copies=0.02, reorder=0.02), connections=60)
    assert rows(path, True)[1].fast_exchanges > 0.8 * len(truth)


def test_rows_come_in_the_order_of_their_start_also_when_they_were_spooled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pcap"
    make(path, Mix(seed=8, kind="tiny"), connections=400)
    whole, _ = rows(path, True)
    monkeypatch.setattr("tracer.listing.RUN", 50)
    spooled, lister = rows(path, True, block=20_000)
    assert len(lister.rows.runs) > 2
    assert spooled == whole == sorted(whole)


def test_with_packets_missing_nearly_all_exchanges_are_still_found(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    _, truth = make(path, Mix(seed=9, drop=0.002), connections=250)
    found, _ = rows(path, True)
    lost = Counter(t[:6] for t in truth) - Counter(as_truth(r)[:6] for r in found)
    assert sum(lost.values()) <= 0.01 * len(truth)


def told(path: Path, keys: bytes, block: int = 64 << 20) -> list[Row]:
    """Rows of a whole reading: exchanges are built, bodies kept, and each is made a row afterwards."""
    found: list[Row] = []

    class Told:
        def exchange(self, exchange: Exchange) -> None:
            found.append(row_of(exchange))

        def handshake(self, handshake: Handshake) -> None: ...
        def connection(self, connection: Connection) -> None: ...
        def problem(self, problem: Problem) -> None: ...

    capture = Capture(open_source(path), block)
    read_connections(
        capture.blocks(), capture.base, Told(), source=capture.name, converse=conversation, keys=key_store(path, keys)
    )
    return sorted(found)


def key_store(path: Path, keys: bytes) -> Keys:
    """The keys given, and those that the capture holds."""
    store = Keys()
    store.add(keys)
    capture = Capture(open_source(path))
    for _ in capture.blocks():
        pass
    for _, data in capture.secrets:
        store.add(data)
    return store


def listed(path: Path, keys: bytes, block: int = 64 << 20) -> list[Row]:
    found: list[Row] = []
    list_rows(Capture(open_source(path), block), found.append, keys=key_store(path, keys))
    return found


@pytest.mark.parametrize("path", sorted(Path("pcaps").glob("*/*.pcapng")), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_listing_says_what_a_whole_reading_says(path: Path) -> None:
    assert listed(path, b"") == told(path, b"")


@pytest.mark.parametrize("block", [100_000, 64 << 20])
@pytest.mark.parametrize("mix", [Mix(seed=1), Mix(seed=2, copies=0.03, reorder=0.03, drop=0.003)], ids=str)
def test_a_listing_of_opened_connections_says_what_a_whole_reading_says(tmp_path: Path, mix: Mix, block: int) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    _, truth = make(path, mix, connections=40, maker=SealedMaker(mix, keys))
    found = listed(path, keys.read_bytes(), block)
    assert found == told(path, keys.read_bytes(), block)
    if not mix.drop:
        assert Counter(map(as_truth, found)) == Counter(truth)


def test_opened_connections_do_not_need_the_general_way(tmp_path: Path) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    mix = Mix(seed=3, copies=0.02, reorder=0.02)
    _, truth = make(path, mix, connections=40, maker=SealedMaker(mix, keys))
    for block in (1 << 20, 64 << 20):
        found: list[Row] = []
        lister = list_rows(Capture(open_source(path), block), found.append, keys=key_store(path, keys.read_bytes()))
        assert lister.fast_exchanges > 0.8 * len(truth)
        assert lister.tally.opened == 40
