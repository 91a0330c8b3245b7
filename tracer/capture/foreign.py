"""Link layers only scapy knows; it is imported when the first such frame comes."""

from __future__ import annotations

import functools
import logging
from typing import Any


class Unknown(Exception):  # noqa: N818
    """Nobody here knows this link type; the message says why."""


@functools.cache
def _load() -> Any:
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    try:
        import scapy.layers.all  # noqa: F401
        from scapy.config import conf
    except ImportError:
        return None
    return conf


def find_ip(data: bytes, link_type: int) -> int | None:
    """Where the innermost IP header lies in a frame of this link type; None when there is none."""
    conf = _load()
    if conf is None:
        raise Unknown("which needs scapy to be read (the `packets` extra)")
    layer = conf.l2types.num2layer.get(link_type)
    if layer is None:
        raise Unknown("which nothing here can read")
    try:
        packet = layer(data)
        inner = packet.getlayer("IP") or packet.getlayer("IPv6")
        original = bytes(inner.original) if inner is not None else b""
    except Exception as error:  # scapy's dissectors raise whatever they like for damaged frames
        raise Unknown(f"on which scapy failed ({type(error).__name__})") from None
    at = data.find(original[:20]) if original else -1
    return at if at >= 0 else None
