"""Exchanges -> Parquet, one row each, for data frames and warehouses.

Needs pyarrow (`pip install 'tracer[parquet]'`); without it this module cannot be imported. The schema is
`parquet_rows.COLUMNS`; every column says in its metadata (`description`) what it means.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, BinaryIO

from .parquet_rows import COLUMNS, row_of
from .writing import Options, Readable, chosen, verdicts_of

pyarrow = import_module("pyarrow")
_ROWS = 5_000


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write the table in groups of rows."""
    schema = _schema(options)
    verdicts = verdicts_of(trace)
    with import_module("pyarrow.parquet").ParquetWriter(out, schema, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        for exchange in chosen(trace, options):
            handshake = trace.handshake(exchange.tls) if exchange.tls else None
            rows.append(_storable(row_of(trace, exchange, handshake, verdicts.get(exchange.id), options)))
            if len(rows) >= _ROWS:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """The row as Arrow takes it: whole microseconds, integers within 64 bits, text that UTF-8 can hold."""
    return {name: _fitted(COLUMNS[name].kind, value) for name, value in row.items()}


def _fitted(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "headers":
        return [{name: _text(part) for name, part in pair.items()} for pair in value]
    if kind == "string":
        return _text(value)
    if kind == "timestamp":
        value //= 1000
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None
    return value


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _schema(options: Options) -> Any:
    pair = pyarrow.struct([("name", pyarrow.string()), ("value", pyarrow.string())])
    kinds = {
        "string": pyarrow.string(),
        "int64": pyarrow.int64(),
        "int32": pyarrow.int32(),
        "float64": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "timestamp": pyarrow.timestamp("us", tz="UTC"),
        "headers": pyarrow.list_(pair),
    }
    made = {b"creator": f"tracer {options.version}".strip().encode()}
    columns = [
        pyarrow.field(name, kinds[column.kind], metadata={b"description": column.meaning.encode()})
        for name, column in COLUMNS.items()
    ]
    return pyarrow.schema(columns, metadata=made)
