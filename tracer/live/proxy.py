"""A mitmproxy process of ours with the recording addon in it, and the recorder here behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from tracer.model.verdict import Verdict
from tracer.store.scratch import scratch
from tracer.store.trace import Trace

from .journal import folder_of
from .recorder import Recorder, stand_back
from .records import Listening
from .said import advice, errors

START = 30.0
"""seconds that mitmproxy may take to listen"""
MOST = 100_000
"""exchanges that a recording without a name keeps"""
STREAMED = "16m"
"""bodies from which on they pass while they come: mitmproxy alone holds each back, and in memory, until it is whole"""
_PRINTED = 1 << 16
"""bytes of what mitmproxy prints that are looked at"""
_RUN = "import sys; from mitmproxy.tools.main import mitmdump; sys.exit(mitmdump())"
NEEDED = (
    "this needs mitmproxy in the same Python: pip install 'tracer[live]' (or uv tool install 'tracer[live]'). "
    "A mitmproxy of its own records too: uv tool install mitmproxy --with tracer, then mitmproxy -s {script}"
)


class ProxyError(Exception):
    """The proxy did not start; the message says why."""


def addon() -> Path:
    """The script that mitmproxy runs."""
    spec = find_spec("addons.record")
    if spec is None or spec.origin is None:
        raise ProxyError("the addon (addons/record.py) is not installed beside tracer")
    return Path(spec.origin)


class Proxy:
    """A context in which a proxy runs and is recorded; `record` until something happens, then look at `trace`."""

    def __init__(
        self,
        save: str | None,
        listen: Sequence[tuple[str, str]],
        options: Sequence[str] = (),
        tell: Callable[[Verdict], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        environment: dict[str, str] | None = None,
    ) -> None:
        if find_spec("mitmproxy") is None:
            raise ProxyError(NEEDED.format(script=addon()))
        self._save, self._tell, self._say = save, tell, say
        self._arguments = [part for pair in listen for part in pair]
        self._options = options
        self._environment = environment or {}
        self._exit = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def _start(self) -> None:
        enter = self._exit.enter_context
        if self._save is None:
            self.folder = enter(scratch())
            path = self.folder / "trace"
        else:
            path = Path(self._save)
        self.trace = enter(Trace(path))
        journal = folder_of(path)
        most = MOST if self._save is None else None
        self.recorder = Recorder(self.trace, journal, self._tell, self._say, most)
        if self._save is not None:
            self.folder = journal
        self._output = enter(open(self.folder / "mitmproxy.log", "w+b"))  # noqa: SIM115
        settings = {"tracer_journal": str(journal), "flow_detail": "0", "termlog_verbosity": "error"}
        settings["stream_large_bodies"] = STREAMED
        given = [*(f"{k}={v}" for k, v in settings.items()), *self._options]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _RUN,
                "-s",
                str(addon()),
                *self._arguments,
                *(w for s in given for w in ("--set", s)),
            ],
            stdin=subprocess.PIPE,  # closes when we end in whatever way, and it ends then
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=os.environ | self._environment,
            start_new_session=True,  # Ctrl-C reaches us, and we end it when all is recorded
        )
        self._exit.callback(self._stop)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START
        while self.recorder.ready is None:
            if not self.running or time.monotonic() > until:
                raise ProxyError(f"mitmproxy did not start: {self.said()}")
            if not self.recorder.step():
                time.sleep(0.01)
        if not self.recorder.ready:
            raise ProxyError(f"mitmproxy listens nowhere: {self.said()}")

    @property
    def servers(self) -> tuple[Listening, ...]:
        """What runs in it: one server for each mode."""
        return self.recorder.ready or ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, `127.0.0.1:8080`."""
        return tuple(dict.fromkeys(a for server in self.servers for a in server.addresses))

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """Why mitmproxy ended or did not start, as far as it says, and what helps."""
        text = os.pread(self._output.fileno(), _PRINTED, 0).decode("utf-8", "replace")
        told = "; ".join(errors(text)) or "it does not say why"
        help_ = advice(text)
        return f"{told}\n{help_}" if help_ else told

    def let_through(self, host: str) -> None:
        """Leave this host's TLS (`*.bank.test`) alone from now on."""
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(host.encode() + b"\n")
                self._process.stdin.flush()
            except OSError:  # it ends: `record` tells
                pass

    def record(self, until: Callable[[], bool]) -> None:
        """Record until the proxy ends or `until` says so."""
        stand_back()
        while self.running and not until():
            if not self.recorder.step():
                time.sleep(self.recorder.pause)
            self._listen()

    def _listen(self) -> None:
        """Pass on what mitmproxy complains of while it runs, the first of it."""
        if self._heard >= _PRINTED:
            return
        text = os.pread(self._output.fileno(), _PRINTED - self._heard, self._heard)
        text = text[: text.rfind(b"\n") + 1]
        self._heard += len(text)
        if text:
            complaint = text.decode("utf-8", "replace")
            for line in (*errors(complaint), advice(complaint)):
                if line:
                    self._say(line.removeprefix("tracer: ") if line.startswith("tracer: ") else f"mitmproxy: {line}")

    def finish(self) -> None:
        """End the proxy, and take everything into the trace, which stays open until the context is left."""
        self._stop()
        self.recorder.finish()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < until:
            if not self.recorder.step():
                time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()
