"""What a request says of itself that other hops say as well: ids, for whom it asks, which other request it is about."""

from __future__ import annotations

import re

from tracer.model.http import Request, text

_IDS = {
    name.encode(): name
    for name in ("x-request-id", "traceparent", "x-correlation-id", "x-amzn-trace-id", "cf-ray", "x-b3-traceid",
                 "x-trace-id")
}  # fmt: skip
"""request fields that name a request at every hop"""
_FOR_WHOM = frozenset({b"x-forwarded-for", b"forwarded"})
_ORIGINAL = frozenset({b"x-forwarded-uri", b"x-original-uri", b"x-original-url"})
"""fields in which a gateway that asks whether a request may pass says which one it means (Traefik, Caddy, nginx)"""
_TELLING = frozenset({*_IDS, *_FOR_WHOM, *_ORIGINAL, b"user-agent"})
_TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}|Root=([\w-]+)")


def told_by(request: Request) -> tuple[bytes, list[int], str]:
    """(the program that asks, hashes of its ids, the path of the request that it was made for, where it says so)."""
    ids: list[int] = []
    agent, for_whom, original = b"", False, ""
    for raw, value in request.headers:  # once over every request of the trace: no look-up field by field
        name = raw.lower()
        if name not in _TELLING:
            continue
        if name in _IDS:
            ids += [hash(named)] if (named := _id_in(name, value)) else []
        elif name in _FOR_WHOM:
            for_whom = for_whom or value != b""
        elif name in _ORIGINAL:
            original = path_without_query(text(value))
        else:
            agent = agent or value
    return agent, ids, original or (path_of_target(request) if for_whom else "")


def ids_of(request: Request) -> list[str]:
    """Request ids and trace contexts that it carries, each with the name of its field."""
    fields = ((raw.lower(), value) for raw, value in request.headers)
    return [named for name, value in fields if name in _IDS and (named := _id_in(name, value))]


def _id_in(name: bytes, value: bytes) -> str:
    """Of a trace context the part that all hops keep: trace-id (W3C Trace Context section 3.2.2.3), X-Ray's Root."""
    if len(value) < 8:
        return ""
    told = text(value)
    hit = _TRACE.search(told)
    return f"{_IDS[name]}:{(hit[1] or hit[2]) if hit else told}"


def sought_by(request: Request) -> str:
    """Path of the request that it was made for, where it says so, or for whom it was made; else nothing."""
    return told_by(request)[2]


def original_of(request: Request) -> str:
    """Path of the request that a gateway asks about; nothing where it names none."""
    named = (path_without_query(text(value)) for raw, value in request.headers if raw.lower() in _ORIGINAL)
    return next(reversed([*named]), "")


def path_of_target(request: Request) -> str:
    """Path of the request, however the target was written, without its query."""
    return path_without_query(request.target)


def path_without_query(target: str) -> str:
    """Path of a target in whatever form."""
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0]
