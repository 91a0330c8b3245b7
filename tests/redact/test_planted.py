"""No planted secret leaves by any door: every exporter, every view."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet
import pytest

from tracer.formats.writers import WRITERS, Writer, load
from tracer.formats.writing import Options
from tracer.model.source import Source
from tracer.pipeline import read
from tracer.redact import Redacted, Redactor
from tracer.store.trace import Trace

from .planted import KINDS, PLACES, plants, values


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved trace that holds all of them."""
    path = tmp_path_factory.mktemp("planted") / "planted.trace"
    with Trace() as trace:
        trace.source(Source(name="plants", kind="http", bytes=1))
        for value in values():
            getattr(trace, type(value).__name__.lower())(value)
        trace.save(path)
    return path


def test_there_are_twenty_kinds_at_forty_places() -> None:
    assert len({k.name for k in KINDS}) >= 20
    assert len(PLACES) >= 40
    secrets = [p.secret for _, p in plants()]
    assert len(set(secrets)) == len(secrets)


WINDOW = 9


def cores(secret: str) -> set[str]:
    """Pieces that give a secret away even when it is cut, quoted or escaped: plain characters, from both halves."""
    inside = secret.split("\n")[1] if "\n" in secret else secret.rpartition(".")[2]
    runs = re.findall(rf"[A-Za-z0-9]{{{WINDOW},}}", inside)
    return {run[-WINDOW:] for run in runs} | {run[:WINDOW] for run in runs if len(run) >= 4 * WINDOW}


def leaks(output: bytes) -> dict[str, list[str]]:
    """Kinds by the place from which their secret came out, in whatever coding."""
    runs = {run for data in unpacked(output) for run in re.findall(rb"[A-Za-z0-9]{%d,}" % WINDOW, data)}
    windows = {run[at : at + WINDOW].decode() for run in runs for at in range(len(run) - WINDOW + 1)}
    found: dict[str, list[str]] = {}
    for place, plant in plants():
        pieces = cores(plant.secret)
        if plant.kind.name in ("basic", "proxy"):
            pieces |= cores(base64.b64decode(plant.secret).decode().partition(":")[2])
        assert pieces
        if pieces & windows:
            found.setdefault(place, []).append(plant.kind.name)
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """The output, and what is inside it: compressed streams and base64."""
    yield data
    for at in (m.start() for m in re.finditer(rb"\x1f\x8b\x08", data)):
        unpacking = zlib.decompressobj(31)
        try:
            yield unpacking.decompress(data[at:], 1 << 20)
        except zlib.error:
            continue
    for run in re.findall(rb"[A-Za-z0-9+/\r\n]{24,}={0,2}", data):
        try:
            yield base64.b64decode(run)
        except binascii.Error:
            continue


def everything(trace: Trace) -> bytes:
    """Every value of a trace, bodies decoded, as bytes."""
    out = io.BytesIO()
    groups: tuple[Iterable[Any], ...] = (trace.exchanges(), trace.handshakes(), trace.problems(), trace.verdicts())
    for group in groups:
        for value in group:
            out.write(repr(value).encode("utf-8", "replace") + b"\n")
            for name in ("request", "response"):
                if (message := getattr(value, name, None)) is not None:
                    data = trace.content(value.source, message.body)
                    out.write((gzip.decompress(data) if message.body.codings else data) + b"\n")
    return out.getvalue()


@pytest.mark.parametrize("writer", WRITERS, ids=lambda w: w.name)
def test_nothing_leaves_by_an_export(planted: Path, writer: Writer, tmp_path: Path) -> None:
    trace = Trace.open(planted)
    out = io.BytesIO()
    load(writer)(Redacted(trace, Redactor()), out, Options(version="1"))
    data = out.getvalue()
    assert b"[redacted:" in data or writer.name in ("trace", "mitm", "parquet")
    path = tmp_path / f"out.{writer.name}"
    path.write_bytes(data)
    if writer.name in ("trace", "mitm", "har", "pcapng"):
        data += everything(read([str(path)], judge=False).trace)
    if writer.name == "parquet":
        data += repr(pyarrow.parquet.read_table(path).to_pylist()).encode()
    assert b"[redacted:" in data
    assert leaks(data) == {}


@pytest.mark.parametrize("command", [("explain",), ("explain", "--json"), ("list",), ("list", "--format", "json"),
                                     ("show", "--filter", "~all"), ("show", "--filter", "~all", "--json")])  # fmt: skip
def test_nothing_leaves_by_a_view(planted: Path, command: tuple[str, ...], tmp_path: Path) -> None:
    name, *options = command
    words = [sys.executable, "-m", "tracer.cli", name, str(planted), "-v", *options]
    env = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "COLUMNS": "100000"}
    done = subprocess.run(words, capture_output=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 10_000
    assert leaks(re.sub(rb"\s*\n\s*", b" ", done.stdout) + done.stdout + done.stderr) == {}


def test_the_test_would_find_them(planted: Path) -> None:
    trace = Trace.open(planted)
    found = leaks(everything(trace))
    assert set(found) == set(PLACES)
    assert {kind for kinds in found.values() for kind in kinds} == {k.name for k in KINDS}
    assert msgspec.json.encode(found)
