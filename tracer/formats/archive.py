"""ZIP archives with HTTP in them -> exchanges: Fiddler's sessions (SAZ), Playwright's traces, HAR files.

SAZ: `raw/N_c.txt` and `raw/N_s.txt` are the messages of session N, `raw/N_m.xml` its times. Playwright: lines of
`*.network` hold HAR entries, bodies lie in `resources`. Member names are looked up, never opened as files.
Problem codes: `zip.too-large`, `zip.broken`, `zip.member`, `zip.nothing`, and those of HAR.
"""

from __future__ import annotations

import base64
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .har_entry import Producer, read_entry
from .http_talk import Assembler, Place
from .http_text import say
from .message import address, target_of
from .raw_pair import feed_pair

_LARGEST = 512 << 20
_MEMBER = 256 << 20
"""bytes of one member, unpacked, that are read"""
_ALL = 2 << 30
"""bytes of all members together"""
_SESSION = re.compile(r"raw[/\\]0*(\d{1,9})_c\.txt", re.IGNORECASE)
_BEGAN = re.compile(rb'ClientBeginRequest="([^"]{10,40})"')
_HOST = re.compile(rb'N="x-hostip"\s+V="([^"]{2,60})"')

_UNREADABLE = (
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
)
"""a password, a compression that is not ours, damage"""


def kind_of(head: bytes) -> str | None:
    """`zip` for a ZIP archive, whatever is in it."""
    return "zip" if head.startswith(b"PK\x03\x04") else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report the exchanges of every member that is known."""
    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        say(context, sink, "zip.too-large", f"an archive of more than {_LARGEST >> 20} MiB is not read", Severity.ERROR)
        return
    try:
        members = _Members(zipfile.ZipFile(io.BytesIO(data)), context, sink)
    except (*_UNREADABLE, OverflowError, struct.error) as error:
        say(context, sink, "zip.broken", f"the ZIP archive cannot be read: {error}", Severity.ERROR)
        return
    sessions = sorted((int(found[1]), name) for name in members.names if (found := _SESSION.fullmatch(name)))
    networks = [name for name in members.names if name.endswith(".network")]
    hars = [name for name in members.names if name.lower().endswith(".har")]
    if sessions:
        _sessions(members, sessions)
    elif networks:
        _entries(members, networks)
    elif hars:
        _hars(members, hars)
    else:
        text = "there is no HAR, Fiddler session or Playwright trace in this ZIP archive: unpack it, and give its files"
        say(context, sink, "zip.nothing", text, Severity.ERROR)


class _Members:
    """Members by their names, unpacked within bounds; one that cannot be read is a problem and empty."""

    def __init__(self, archive: zipfile.ZipFile, context: Context, sink: Sink) -> None:
        self._archive, self.context, self.sink = archive, context, sink
        self.names = archive.namelist()
        self._known = frozenset(self.names)
        self._left = _ALL

    def read(self, name: str) -> bytes:
        if name not in self._known:
            return b""
        try:
            with self._archive.open(name) as member:
                data = member.read(min(_MEMBER, self._left) + 1)
        except _UNREADABLE as error:
            say(self.context, self.sink, "zip.member", f"{name} cannot be read: {error}", Severity.WARN)
            return b""
        self._left -= min(len(data), self._left)
        if len(data) > _MEMBER or not self._left:
            say(self.context, self.sink, "zip.member", f"{name} is too large and was passed over", Severity.WARN)
            return b""
        return data


def _sessions(members: _Members, sessions: list[tuple[int, str]]) -> None:
    talk = Assembler(members.context, members.sink)
    for _, name in sessions:
        told = members.read(name[:-5] + "m.xml")
        began, host = _BEGAN.search(told), _HOST.search(told)
        asked, answered = members.read(name), members.read(name[:-5] + "s.txt")
        scheme, port = _whither(asked)
        talk.place = Place(scheme=scheme, server=address(host[1].decode("ascii", "replace"), port) if host else None)
        feed_pair(talk, asked, answered, _moment(began[1]) if began else None)
        talk.flush()


def _whither(asked: bytes) -> tuple[str, int]:
    """Scheme and port of a request whose target is absolute, as Fiddler writes it."""
    method, _, rest = asked[:8192].decode("latin-1").partition(" ")
    scheme, authority, _ = target_of(method, rest.partition(" ")[0])
    port = (authority or "").rpartition(":")[2]
    default = 80 if scheme == "http" else 443
    return scheme or "http", int(port) if port.isdigit() and len(port) < 6 else default


def _moment(text: bytes) -> int | None:
    """Nanoseconds of `2026-11-24T13:00:00.1234567+01:00`; a session that never began has the year 1."""
    try:
        at = datetime.fromisoformat(text.decode("ascii", "replace"))
        return int(at.timestamp() * 10**6) * 1000 if at.year > 1970 and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _entries(members: _Members, names: list[str]) -> None:
    for number, entry in enumerate(_snapshots(members, names), 1):
        try:
            exchange, _ = read_entry(entry, number, members.context, Producer("Playwright"))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            text = f"entry {number} cannot be read: {type(error).__name__}"
            say(members.context, members.sink, "har.entry", text, Severity.WARN, number)
            continue
        members.sink.exchange(exchange)


def _snapshots(members: _Members, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        for line in members.read(name).splitlines():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and isinstance(entry := value.get("snapshot"), dict):
                _fill(members, entry)
                yield entry


def _fill(members: _Members, entry: dict[str, Any]) -> None:
    """Put the bodies in that lie beside the entry."""
    for message, part in (("request", "postData"), ("response", "content")):
        holder = entry.get(message)
        content = holder.get(part) if isinstance(holder, dict) else None
        if not isinstance(content, dict) or not isinstance(name := content.get("_sha1"), str):
            continue
        data = members.read(f"resources/{name}")
        if data and part == "content":
            content |= {"text": base64.b64encode(data).decode(), "encoding": "base64"}
        elif data:
            content |= {"text": data.decode("utf-8", "replace")}


def _hars(members: _Members, names: list[str]) -> None:
    from . import har

    for name in names:
        if data := members.read(name):
            har.read(io.BytesIO(data), members.context, members.sink)
