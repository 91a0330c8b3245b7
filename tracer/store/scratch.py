"""A private folder for as long as its maker runs; one that was killed leaves its folder to be swept by the next.

Keys, bodies and certificates lie in such folders: they must not stay behind. A folder is in use while the file in it
is locked, which no way of ending survives.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "tracer-"
_IN_USE = "in-use"


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder that nobody else may look into; deleted with all that is in it when the context is left."""
    sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        lock = _locked(name)
        try:
            yield Path(name)
        finally:
            if lock is not None:
                os.close(lock)


def sweep() -> None:
    """Delete the folders whose makers were killed: this user's, and only those that say that nobody uses them."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and _abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _locked(folder: str) -> int | None:
    """The open lock. It gets its name when it is held: under that name it is never free while the maker runs."""
    if sys.platform == "win32":
        return None
    import fcntl

    path = os.path.join(folder, _IN_USE)
    lock = os.open(f"{path}.new", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # a file system without locks: nor will the sweep get one there
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(f"{path}.new", path)
    return lock


def _abandoned(entry: os.DirEntry[str]) -> bool:
    import fcntl

    try:
        if not entry.is_dir(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
        lock = os.open(os.path.join(entry.path, _IN_USE), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
