"""Which pane holds a place that evidence names."""

from __future__ import annotations

VERDICT, REQUEST, RESPONSE, MESSAGES, TLS, CHAIN, PACKETS, COMPARE = range(1, 9)
_BY_WORD = (
    ("request host", REQUEST, "request header host"),
    ("request method", REQUEST, "request target"),
    ("request", REQUEST, ""),
    ("interim response", RESPONSE, ""),
    ("response", RESPONSE, ""),
    ("timing", RESPONSE, "timing"),
    ("tls", TLS, ""),
    ("alert", TLS, "tls alert"),
    ("certificate", TLS, "tls server certificate"),
    ("websocket", MESSAGES, ""),
    ("packet ", PACKETS, ""),
    ("packets", PACKETS, "packet"),
    ("chain", CHAIN, ""),
)


def place(where: str) -> tuple[int, str] | None:
    """(number of the pane, anchor in it) for `response header via`; None when no pane holds it."""
    lower = where.lower()
    for word, pane, anchor in _BY_WORD:
        if lower.startswith(word):
            return pane, anchor or lower
    return None
