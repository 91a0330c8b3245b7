"""Where a trace came from."""

from __future__ import annotations

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file (or standard input, or a live capture) that was read."""

    name: str
    """as the user gave it; the key by which everything read from it is known"""
    kind: str
    """`pcap`, `pcapng`, `har`, `mitm`, `curl`, `http`, `trace`, `log`, …"""
    packets: int | None = None
    """packets read; None for sources without packets"""
    bytes: int | None = None
    """size read, in bytes, before decompression"""
    partial: bool = False
    """part of it could not be read: a problem of severity warn or above says what"""
    path: str | None = None
    """absolute path, so that spans of bodies can be read again; None when there is none"""
