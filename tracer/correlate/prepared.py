"""What was made of data that ships with the program, kept as Python keeps bytecode, so that it is made once.

A file in `__pycache__` holds the values as MessagePack, behind the hash of what they were made from: the TOML and the
modules that read it. One that does not fit, is damaged or cannot be written costs time and nothing else. What the
user adds is never kept: it is read and checked each time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
_DIGEST = 32


def prepared[T](form: type[T], sources: Sequence[str], make: Callable[[], T]) -> T:
    """What `make` makes of these sources, or made of them before.

    `sources` are patterns of files in this package; the first one's name is that of the kept file as well.
    """
    digest = _digest(sources)
    path = Path(cache_from_source(str(HERE / Path(sources[0]).name))).with_suffix(".msgpack")
    if (kept := _kept(form, path, digest)) is not None:
        return kept
    value = make()
    if not sys.dont_write_bytecode:
        _keep(path, digest + msgspec.msgpack.encode(value))
    return value


def _digest(sources: Sequence[str]) -> bytes:
    found = blake2b(msgspec.__version__.encode(), digest_size=_DIGEST)
    for pattern in ("prepared.py", *sources):
        for path in sorted(HERE.glob(pattern)):
            content = path.read_bytes()
            found.update(f"{path.name} {len(content)} ".encode() + content)
    return found.digest()


def _kept[T](form: type[T], path: Path, digest: bytes) -> T | None:
    try:
        content = path.read_bytes()
        return msgspec.msgpack.decode(content[_DIGEST:], type=form) if content.startswith(digest) else None
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(path: Path, content: bytes) -> None:
    """Write it whole or not at all, as others may read it or write it too."""
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            file.write(content)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError:
        pass
