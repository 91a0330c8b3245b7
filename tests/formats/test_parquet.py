"""Parquet: DuckDB reads it, and every column says what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet
import pytest

from tracer.formats import parquet, parquet_rows


def asked(query: str) -> list[Any]:
    """Rows that DuckDB answers with."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()


@pytest.fixture
def table(denied_trace: Any, write_with: Any, tmp_path: Path) -> Path:
    denied_trace.exchanged[0] = msgspec.structs.replace(denied_trace.exchanged[0], aborted="lone \ud800", stream=2**70)
    path = tmp_path / "t.parquet"
    path.write_bytes(write_with(parquet, denied_trace, version="1.2.3"))
    return path


def test_duckdb_reads_names_times_headers_and_verdicts(table: Path) -> None:
    columns = "id, host, status, wait_ms, duration_ms, denied, verdict_layer, tls_version, response_body_length"
    rows = asked(f"SELECT {columns} FROM '{table}' ORDER BY start")
    shared = ("shop.example",)
    assert rows == [
        ("e7", *shared, 302, 19.0, 30.0, False, None, "TLSv1.3", 0),
        ("e11", *shared, 303, 19.0, 30.0, False, None, "TLSv1.3", 0),
        ("e21", *shared, 403, 19.0, 30.0, True, "waf", "TLSv1.3", 14),
        ("e31", *shared, None, None, None, False, None, "TLSv1.3", None),
    ]
    ((value, exact),) = asked(
        f"SELECT h.value, start_ns - epoch_us(start) * 1000 FROM '{table}', unnest(request_headers) AS u(h) "
        "WHERE id = 'e11' AND lower(h.name) = 'cookie'"
    )
    assert (value, exact) == ("sid=[redacted:1]; lang=de", 0)


def test_the_file_documents_itself(table: Path) -> None:
    schema = pyarrow.parquet.read_schema(table)
    assert schema.names == list(parquet_rows.COLUMNS)
    assert all(schema.field(name).metadata[b"description"] for name in schema.names)
    assert schema.metadata[b"creator"] == b"tracer 1.2.3"


def test_what_arrow_cannot_hold_costs_its_cell_only(table: Path) -> None:
    (row,) = asked(f"SELECT aborted, stream, method FROM '{table}' WHERE id = 'e7'")
    assert row == ("lone ?", None, "GET")
