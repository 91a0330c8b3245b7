"""Runs cases: starts the servers, plays the client, checks the truth in logs and files, saves the captures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import ca, capture, namespace, process
from tests.lab.case import BLOCKED_CLIENT, CLIENT, CLIENTS, Case, Step
from tests.lab.cases.table import CASES
from tests.lab.server import CONF, SITES, VENV, Lab
from tests.lab.servers.table import NEEDS, SERVERS

TRIES = 2
"""a limit that counts within seconds is missed on a machine that is busy"""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class WrongError(AssertionError):
    """A case did not do what its row says."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int | None
    exit_code: int
    output: str


def needed(cases: Sequence[Case]) -> list[str]:
    """Names of the servers that the cases touch, and those that these rely on."""
    names: dict[str, None] = {}
    queue = [name for case in cases for name in case.servers]
    while queue:
        name = queue.pop(0)
        if name not in names:
            names[name] = None
            queue.extend(NEEDS.get(name, ()))
    return list(names)


def missing(cases: Sequence[Case]) -> list[str]:
    """What is not installed, as `program (package)`."""
    found = [f"{SERVERS[n].program} ({SERVERS[n].package})" for n in needed(cases) if SERVERS[n].path is None]
    words = {word for case in cases for step in (*case.before, *case.steps) for word in step.argv[:2]}
    if "python" in words and not (VENV / "python").exists():
        found.append("the lab's Python environment (pip)")
    if "browser.py" in words and not shutil.which("chromium"):
        found.append("chromium (chromium)")
    clients = {"tcpdump": "tcpdump", "curl": "curl", "gcc": "gcc", "unshare": "util-linux", "ip": "iproute2"}
    found += [f"{p} ({package})" for p, package in clients.items() if not shutil.which(p)]
    return sorted(set(found))


Check = Callable[[Lab, Case, Path], None]
"""what is looked at after a case, while the servers still run: its folder is there; raises WrongError"""


def run(cases: Sequence[Case], out: Path, keep: bool = False, check: Check | None = None) -> int:
    """Runs the cases inside the namespace; writes out/<case>/; the number of cases that went wrong."""
    work = Path(tempfile.mkdtemp(prefix="tracer-lab-"))
    work.chmod(0o755)
    try:
        return _run(cases, out, work, check)
    finally:
        if keep:
            print(f"kept: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)


def _run(cases: Sequence[Case], out: Path, work: Path, check: Check | None) -> int:
    began = time.monotonic()
    names = needed(cases)
    lab = Lab(work, SERVERS, _snippets(cases))
    namespace.prepare(work, {host: SERVERS[name].ip for host, name in SITES.items() if name in SERVERS})
    ca.make(lab.pki)
    lab.keys.mkdir()
    lab.keys.chmod(0o777)
    process.build_preload(work)
    _files(lab, cases)
    recorder = capture.Recorder()
    running: list[subprocess.Popen[bytes]] = []
    wrong = 0
    try:
        running.extend(process.start(lab, SERVERS[name]) for name in reversed(names))
        dead = {}
        for name, started in zip(reversed(names), running, strict=True):
            try:
                process.wait(lab, SERVERS[name], started)
            except process.NotReadyError as problem:
                dead[name] = problem
                print(problem, file=sys.stderr)
        print(f"{len(names)} servers ready in {time.monotonic() - began:.1f} s", file=sys.stderr)
        for case in cases:
            if down := dead.keys() & set(needed([case])):
                wrong += 1
                print(f"WRONG {case.name}: needs {', '.join(down)}", file=sys.stderr)
            elif not any(_played(lab, case, recorder, out, check) for _ in range(TRIES)):
                wrong += 1
    except process.NotReadyError as problem:
        print(problem, file=sys.stderr)
        wrong += len(cases)
    finally:
        process.stop(running[::-1])
        recorder.stop()
    time.sleep(0.1)
    if rest := process.left_over():
        print(f"still running after the stop, ended with the namespace: {', '.join(sorted(rest))}", file=sys.stderr)
    seconds = time.monotonic() - began
    print(f"{len(cases)} cases, {wrong} wrong, {seconds:.0f} s", file=sys.stderr)
    namespace.give_back(out)
    return wrong


def _played(lab: Lab, case: Case, recorder: capture.Recorder, out: Path, check: Check | None) -> bool:
    """Whether the case did what its row says; what it did instead is told."""
    try:
        _play(lab, case, recorder, out)
        if check:
            check(lab, case, out / case.name)
    except (WrongError, subprocess.TimeoutExpired) as problem:
        print(f"WRONG {case.name}: {problem}", file=sys.stderr)
        return False
    return True


def _snippets(cases: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    places: dict[str, dict[str, None]] = {}
    for case in cases:
        for place, text in case.conf.items():
            places.setdefault(place, {})[text] = None
    return {place: tuple(texts) for place, texts in places.items()}


def _files(lab: Lab, cases: Sequence[Case]) -> None:
    """Documents of the origins, with their modes; `nginx:private/a.html` lies in nginx's `www`."""
    for case in cases:
        for place, content in case.files.items():
            server, _, name = place.partition(":")
            target = lab.folder(server) / "www" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = re.match(r"([0-7]{3}) ?", content)
            if content.endswith("dir"):
                target.mkdir(exist_ok=True)
            elif content.startswith("-> "):
                target.symlink_to(content[3:])
                continue
            else:
                target.write_text(lab.fill(content[mode.end() :] if mode else content))
            target.chmod(int(mode[1], 8) if mode else (0o755 if target.is_dir() else 0o644))


def _play(lab: Lab, case: Case, recorder: capture.Recorder, out: Path) -> None:
    for step in case.before:
        if (done := _step(lab, case, step)).exit_code:
            raise WrongError(f"the preparation failed\n{done.output[-900:]}")
    sizes = {path: path.stat().st_size if path.exists() else 0 for path in _logs(case, lab)}
    known = capture.secrets(lab.keys)
    recorder.quiet(0.03, 0.5)
    start = recorder.mark()
    answers = [_step(lab, case, step) for step in case.steps]
    recorder.quiet()
    end = recorder.mark()
    told = " | ".join(f"{a.status} ({a.exit_code})" for a in answers)
    if answers[-1].status != case.status:
        raise WrongError(f"the client saw {told}, not {case.status}\n{answers[-1].output[-700:]}")
    proof = _prove(lab, case, sizes)
    packets = recorder.between(start, end)
    if not packets:
        raise WrongError("nothing was captured")
    _save(lab, case, packets, known, proof, _news(sizes), out / case.name)
    print(f"{case.name}: {told}; {proof['line'][:110]}")


def _logs(case: Case, lab: Lab) -> list[Path]:
    servers = [SERVERS[name] for name in needed([case])]
    return [lab.folder(s.name) / log for s in servers for log in (*s.logs, *s.witness)]


def _news(sizes: dict[Path, int]) -> dict[Path, str]:
    """What each log got since."""
    news = {}
    for path, size in sizes.items():
        if not path.exists():
            continue
        with path.open("rb") as file:
            file.seek(size)
            if text := file.read().decode(errors="replace"):
                news[path] = text
    return news


def _step(lab: Lab, case: Case, step: Step) -> Answer:
    front = address(step.front or case.route[0]).partition(":")[0]
    argv = [lab.fill(word) for word in step.argv]
    blocked = any(word == "blocked" for word in argv)
    argv = [word for word in argv if word != "blocked"]
    source = BLOCKED_CLIENT if blocked else CLIENT
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(lab.work),
        "SSLKEYLOGFILE": str(lab.keys / "client.log"),
        "LD_PRELOAD": str(lab.work / "preload.so") if argv[0] != "curl" else "",
        "LAB_SOURCE": source,
        "PYTHONPATH": str(namespace.ROOT),
    }
    if argv[0] == "curl":
        own = ["-sS", "-i", "-m", "15", "--noproxy", "", "--interface", source, "--cacert", str(lab.pki / "ca.pem")]
        own += ["-w", "\nlab-status=%{http_code}/%{http_connect}\n"]
        own += ["--resolve", f"*:443:{front}", "--resolve", f"*:80:{front}"]
        argv[1:1] = own
    elif argv[0] == "python":
        argv[:2] = [_python(argv[1]), str(CONF / "clients" / argv[1])]
    done = subprocess.run(argv, capture_output=True, timeout=40, env={k: v for k, v in env.items() if v})
    output = (done.stdout + done.stderr).decode(errors="replace")
    found = re.findall(r"lab-status=(\d{3})(?:/(\d{3}))?", output)
    status, connect = (int(found[-1][0]), int(found[-1][1] or 0)) if found else (0, 0)
    return Answer((status or connect or None) if status or connect >= 400 else None, done.returncode, output)


def _python(script: str) -> str:
    """aioquic is the project's; boto3 is the lab's own."""
    return sys.executable if script == "h3.py" else str(VENV / "python")


def _prove(lab: Lab, case: Case, sizes: dict[Path, int]) -> dict[str, str]:
    """The line that says why; waits a little, since servers write their logs late."""
    path = lab.folder(case.proof.server) / case.proof.file
    pattern = re.compile(case.proof.pattern)
    server = SERVERS[case.proof.server]
    is_log = case.proof.file in (*server.logs, *server.witness)
    until = time.monotonic() + (6 if is_log else 0)
    while True:
        text = _news(sizes).get(path, "") if is_log else path.read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                return {
                    "file": f"{case.proof.server}/{case.proof.file}",
                    "line": _ANSI.sub("", line).strip()[:600],
                    "number": str(number),
                }
        if time.monotonic() > until:
            raise WrongError(f"no line of {path} matches {case.proof.pattern!r}; new there:\n{text[-800:]}")
        time.sleep(0.05)


def _save(
    lab: Lab,
    case: Case,
    packets: list[capture.Packet],
    known: Container[str],
    proof: dict[str, str],
    logs: dict[Path, str],
    folder: Path,
) -> None:
    time.sleep(0.06)  # key logs are flushed a little later
    secrets = capture.secrets_of(packets, lab.keys, known)
    mine = [p for p in packets if any(ip in CLIENTS for ip, _ in p.ends)]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "capture.pcapng").write_bytes(capture.pcapng(packets, secrets))
    if len(mine) != len(packets):
        (folder / "client.pcapng").write_bytes(capture.pcapng(mine, capture.secrets_of(mine, lab.keys, known)))
    (folder / "expected.json").write_text(json.dumps(_expected(lab, case, proof, bool(secrets)), indent=1) + "\n")
    (folder / "STORY.md").write_text(case.story.strip() + "\n")
    for path, text in logs.items():
        if path.name in SERVERS[path.relative_to(lab.work).parts[0]].witness:
            continue
        target = folder / "logs" / f"{path.parent.name}-{path.name}"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text.replace(str(lab.work), ""))


def _expected(lab: Lab, case: Case, proof: dict[str, str], keys: bool) -> dict[str, object]:
    return {
        "case": case.name,
        "control": case.control,
        "denial": case.denial and not case.control,
        "layer": case.layer,
        "product": case.product,
        "cause": case.cause,
        "status": case.status,
        "url": case.url,
        "hop": address(case.hop),
        "route": [address(name) for name in case.route],
        "accept": {
            "layers": list(case.accept.layers),
            "products": list(case.accept.products),
            "causes": list(case.accept.causes),
            "hops": [address(name) for name in case.accept.hops],
        },
        "decidable": case.decidable,
        "product_told": case.status is not None,
        "told_by": case.told_by,
        "proof": {"file": proof["file"], "line": proof["line"].replace(str(lab.work), "")},
        "client": CLIENT,
        "keys": "embedded" if keys else "none",
    }


def address(name: str) -> str:
    """`nginx` or `nginx/https` as ip:port."""
    server, _, listener = name.partition("/")
    listen = SERVERS[server].listen
    ip, port = listen[listener] if listener else next(iter(listen.values()))
    return f"{ip}:{port}"


def select(names: Sequence[str], only: Callable[[Case], bool] = lambda case: True) -> list[Case]:
    """Cases of that name, or whose name contains one of `names`, or all."""
    exact = {case.name for case in CASES} & set(names)
    words = [name for name in names if name not in exact]
    chosen = [c for c in CASES if c.name in exact or any(word in c.name for word in words) or not names]
    return [c for c in chosen if only(c)]
