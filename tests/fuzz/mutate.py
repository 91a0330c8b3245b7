"""Broken captures: cut at a byte, or damaged in ways that disks, copies and attackers damage files."""

from __future__ import annotations

import random
import struct

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The same bytes with one to sixteen faults."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not out:
            break
        FAULTS[rng.randrange(len(FAULTS))](out, rng)
    return bytes(out)


def _flip_bit(out: bytearray, rng: random.Random) -> None:
    out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _set_byte(out: bytearray, rng: random.Random) -> None:
    out[rng.randrange(len(out))] = rng.randrange(256)


def _set_word(out: bytearray, rng: random.Random) -> None:
    """Lengths and counts are where parsers break: overwrite with a value at an edge, either byte order."""
    size, code = rng.choice(((1, "B"), (2, "H"), (4, "I")))
    if len(out) < size:
        return
    at = rng.randrange(len(out) - size + 1)
    value = rng.choice(INTERESTING) & ((1 << 8 * size) - 1)
    out[at : at + size] = struct.pack(rng.choice("<>") + code, value)


def _remove(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out))
    del out[at : at + rng.choice((1, 2, 4, 16, 256))]


def _repeat(out: bytearray, rng: random.Random) -> None:
    at, n = rng.randrange(len(out)), rng.choice((1, 4, 16, 256))
    out[at:at] = out[at : at + n] * rng.choice((1, 2, 8))


def _move(out: bytearray, rng: random.Random) -> None:
    at, to, n = rng.randrange(len(out)), rng.randrange(len(out)), rng.choice((4, 16, 64))
    out[to : to + n] = out[at : at + n]


def _insert_noise(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out))
    out[at:at] = rng.randbytes(rng.choice((1, 4, 64)))


FAULTS = (_flip_bit, _set_byte, _set_word, _set_word, _remove, _repeat, _move, _insert_noise)
