"""Which outside format a source is in, by content, and who reads it.

Order matters where a text shows several tools' marks: the more particular first. Readers are imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO

from tracer.transport.conversation import Context, Sink

KINDS = ("zip", "har", "mitm", "burp", "zap", "modsecurity", "curl", "wget", "httpie", "python", "http")
"""in the order in which they are asked"""
_MODULES = {"zip": "archive", "http": "http_text", "python": "python_log"}


def kind_of(head: bytes) -> str | None:
    """The format that the first bytes (64 KiB are enough) speak for; None for none of these."""
    for kind in KINDS:
        if import_module(f".{_MODULES.get(kind, kind)}", __package__).kind_of(head):
            return kind
    return None


def reader(kind: str) -> Callable[[BinaryIO, Context, Sink], None]:
    """The function that reads a source of this kind into a sink. Raises KeyError for kinds that are not ours."""
    if kind not in KINDS:
        raise KeyError(kind)
    found: Callable[[BinaryIO, Context, Sink], None] = import_module(f".{_MODULES.get(kind, kind)}", __package__).read
    return found
