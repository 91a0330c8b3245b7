"""One run of the program on one file in a box: bounded time and memory, its end judged from outside."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 10
"""of processor time: a busy machine is no hang"""
WALL = 300
"""seconds by the clock: whoever waits uses no processor"""
ADDRESS_SPACE = 4 << 30
"""generous: numpy maps a lot; what counts is that nothing grows with a lie in a length field"""
RESIDENT = 600 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """A run that ended as no run may."""

    name: str
    what: str


def run_all(files: Iterable[tuple[str, bytes]], batch: int = 64) -> Iterator[Fault]:
    """Each (name, bytes) through `tracer export --format json`, in child processes of `batch` files each."""
    group: list[tuple[str, bytes]] = []
    for file in files:
        group.append(file)
        if len(group) == batch:
            yield from _run_batch(group)
            group = []
    if group:
        yield from _run_batch(group)


def _run_batch(group: list[tuple[str, bytes]]) -> list[Fault]:
    """A forked child reports the index it works on through a pipe, so that its death names a file."""
    faults: list[Fault] = []
    start = 0
    while start < len(group):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _child(group[start:], write)
        os.close(write)
        with os.fdopen(read) as pipe:
            lines = [json.loads(line) for line in pipe]
        _, status = os.waitpid(child, 0)
        done = sum(1 for line in lines if line["done"])
        faults += [Fault(line["name"], line["what"]) for line in lines if line["done"] and line["what"]]
        start += done
        if start < len(group) and done < len(lines):
            faults.append(Fault(group[start][0], f"child ended with status {status}"))
            start += 1
        elif start < len(group):
            faults.append(Fault(group[start][0], f"child ended with status {status} before it began"))
            break
    return faults


def _child(group: list[tuple[str, bytes]], write: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(write, "w") as pipe, tempfile.TemporaryDirectory() as folder:
        for name, data in group:
            print(json.dumps({"done": False}), file=pipe, flush=True)
            path = Path(folder) / ("f" + Path(name.split("@")[0]).suffix)
            path.write_bytes(data)
            what = run_one(path)
            print(json.dumps({"done": True, "name": name, "what": what}), file=pipe, flush=True)
    os._exit(0)


def run_one(path: Path) -> str:
    """What was wrong with a run on `path`; empty when it ended as promised."""
    from tracer.cli import main

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s of processor time, or {WALL} s by the clock")

    signal.signal(signal.SIGPROF, too_long)
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(WALL)
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding="utf-8")
    err = io.StringIO()
    code: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["export", str(path), "--format", "json", "--no-redact", "-o", "-"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        return "raised: " + traceback.format_exc(limit=-3)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > RESIDENT:
        return "resident memory over the bound"
    if code not in (0, 3, 4):
        return f"exit code {code!r}: {err.getvalue()[-300:]}"
    if "Traceback" in err.getvalue():
        return "traceback: " + err.getvalue()[-600:]
    if code == 3:
        return "" if err.getvalue().strip() else "exit code 3 without a word"
    out.flush()
    try:
        return _judge(json.loads(written.getvalue()), code)
    except ValueError:
        return f"exit code {code} and no JSON: {err.getvalue()[-300:]}"


def _judge(document: dict[str, Any], code: object) -> str:
    """Problems stand at the top, and in the exchanges and handshakes that they are about."""
    problems = [*document["problems"]]
    for value in (*document["exchanges"], *document["tls"]):
        problems += value.get("problems") or []
    bugs = [p["text"] for p in problems if p["severity"] == "bug"]
    if bugs:
        return "bug: " + str(bugs[0])[-600:]
    serious = sorted({p["code"] for p in problems if p["severity"] != "note"})
    return f"exit code {code} with problems {serious}" if bool(serious) != (code == 4) else ""
