"""What is made of data that ships is kept, and never outlives what it was made from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracer.correlate import cues, marks, prepared, services, steps


class Rows(msgspec.Struct, frozen=True):
    rows: tuple[str, ...]


class Package:
    """A package of one source, and how often its rows were made."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "rows.toml"
        self.source.write_text("one two")
        self.made = 0

    def read(self) -> Rows:
        return prepared.prepared(Rows, ("rows.toml",), self._make)

    def _make(self) -> Rows:
        self.made += 1
        return Rows(tuple(self.source.read_text().split()))

    @property
    def kept(self) -> list[Path]:
        return [*self.source.parent.rglob("*.msgpack")]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.setattr(prepared, "HERE", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Package(tmp_path)


def test_rows_are_made_once(package: Package) -> None:
    assert [package.read(), package.read()] == [Rows(("one", "two"))] * 2
    assert package.made == 1
    assert [p.parent.name for p in package.kept] == ["__pycache__"]


def test_a_changed_source_is_read_again(package: Package) -> None:
    package.read()
    package.source.write_text("one six")
    assert package.read() == Rows(("one", "six"))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:32] + b"\x05", lambda b: b"", lambda b: b + b"x"])
def test_a_damaged_file_is_made_again(package: Package, damage: Callable[[bytes], bytes]) -> None:
    package.read()
    (kept,) = package.kept
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert package.read() == Rows(("one", "two"))
    assert package.made == 2
    assert kept.read_bytes() == whole


def test_nothing_is_written_where_python_writes_no_bytecode(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package.read()
    assert package.read() == Rows(("one", "two"))
    assert (package.made, package.kept) == (2, [])


def test_a_folder_that_cannot_be_made_is_no_failure(package: Package) -> None:
    (package.source.parent / "__pycache__").write_text("a file")
    assert package.read() == package.read() == Rows(("one", "two"))
    assert package.made == 2


@pytest.mark.parametrize("module", [marks, cues, services, steps])
def test_what_ships_comes_back_as_it_was_read(module: Any) -> None:
    read = module._read()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(read), type=module._Shipped) == read
    assert module._shipped() == read
