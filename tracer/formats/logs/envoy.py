"""What Envoy adds to access lines: response flags, response code details, the upstream host.

`[time] "GET /x HTTP/1.1" 403 - rbac_access_denied_matched_policy[closed] - "-" 0 19 0 - "xff" "agent" "id" "host" "up"`
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .words import Word, address_text, is_id, number

FLAGS = frozenset(
    [
        "UH",
        "UF",
        "UO",
        "NR",
        "URX",
        "NC",
        "DT",
        "DC",
        "LH",
        "UT",
        "LR",
        "UR",
        "UC",
        "DI",
        "FI",
        "RL",
        "UAEX",
        "RLSE",
        "IH",
        "SI",
        "DPE",
        "UPE",
        "UMSDR",
        "RFCF",
        "NFCF",
        "OM",
        "DF",
        "DO",
        "DR",
        "DDT",
    ]
)
"""short names of response flags: %RESPONSE_FLAGS% on the same page"""
_DETAILS = re.compile(
    r"(?:via_upstream|direct_response|[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:[\[{].*[\]}]?)?)", re.ASCII | re.DOTALL
)
_NUMBERS = 3
"""bytes received, bytes sent, duration: three numbers in a row"""


class Envoy(NamedTuple):
    flags: str | None
    details: str | None
    size: int | None
    agent: str | None
    id: str | None
    host: str | None
    upstream: str | None
    asked_nobody: bool


def flags_of(text: str) -> str | None:
    """The response flags in this word, when it holds nothing else."""
    return text if text and all(flag in FLAGS for flag in text.split(",")) else None


def details_of(text: str) -> str | None:
    """The response code details, when this word can be some."""
    return text if _DETAILS.fullmatch(text) else None


def read(behind: Sequence[Word]) -> Envoy | None:
    """What the words behind the status tell; None when Envoy did not write them."""
    flags = flags_of(behind[0].text) if behind and behind[0].kind == "plain" else None
    if not flags and not (behind and behind[0].text == "-"):
        return None
    details = details_of(behind[1].text) if len(behind) > 1 and behind[1].kind == "plain" else None
    numbers = _run_of_numbers(behind[1:8]) if len(behind) > 6 else None
    if not flags and not details and numbers is None:
        return None
    quoted = [w.text for w in behind[(1 + numbers if numbers is not None else 1) :] if w.kind == "quoted"]
    if numbers is None or len(quoted) < 4:  # fields of one's own, only the words are Envoy's
        return Envoy(flags, details, None, None, None, None, None, False)
    _, agent, name, host, *last = quoted[:5]
    upstream = last[0] if last else ""
    return Envoy(
        flags=flags,
        details=details,
        size=number(behind[2 + numbers].text),
        agent=agent if agent != "-" else None,
        id=name if is_id(name) else None,
        host=host if host != "-" else None,
        upstream=address_text(upstream.rpartition("//")[2]),
        asked_nobody=upstream == "-",
    )


def _run_of_numbers(found: Sequence[Word]) -> int | None:
    """Where bytes received, bytes sent and the duration begin."""
    for at in range(len(found) - _NUMBERS + 1):
        if all(w.kind == "plain" and number(w.text) is not None for w in found[at : at + _NUMBERS]):
            return at
    return None
