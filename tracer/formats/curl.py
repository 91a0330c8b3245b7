"""`curl -v`, `-i` and `--trace` output, as people paste it -> exchanges, connections, handshakes.

Reads any mix of runs in one text, with prompts, colours, progress meters, Windows line ends and missing parts.
Entry N is the Nth exchange in the text. Problem codes: `curl.error` (what curl said where no exchange can carry
it), `text.no-message`, `text.too-large`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from tracer.model.problem import Severity
from tracer.transport.conversation import Context, Sink

from .curl_command import Command, parse_command
from .curl_marks import (
    ASKED,
    BEFORE_REQUEST,
    COMMAND,
    COUNT,
    ERROR,
    GLUED,
    HTTP_ERROR,
    PROGRESS,
    PROXY_ERROR,
    SAID,
    SEEN,
    STAMP,
    STRONG,
    TABLE,
    TUNNEL,
)
from .curl_notes import Notes
from .curl_trace import Blocks, is_hex, is_trace
from .http_talk import REQUEST_LINE, STATUS_LINE, Assembler
from .http_text import load, say
from .pasted import plain


def kind_of(head: bytes) -> str | None:
    """`curl` when the text shows curl's marks: `> GET … HTTP/`, `< HTTP/`, `* Connected to`, `== Info:`."""
    if b"\0" in head[:64] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return None
    text = plain(head).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    glued = b"     0*   Trying " in text
    return "curl" if SEEN.search(text) or SAID.search(text) or glued or ASKED.search(text) else None


def read(stream: BinaryIO, context: Context, sink: Sink) -> None:
    """Report what a curl run (or several) shows."""
    reader = _Reader(context, sink)
    data = load(stream, context, sink)
    if is_trace(data):
        reader.trace(data)
    else:
        reader.verbose(data)
    reader.finish()


class _Reader:
    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._talk = Assembler(context, sink)
        self._notes = Notes(context)
        self._command: Command | None = None
        self._asks: Command | None = None
        """what was asked last as far as the command line tells"""
        self._in_head: bool | None = None
        """True in a request's head, False in a response's, None outside"""
        self._skip = False
        """inside the second copy of a head that `-i` prints"""
        self._told = 0
        self._marked: Counter[tuple[bytes, ...]] = Counter()
        """heads that came with marks and have not been met without them"""
        self._head: list[bytes] = []
        self._held: list[bytes] = []
        """a head without marks, until it is known whether it is the second copy of one"""

    # -- curl -v

    def verbose(self, data: bytes) -> None:
        """Line by line; while a body of known length lasts, only lines that can be nothing else end it."""
        for whole in _lines(data):
            for part in _parts(whole):
                self._line(part)

    def _line(self, whole: bytes) -> None:
        while True:
            line = whole.rstrip(b"\r\n")
            stamp = STAMP.match(line)
            mark = line[stamp.end() :] if stamp else line
            if self._is_body(mark):
                left = self._talk.remaining(False)
                if left is None or left >= len(whole):
                    self._body(whole, line)
                    return
                self._talk.data(whole[:left], False)
                whole = whole[left:]
                if not whole.strip():
                    return
                continue
            self._mark(mark, line)
            return

    def _is_body(self, mark: bytes) -> bool:
        """The line belongs to the response's body."""
        if self._in_head is not None or self._skip or not self._talk.active or self._talk.status is None:
            return False
        if mark.startswith((b"> ", b"< ")) and (REQUEST_LINE.match(mark[2:]) or STATUS_LINE.match(mark[2:])):
            return False
        if STRONG.match(mark) or ERROR.match(mark) or COUNT.match(mark) or TABLE.match(mark):
            return False
        if STATUS_LINE.match(mark) and (self._talk.empty or self._talk.remaining(False) in (0, None)):
            return False
        if COMMAND.match(mark) and mark[:1] in (b"$", b"#", b"%"):
            return False
        left = self._talk.remaining(False)
        return left is None or left > 0

    def _body(self, whole: bytes, line: bytes) -> None:
        if found := GLUED.search(line):
            if found.start():
                self._talk.data(line[: found.start()], False)
            self._mark(found[1], found[1])
        else:
            self._talk.data(whole, False)

    def _mark(self, mark: bytes, line: bytes) -> None:
        head, rest = mark[:2], mark[2:]
        if self._held and head in (b"* ", b"> ", b"< "):
            self._release()
        if head == b"* ":
            self._info(rest.decode("utf-8", "replace"))
        elif head in (b"> ", b">"):
            self._out(rest)
        elif head in (b"< ", b"<"):
            self._remember(rest)
            self._in(rest)
        elif found := ERROR.search(mark):
            self._error(int(found[1]), found[2].decode("utf-8", "replace"))
        elif COUNT.match(mark) or TABLE.match(mark):
            return
        else:
            self._raw(line)

    def _out(self, line: bytes, time_ns: int | None = None) -> None:
        if self._in_head is not True and REQUEST_LINE.match(line):
            self._leave()
            self._talk.place = self._notes.place
            self._talk.request(line, time_ns)
            self._in_head, self._command = True, None
        elif self._in_head is True and line.strip():
            self._talk.field(line, True)
        elif self._in_head is True:
            self._talk.end_of_head(True)
            self._in_head = None

    def _in(self, line: bytes, time_ns: int | None = None) -> None:
        if STATUS_LINE.match(line):
            self._skip = False
            if not self._talk.waiting:
                self._leave()
                self._talk.place = self._notes.place
            self._talk.response(line, time_ns)
            self._in_head = False
        elif self._in_head is False and line.strip():
            self._talk.field(line, False)
        elif self._in_head is False:
            self._end_of_response_head()

    def _end_of_response_head(self) -> None:
        self._talk.end_of_head(False)
        self._in_head = None
        status, current = self._talk.status or 0, self._talk.id
        if self._talk.connecting and 200 <= status < 300 and current:
            self._notes.tunnel(current)

    def _leave(self) -> None:
        """Between two exchanges."""
        self._in_head, self._skip = None, False

    def _info(self, text: str) -> None:
        self._notes.take(text)
        if text.startswith(("Closing connection", "closing connection")) and self._in_head is not None:
            self._leave()

    def _raw(self, line: bytes) -> None:
        """A line without a mark: a prompt, what `-i` prints, or noise."""
        if self._held:
            self._held.append(line)
            if not line.strip():
                self._release()
        elif STATUS_LINE.match(line) and self._marked:
            self._held, self._skip = [line], True
        elif self._in_head is not None and not (self._in_head is False and self._raw_head()) and line.strip():
            self._talk.wrapped(line, self._in_head)
        else:
            self._plain(line)

    def _remember(self, line: bytes) -> None:
        if STATUS_LINE.match(line):
            self._head = [line]
        elif self._head and line.strip():
            self._head.append(line)
        elif self._head:
            self._marked[tuple(self._head)] += 1
            self._head = []

    def _release(self) -> None:
        """`-v` and `-i` together print every head twice, into a pipe often all second copies at the end."""
        held, self._held, self._skip = self._held, [], False
        key = tuple(line for line in held if line.strip())
        if self._marked[key] > 0:
            self._marked[key] -= 1
            return
        for line in held:
            self._plain(line)

    def _plain(self, line: bytes) -> None:
        if self._skip:
            self._skip = bool(line.strip())
        elif STATUS_LINE.match(line):
            if self._talk.active and self._talk.status == _status(line) and self._talk.empty and not self._raw_head():
                self._skip = self._in_head is None
                return
            self._asked(line)
            self._in(line)
            self._raw_begun = self._talk.id
        elif self._in_head is False and self._raw_head():
            self._in(line)
        elif found := COMMAND.search(line[:8192]):
            self._command = parse_command(found[1].decode("utf-8", "replace"))
            self._notes.scheme = None
            self._marked.clear()  # another run

    _raw_begun: str | None = None

    def _raw_head(self) -> bool:
        """The current response's head came without marks (`curl -i`)."""
        return self._raw_begun is not None and self._raw_begun == self._talk.id

    def _asked(self, answer: bytes) -> None:
        """What the command line asked for, before an answer whose request is not shown (`curl -i`)."""
        if self._command is None and self._asks is not None and (location := self._talk.location):
            self._command = self._asks.follow(self._talk.status or 0, location)
        if self._command is None or self._talk.waiting:
            return
        self._leave()
        self._talk.place = self._notes.place
        if TUNNEL.match(answer):
            self._talk.request(f"CONNECT {self._command.authority} HTTP/1.1".encode())
            return
        command, self._command = self._command, None
        self._reconstruct(command, answer.split()[0].decode())

    def _reconstruct(self, command: Command, version: str = "HTTP/1.1") -> None:
        self._asks = command
        self._talk.request(f"{command.method} {command.url} {version}".encode())
        fields = dict(command.headers)
        if not any(name.lower() == "user-agent" for name in fields):
            fields["User-Agent"] = "curl"
        for name, value in fields.items():
            self._talk.field(f"{name}: {value}".encode(), True)
        self._talk.end_of_head(True)
        self._talk.extra = {"curl.reconstructed": "from the command line"}

    # -- curl: (NN) …

    def _error(self, code: int, text: str) -> None:
        """curl's last word: it belongs to the exchange at hand, or stands for one that was not shown."""
        said = f"curl: ({code}) {text.strip()}"
        self._notes.take(text)
        self._leave()
        answered = self._talk.status is not None and code in BEFORE_REQUEST
        if self._talk.active and self._talk.id != self._finished and not answered:
            self._talk.note = said
            self._finished = self._talk.id
            return
        self._unseen(said)

    _finished: str | None = None

    def _unseen(self, said: str) -> None:
        """Failed before (or without) showing a request: make of it what the command line and the error tell."""
        command, self._command = self._command, None
        proxy, plain_error = PROXY_ERROR.search(said), HTTP_ERROR.search(said)
        self._talk.flush()
        self._talk.place = self._notes.place
        if proxy:
            self._talk.request(f"CONNECT {command.authority if command else '*:443'} HTTP/1.1".encode())
        elif command:
            self._reconstruct(command)
        elif not plain_error:
            say(self._context, self._sink, "curl.error", said, Severity.NOTE)
            self._told += 1
            return
        if status := (proxy and (proxy[1] or proxy[2])) or (plain_error and plain_error[1]):
            self._talk.response(f"HTTP/1.1 {status}".encode())
        self._talk.note = said
        self._talk.extra = {"curl.reconstructed": "from the command line and the error message"}
        self._finished = self._talk.id

    # -- curl --trace

    def trace(self, data: bytes) -> None:
        """Blocks say what they are; nothing has to be guessed."""
        self._talk.lossy = not is_hex(data)
        for block in Blocks(data):
            if block.kind == "info":
                self._info(block.data.decode("utf-8", "replace").rstrip())
            elif block.kind in ("send-header", "recv-header"):
                take = self._out if block.kind == "send-header" else self._in
                for line in block.data.removesuffix(b"\n").split(b"\n"):
                    take(line.rstrip(b"\r"), block.time_ns)
            elif block.kind in ("send-data", "recv-data") and self._talk.active:
                self._talk.data(block.data, block.kind == "send-data", block.time_ns)
            elif block.kind == "error" and (found := ERROR.search(block.data)):
                self._error(int(found[1]), found[2].decode("utf-8", "replace"))

    def finish(self) -> None:
        self._release()
        self._talk.flush()
        self._notes.report(self._sink)
        if not self._talk.count and not self._told:
            text = "there is no HTTP message in this curl output"
            say(self._context, self._sink, "text.no-message", text, Severity.WARN)


def _lines(data: bytes) -> Iterator[bytes]:
    """Lines with their line feeds; carriage returns end no line."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        yield data[at:end]
        at = end


def _parts(whole: bytes) -> list[bytes]:
    """A line without the progress meters that were drawn over it."""
    body = whole.rstrip(b"\r\n")
    pieces = [p for p in body.split(b"\r") if p.strip()]
    if len(pieces) > 1 and any(PROGRESS.match(p) for p in pieces):
        return [part for piece in pieces for part in _parts(piece + b"\n")]
    if found := PROGRESS.match(body):
        rest = body[found.end() :]
        return [rest + whole[len(body) :]] if rest.strip() else []
    return [whole]


def _status(line: bytes) -> int | None:
    found = STATUS_LINE.match(line)
    return int(found[2]) if found else None
