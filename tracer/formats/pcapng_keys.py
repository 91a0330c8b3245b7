"""The lines of key logs that open the chosen conversations, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .writing import Options, Readable, chosen

_LINE = re.compile(rb"[A-Z0-9_]+ ([0-9a-fA-F]{64}) [0-9a-fA-F]+")


def randoms_of(trace: Readable, options: Options) -> frozenset[bytes]:
    """Client randoms, in lower-case hex, of the handshakes that the chosen exchanges came over."""
    names = dict.fromkeys(e.tls for e in chosen(trace, options) if e.tls)
    found = (trace.handshake(name) for name in names)
    randoms = (random for h in found if h is not None for random in (h.client_random, h.inside_random))
    return frozenset(random.encode() for random in randoms if random)


def keys_for(randoms: frozenset[bytes], texts: Iterable[bytes]) -> Iterator[bytes]:
    """Each line that names one of these client randoms, once; whatever else a file holds stays where it is."""
    told: set[bytes] = set()
    for text in texts:
        for line in text.splitlines():
            found = _LINE.fullmatch(line.strip())
            if found and found[1].lower() in randoms and found[0] not in told:
                told.add(found[0])
                yield found[0] + b"\n"
