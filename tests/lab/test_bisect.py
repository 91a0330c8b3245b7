"""`tracer bisect` finds what decides in denials by the lab's servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import bisects, namespace, run

ROOT = Path(__file__).parents[2]
KINDS = {"query", "form", "part", "json", "header", "cookie", "method", "version", "host", "path", "certificate", "tls"}


def test_every_kind_of_element_decides_somewhere() -> None:
    assert {row.element.partition(" ")[0] for row in bisects.BISECTS} == KINDS
    assert len({row.case for row in bisects.BISECTS}) == len(bisects.BISECTS) >= 30


def test_the_deciding_element_is_found_in_every_denial() -> None:
    """Of the servers that are installed; `python -m tests.lab bisect` wants all of them."""
    cases = [case for case in bisects.cases(bisects.rows([])) if not run.missing([case])]
    if len(cases) < 20:
        pytest.skip(f"not installed: {', '.join(run.missing(bisects.cases(bisects.rows([]))))}")
    if namespace.become_root() is None:
        pytest.skip("a network namespace needs root (or sudo without a password)")
    if subprocess.run([*(namespace.become_root() or []), "unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here (package util-linux, or the kernel forbids them)")
    command = [sys.executable, "-m", "tests.lab", "bisect", *(case.name for case in cases)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, env=dict(os.environ))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    found = re.search(r"bisect: (\d+) of (\d+) right", done.stdout)
    assert found
    assert found[1] == found[2] == str(len(cases))
