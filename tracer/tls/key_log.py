"""Lines of an NSS key log (RFC 9850) -> secrets. Older forms that Wireshark reads are read too."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterator
from typing import NamedTuple

MASTER = 48
"""bytes of a master secret (RFC 5246 section 8.1)"""
SESSION_ID = "SESSION_ID"
PREMASTER_RSA = "PREMASTER_RSA"
_LINE = re.compile(rb"([A-Z][A-Z0-9_]*) ([0-9A-Fa-f]{2,128}) ([0-9A-Fa-f]{2,8192})")
_SESSION = re.compile(rb"RSA Session-ID:([0-9A-Fa-f]{0,64}) Master-Key:([0-9A-Fa-f]{96})")
_SIZES = {
    "CLIENT_RANDOM": (32, MASTER),
    "PMS_CLIENT_RANDOM": (32, 0),
    "RSA": (8, MASTER),
    "CLIENT_EARLY_TRAFFIC_SECRET": (32, 0),
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": (32, 0),
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": (32, 0),
    "CLIENT_TRAFFIC_SECRET_0": (32, 0),
    "SERVER_TRAFFIC_SECRET_0": (32, 0),
}
"""bytes of the name and of the secret; 0 where more than one length is right"""


class Secret(NamedTuple):
    """One line: what kind of secret, what names it (a client random mostly), the secret."""

    label: str
    name: bytes
    value: bytes


def read_line(line: bytes) -> Secret | None:
    """The secret of a line without its end; None when the line is none of a key log.

    A label that nobody knows is kept: RFC 9850 section 2 lets them be passed over. `QUIC_` before a label is the
    form of early drafts of QUIC.
    """
    hit = _LINE.fullmatch(line)
    if hit is None:
        hit = _SESSION.fullmatch(line)
        return Secret(SESSION_ID, unhexlify(hit[1]), unhexlify(hit[2])) if hit and not len(hit[1]) % 2 else None
    if len(hit[2]) % 2 or len(hit[3]) % 2:
        return None
    label = hit[1].decode().removeprefix("QUIC_")
    name, value = unhexlify(hit[2]), unhexlify(hit[3])
    named, long = _SIZES.get(label, (len(name), 0))
    if len(name) != named or (long and len(value) != long):
        return None
    return Secret(PREMASTER_RSA if label == "RSA" else label, name, value)


def read_lines(data: bytes, first: int = 1) -> Iterator[tuple[int, Secret | None]]:
    """(line number, secret or None for a bad line) of every line that is neither empty nor a comment."""
    for number, raw in enumerate(data.split(b"\n"), first):
        line = raw.strip()
        if line and not line.startswith(b"#"):
            yield number, read_line(line)
