"""Exchanges -> Parquet, one row each, for data frames and warehouses.

Needs pyarrow (`pip install 'tracer[parquet]'`); without it this module cannot be imported. The columns are
`parquet_rows.COLUMNS`; times are UTC nanoseconds, null means "cannot be known from what was captured". Headers are
lists of name and value, in order.
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
            rows.append(row_of(trace, exchange, handshake, verdicts.get(exchange.id), options))
            if len(rows) >= _ROWS:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _schema(options: Options) -> Any:
    pair = pyarrow.struct([("name", pyarrow.string()), ("value", pyarrow.string())])
    kinds = {
        "string": pyarrow.string(),
        "int64": pyarrow.int64(),
        "int32": pyarrow.int32(),
        "float64": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "timestamp": pyarrow.timestamp("ns", tz="UTC"),
        "headers": pyarrow.list_(pair),
    }
    made = {b"creator": f"tracer {options.version}".strip().encode()}
    return pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()], metadata=made)
