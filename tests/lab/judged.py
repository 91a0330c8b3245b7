"""One case put to tracer: what its row says is true, and what tracer says from what the case left."""

from __future__ import annotations

import contextlib
import io
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class View:
    """What tracer is given of a case."""

    name: str
    all_hops: bool
    """the capture of every hop, not what the client sees alone"""
    logs: bool
    """what the servers logged meanwhile"""


VIEWS = (
    View("client", all_hops=False, logs=False),
    View("all", all_hops=True, logs=False),
    View("client+logs", all_hops=False, logs=True),
    View("all+logs", all_hops=True, logs=True),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One case, what was expected and what was said."""

    expected: dict[str, Any]
    verdict: dict[str, Any] | None
    others: int
    """verdicts besides"""
    error: str | None

    @property
    def name(self) -> str:
        return str(self.expected["case"])

    @property
    def said(self) -> str:
        return str(self.verdict["layer"]) if self.verdict else "(none)"

    @property
    def layer(self) -> bool:
        return self.said in (self.expected["layer"], *self.expected["accept"]["layers"])

    @property
    def product(self) -> bool:
        known = (self.expected["product"], *self.expected["accept"]["products"])
        return bool(self.verdict) and self.verdict is not None and self.verdict["product"] in known

    @property
    def cause(self) -> bool:
        known = (self.expected["cause"], *self.expected["accept"]["causes"])
        return self.verdict is not None and self.verdict["cause"] in known

    @property
    def hop(self) -> bool:
        address = self.verdict["hop"]["address"] if self.verdict else None
        known = (self.expected["hop"], *self.expected["accept"]["hops"])
        return address is not None and _host(address) in {_host(k) for k in known}

    @property
    def wrong_hop(self) -> bool:
        """An address was named, and it is another's; the client's view often cannot name one."""
        return self.verdict is not None and self.verdict["hop"]["address"] is not None and not self.hop

    @property
    def confidence(self) -> float:
        return float(self.verdict["confidence"]) if self.verdict else 0.0

    @property
    def cause_confidence(self) -> float:
        return float(self.verdict["cause_confidence"]) if self.verdict else 0.0


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def judge(folder: Path, view: View) -> Judged:
    """What tracer says about one case. Of several verdicts the last one counts that has the status and the URL."""
    expected = json.loads((folder / "expected.json").read_text())
    capture = folder / "client.pcapng"
    if view.all_hops or not capture.exists():
        capture = folder / "capture.pcapng"
    logs = sorted(folder.glob("logs/*")) if view.logs else []
    try:
        verdicts = _explain([str(capture), "--json", *(word for log in logs for word in ("--log", str(log)))])
    except Exception as problem:  # one case that fails is a row of the report
        return Judged(expected, None, 0, f"{type(problem).__name__}: {problem}")
    fitting = [v for v in verdicts if v["status"] == expected["status"]]
    if expected["url"]:
        fitting = [v for v in fitting if expected["url"] in (v["url"] or "")] or fitting
    verdict = fitting[-1] if fitting else None
    return Judged(expected, verdict, len(verdicts) - bool(verdict), None)


def _explain(arguments: list[str]) -> list[dict[str, Any]]:
    """The verdicts of `tracer explain`, run inside this process: the program starts once, not a thousand times."""
    from tracer.cli import main

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(_SECONDS)
    written, said = io.BytesIO(), io.StringIO()
    try:
        with (
            io.TextIOWrapper(written, encoding="utf-8") as out,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(said),
        ):
            code = main(["explain", *arguments])
            out.flush()
            raw = written.getvalue()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if code not in (0, 4):
        raise RuntimeError(f"exit code {code}: {said.getvalue()[-300:]}")
    verdicts: list[dict[str, Any]] = json.loads(raw)["verdicts"]
    return verdicts
