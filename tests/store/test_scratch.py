"""Private folders, and what becomes of those whose makers were killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tracer.store.scratch import PREFIX, scratch, sweep

MAKER = """
import sys
from tracer.store.scratch import scratch
with scratch() as folder:
    (folder / "keys.log").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_folder_is_private_and_goes_with_all_that_is_in_it(temporary: Path) -> None:
    with scratch() as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "keys.log").write_text("secret")
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_swept_by_the_next_and_what_is_in_use_is_not(temporary: Path) -> None:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        for _ in range(2)
    ]
    killed, alive = (Path(m.stdout.readline().strip()) for m in makers if m.stdout is not None)
    sweep()
    assert killed.is_dir()
    makers[0].kill()
    makers[0].wait()
    with scratch():
        assert not killed.exists()
        assert (alive / "keys.log").read_text() == "secret"
    for maker in makers:
        maker.communicate()
    assert list(temporary.iterdir()) == []


def test_what_does_not_say_that_nobody_uses_it_stays(temporary: Path) -> None:
    other, target = temporary / f"{PREFIX}of-others", temporary / "target"
    for folder in (other, target):
        folder.mkdir()
        (folder / "kept").touch()
    (target / "in-use").touch()  # as if abandoned, but not by this name
    (temporary / f"{PREFIX}link").symlink_to(target)
    linked = temporary / f"{PREFIX}linked"
    linked.mkdir()
    (linked / "in-use").symlink_to(target / "in-use")
    sweep()
    assert sorted(p.name for p in temporary.iterdir()) == sorted(
        ("target", other.name, f"{PREFIX}link", f"{PREFIX}linked")
    )
    assert (target / "kept").exists()
