"""What the pipeline reads from: key logs, sources as streams, names for sources."""

from __future__ import annotations

import io
import os
import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tracer.model.problem import Problem, Severity
from tracer.store.trace import Trace

if TYPE_CHECKING:
    from tracer.capture.source import Source as Opened

_LARGEST_KEY_LOG = 256 << 20
_RELEASED = 16 << 20
"""bytes of a mapped source that are read before their pages are given back"""


class Progress(msgspec.Struct, frozen=True):
    """How far reading has come."""

    source: str
    bytes: int
    total: int | None
    packets: int


def name_of(origin: str | os.PathLike[str] | BinaryIO) -> str:
    return os.fspath(origin) if isinstance(origin, (str, os.PathLike)) else "-"


def unused(name: str, names: set[str]) -> str:
    """The name, with a number when the same one was given before."""
    unused, n = name, 1
    while unused in names:
        n += 1
        unused = f"{name}#{n}"
    names.add(unused)
    return unused


class SourceStream(io.RawIOBase):
    """An opened source as a stream."""

    def __init__(self, opened: Opened, progress: Callable[[Progress], None] | None) -> None:
        self._opened, self._progress, self._at = opened, progress, 0
        self._released = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        opened = self._opened
        while opened.ready <= self._at and not opened.done:
            opened.grow(self._at + len(buffer))
        data = bytes(opened.base[self._at : min(opened.ready, self._at + len(buffer))])
        buffer[: len(data)] = data
        self._at += len(data)
        if self._at - self._released >= _RELEASED:
            opened.release(self._at)
            self._released = self._at
        if self._progress:
            self._progress(Progress(opened.name, opened.position(self._at), opened.total, 0))
        return len(data)


def key_logs(keylogs: Sequence[str]) -> list[str]:
    """Paths of the key logs that were named, and of the one that SSLKEYLOGFILE names."""
    environment = os.environ.get("SSLKEYLOGFILE", "")
    return [*keylogs, *([environment] if environment and environment not in keylogs else [])]


def private_keys(files: Iterable[bytes]) -> list[bytes]:
    """The servers' RSA keys among these files as PEM without a password, for another program to read."""
    from tracer.tls.keys import Keys
    from tracer.tls.private_keys import PASSWORD, as_pem

    password = os.environ.get(PASSWORD)
    keys = Keys(password.encode() if password is not None else None)
    for data in files:
        keys.add(data)
    return [as_pem(key) for key in keys.private]


def read_keys(keylogs: Sequence[str], trace: Trace, grows: bool = False) -> Any:
    """The key store with every key log in it, the one SSLKEYLOGFILE names included; `grows`: what is added to them
    while the capture is read counts as well."""
    from tracer.tls.keys import Keys
    from tracer.tls.private_keys import PASSWORD

    password = os.environ.get(PASSWORD)
    keys = Keys(password.encode() if password is not None else None)
    for path in key_logs(keylogs):
        try:
            with open(path, "rb") as file:
                data = file.read(_LARGEST_KEY_LOG)
        except OSError as error:
            text = f"the key log cannot be read: {error.strerror or error}"
            severity = Severity.WARN if path in keylogs else Severity.NOTE
            trace.problem(Problem(code="keys.unreadable", severity=severity, text=text, source=path))
            continue
        if grows:
            data = data[: _whole(data)]
            keys.follow(Growing(path, len(data)).read, path)
        keys.add(data, path, given=path in keylogs)
    for problem in keys.take_problems():
        trace.problem(problem)
    return keys


def _whole(data: bytes) -> int:
    """Where a key log ends, but for a last line that is being written."""
    from tracer.tls.key_log import read_line

    last = data.rfind(b"\n") + 1
    return last if read_line(data[last:]) is None else len(data)


class Growing:
    """A file that grows, from there on."""

    def __init__(self, path: str, at: int) -> None:
        self._path = path
        self._at = at

    def read(self) -> bytes:
        """What was added since the last call."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at)
                data = file.read(_LARGEST_KEY_LOG)
        except OSError:
            return b""
        self._at += len(data)
        return data


_COMMAND = re.compile(rb"\s*(?:[$#%>] )?curl(?:\.exe)? [^\n]*https?://")


_DENIED = re.compile(
    rb"\b(40[137]|429)\b\)?:? (?:Client Error|Forbidden|Unauthorized|Too Many)|\bstatus(?: code)? (403|401)\b"
)
_URL = re.compile(rb"https?://[\w.:/%~+-]{4,200}")


_PACKED = {
    b"\x04\x22\x4d\x18": "packed with LZ4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
}
_FOREIGN = {
    b"snoop\0\0\0": "snoop",
    b"GMBU": "Microsoft Network Monitor",
    b"RTSS": "Microsoft Network Monitor",
    b"TRSNIFF data": "Sniffer",
    b"XCP\0": "Sniffer",
    b"ObserverPktBuffer": "Observer",
    b"\x05VNF": "Visual Networks",
    b"TR\0d": "nettl",
}
"""how files begin that Wireshark's tools can convert"""


def unknown(head: bytes, told: Iterable[Problem] = ()) -> str:
    """Why a source that begins so is none of ours; `told` is what went wrong before it could be looked at."""
    if not head and (before := next(iter(told), None)) is not None:
        return f"{before.text}: nothing of it can be read"
    if not head:
        return "it is empty"
    if _COMMAND.match(head):
        return "it is a curl command, not what curl printed: `tracer run -- curl …` runs it and explains its answer"
    for begin, what in _PACKED.items():
        if head.startswith(begin):
            return f"it is {what}: unpack it first (gzip and zstd are read as they are)"
    for begin, what in _FOREIGN.items():
        if head.startswith(begin):
            return f"it is a capture of {what}: `editcap -F pcapng FILE NEW.pcapng` makes one of it that can be read"
    if found := _DENIED.search(head):
        url = next((u.decode() for u in _URL.findall(head)), "URL")
        status = (found[1] or found[2]).decode()
        return f"it tells of a {status} and shows no HTTP message: `curl -v {url} 2>&1 | tracer explain -` does"
    words = head[:40].splitlines()[0].decode("ascii", "replace")
    begins = f"“{words}”" if words.isascii() and words.isprintable() else head[:8].hex(" ")
    return (
        f"it begins with {begins}: not a capture (pcap, pcapng), HAR, mitmproxy flows, curl -v output, "
        "HTTP messages or a saved trace"
    )


def bug(code: str, source: str, text: str) -> Problem:
    """The exception being handled, as a problem."""
    return Problem(code=code, severity=Severity.BUG, text=f"{text}: {traceback.format_exc()}", source=source)
