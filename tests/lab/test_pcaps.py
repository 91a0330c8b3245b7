"""The captures in pcaps/ are whole: they open, their keys fit, and their labels are in the contract's words."""

from __future__ import annotations

import functools
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tracer.model.verdict import Cause, Layer

PCAPS = Path(__file__).parents[2] / "pcaps"
FOLDERS = sorted(path.parent for path in PCAPS.glob("*/expected.json"))
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="not installed: tshark")


def _expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return found


_FIELDS = (
    "ip.src",
    "ip.dst",
    "tcp.analysis.lost_segment",
    "tls.handshake.type",
    "tls.handshake.random",
    "tls.alert_message.level",
    "http.response.code",
    "http2.headers.status",
    "quic",
)


@functools.cache
def _tshark(capture: Path) -> list[dict[str, str]]:
    """One row a packet, by name of the field."""
    fields = [word for name in _FIELDS for word in ("-e", name)]
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", *fields]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(_FIELDS, line.split("\t"), strict=True)) for line in out.splitlines()]


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def test_the_demonstration_is_there() -> None:
    assert (PCAPS / "nginx-deny" / "capture.pcapng").exists()


def test_all_of_it_is_a_few_megabytes_at_most() -> None:
    assert sum(path.stat().st_size for path in PCAPS.rglob("*") if path.is_file()) < 4 * 1024 * 1024


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_expected_is_said_in_the_words_of_the_contract(folder: Path) -> None:
    expected = _expected(folder)
    assert expected["case"] == folder.name
    assert expected["layer"] in set(Layer)
    assert expected["cause"] in set(Cause)
    assert set(expected["accept"]["layers"]) <= set(Layer)
    assert set(expected["accept"]["causes"]) <= set(Cause)
    assert expected["status"] is None or 200 <= expected["status"] < 600
    assert expected["keys"] in ("embedded", "none")
    assert expected["proof"]["line"]
    assert len((folder / "STORY.md").read_text().strip().splitlines()) == 2


@needs_tshark
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tshark_opens_the_capture_and_finds_it_whole(folder: Path) -> None:
    rows = _tshark(folder / "capture.pcapng")
    assert len(rows) > 5
    assert not any(row["tcp.analysis.lost_segment"] for row in rows)
    if _expected(folder)["cause"] != Cause.STALE_DENIAL:
        assert any(_host(_expected(folder)["hop"]) in (row["ip.src"], row["ip.dst"]) for row in rows)


@needs_tshark
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_embedded_keys_open_every_tls_connection(folder: Path) -> None:
    hellos = [row for row in _tshark(folder / "capture.pcapng") if row["tls.handshake.type"].startswith("1")]
    assert _expected(folder)["keys"] == ("embedded" if hellos else "none")
    raw = (folder / "capture.pcapng").read_bytes()
    for random in {row["tls.handshake.random"].partition(",")[0].replace(":", "") for row in hellos}:
        assert random.encode() in raw, "no secret for a client random"


@needs_tshark
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_status_is_in_the_capture(folder: Path) -> None:
    expected, rows = _expected(folder), _tshark(folder / "capture.pcapng")
    if expected["status"] is None:
        alarmed = {row["ip.src"] for row in rows if row["tls.alert_message.level"].startswith("2")}
        assert _host(expected["hop"]) in alarmed
        return
    seen = {code for row in rows for code in (row["http.response.code"], row["http2.headers.status"])}
    codes = {part for code in seen for part in code.split(",")}
    hidden = any(row["quic"] for row in rows)  # tshark 4.0 leaves the fields of HTTP/3 packed
    assert str(expected["status"]) in codes or hidden


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_view_of_the_client_is_a_part_of_the_whole(folder: Path) -> None:
    whole = _packets(folder / "capture.pcapng")
    for capture in folder.glob("client.pcapng"):
        part = _packets(capture)
        assert 0 < len(part) < len(whole)
        assert part <= whole


def _packets(capture: Path) -> set[bytes]:
    """Bodies of the enhanced packet blocks, times included."""
    raw, at, found = capture.read_bytes(), 0, set()
    while at < len(raw):
        kind, size = struct.unpack_from("<II", raw, at)
        if kind == 6:
            found.add(raw[at : at + size])
        at += size
    return found
