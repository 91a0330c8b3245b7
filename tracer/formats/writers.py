"""The formats `export` writes, as a table: name, file ending, who writes it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO, NamedTuple

from .writing import Options, Readable

Write = Callable[[Readable, BinaryIO, Options], None]


class Writer(NamedTuple):
    name: str
    endings: tuple[str, ...]
    function: str
    """module:function; relative to this package unless it begins with the name of ours"""
    help: str


WRITERS = (
    Writer("trace", (".trace", ".tracer"), "tracer.store.copying:write", "our own: opens again, with everything in it"),
    Writer("json", (".json",), "json_export:write", "one JSON document"),
    Writer("jsonl", (".jsonl", ".ndjson"), "json_export:write_lines", "JSON, one object a line"),
    Writer("har", (".har",), "har_out:write", "HTTP Archive 1.2, for browsers' developer tools"),
    Writer("html", (".html", ".htm"), "html.report:write", "a report in one page"),
    Writer("md", (".md", ".markdown"), "markdown:write", "a report for an issue or a ticket"),
    Writer("curl", (".sh", ".curl"), "curl_export:write", "curl commands"),
    Writer("mitm", (".mitm", ".flow", ".flows"), "mitm_out:write", "mitmproxy flows"),
    Writer("pcapng", (".pcapng",), "pcapng_export:write", "packets that carry the same, for Wireshark"),
    Writer("otlp", (".otlp.json", ".otlp"), "otlp:write", "OpenTelemetry spans, as OTLP/JSON"),
    Writer("otlp-protobuf", (".otlp.pb", ".pb"), "otlp:write_protobuf", "OpenTelemetry spans, as OTLP protobuf"),
    Writer("parquet", (".parquet",), "parquet:write", "a table for data tools"),
)
NAMES = tuple(w.name for w in WRITERS)


def by_name(name: str) -> Writer:
    """The writer of this name. Raises KeyError."""
    return {w.name: w for w in WRITERS}[name]


def by_ending(path: str) -> Writer | None:
    """The writer whose ending the file name has, the longest one first."""
    endings = sorted(((e, w) for w in WRITERS for e in w.endings), key=lambda pair: -len(pair[0]))
    return next((w for e, w in endings if path.lower().endswith(e)), None)


def load(writer: Writer) -> Write:
    """The function that writes it."""
    module, _, name = writer.function.partition(":")
    found: Write = getattr(import_module(module if module.startswith("tracer.") else f".{module}", __package__), name)
    return found
