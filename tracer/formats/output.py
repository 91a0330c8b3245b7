"""Writing a file of the user's: private, whole or not at all, never over another unless asked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import BinaryIO


class RefusedError(Exception):
    """The file may not be written there; the message says why."""


def check(path: str, replace: bool) -> None:
    """Refuse before the work rather than after it. Raises RefusedError."""
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise RefusedError(f"{path}: there is no such folder, or it is a folder")
    if os.path.exists(path) and not replace and os.path.isfile(path):
        raise RefusedError(f"{path}: the file is there already")


def write_file(path: str, write: Callable[[BinaryIO], None]) -> None:
    """To a private file (mode 0600) that is put in place when it is whole; a device or pipe gets it as it comes."""
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as device:
            write(device)
        return
    target = os.path.realpath(path)
    handle, name = tempfile.mkstemp(prefix=".tracer-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb", buffering=1 << 16) as out:
            write(out)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
