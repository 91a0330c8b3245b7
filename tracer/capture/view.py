"""Numbers at any offset of a buffer, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.transport.stream import Buffer

Offsets = NDArray[np.int64]


class View:
    """Overlapping arrays over one buffer: index = byte offset."""

    def __init__(self, base: Buffer) -> None:
        self.base = base
        self.size = len(base)
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, kind: str) -> NDArray[Any]:
        """The buffer as numbers of `kind` (`<u4`, `>u2`), one starting at every byte."""
        found = self._arrays.get(kind)
        if found is None:
            count = max(0, self.size - np.dtype(kind).itemsize + 1)
            found = np.ndarray((count,), kind, self.base, 0, (1,)) if count else np.empty(0, kind)  # type: ignore[arg-type]
            self._arrays[kind] = found
        return found

    def rows(self, offsets: Offsets, fields: np.dtype[Any]) -> NDArray[Any]:
        """One record of `fields` from each offset; every record lies inside the buffer."""
        return self.array(f"V{fields.itemsize}")[offsets].view(fields)
