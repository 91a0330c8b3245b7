"""Where a URL leads, and which spellings of one are equal."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin

_BASE = re.compile(r"https?://[\w.:-]+(?=[/?#]|$)", re.ASCII)
_SEGMENT = r"[\w~%!$&'()*+,=:@-][\w~%!$&'()*+,=:@.-]*"
_SIMPLE = re.compile(rf"(?:https?://[\w.:-]+)?/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?(?:\?[\w~%&=+,/:.-]+)?", re.ASCII)
"""references that are the answer as they stand, or after the base's host: no dot segments, nothing empty"""


def joined(base: str, to: str) -> str:
    """What `to` refers to on a page at `base` (RFC 3986 section 5.2); raises ValueError for what is no URL."""
    if _SIMPLE.fullmatch(to) and (host := _BASE.match(base)):  # as nearly all are: ten times faster
        return host[0] + to if to[0] == "/" else to
    return urljoin(base, to)


@lru_cache(8192)
def plain(url: str) -> str:
    """Without fragment and default port, so that two spellings of one URL are equal."""
    return plainly(url)


def plainly(url: str) -> str:
    """The same, for URLs that nobody asks for again."""
    url = url.partition("#")[0]
    return url.replace(":443/", "/", 1) if url.startswith("https:") else url.replace(":80/", "/", 1)
