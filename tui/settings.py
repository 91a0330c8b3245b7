"""What is remembered from one run to the next, in the user's state directory (XDG): looks, never what was looked at."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .themes import LOOKS
from .view import SORTS

DEFAULTS: dict[str, Any] = {"theme": "dark", "sort": "time", "descending": False, "fit": True, "toured": False}
_LARGEST = 65536


def path() -> Path:
    """Where they lie; TRACER_STATE_DIR stands before the platform's directory."""
    from platformdirs import user_state_path

    given = os.environ.get("TRACER_STATE_DIR")
    return (Path(given) if given else user_state_path("tracer", appauthor=False)) / "interface.json"


def load() -> dict[str, Any]:
    """The settings; the default for whatever cannot be read or is none of ours."""
    try:
        with open(path(), "rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        found = {}
    known = {k: v for k, v in found.items() if type(v) is type(DEFAULTS.get(k))} if isinstance(found, dict) else {}
    settings = {**DEFAULTS, **known}
    if settings["theme"] not in LOOKS:
        settings["theme"] = DEFAULTS["theme"]
    if settings["sort"] not in SORTS:
        settings["sort"] = DEFAULTS["sort"]
    return settings


def save(settings: dict[str, Any]) -> None:
    """Put them in place whole, readable by the user alone; a disk that refuses costs the settings, nothing else."""
    target = path()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".interface-", dir=target.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({k: settings[k] for k in DEFAULTS}, file)
        os.replace(name, target)
    except OSError:
        return
