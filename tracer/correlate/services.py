"""What a request names: hosts of public services, paths and fields that one product alone uses. The names are data.

A name says who stands on the path or at its end, not that they denied: products' marks on the answer weigh more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from tracer.model.http import Request
from tracer.model.verdict import Layer

from .literals import Index, whole, words_by_expression
from .prepared import HERE, prepared

WEIGHT = {"request host": 1.3, "request target": 0.8}
"""by where the name stands; a field weighs FIELD"""
OF_OTHERS = 0.4
"""weight of the host of a platform that runs other people's programs: it stands in front, and they deny"""
FIELD = 1.2


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One product, and one name that requests for it carry."""

    product: str
    layer: Layer
    reference: str
    host: str | None = None
    """regular expression over the whole host name, lower case"""
    hosts_others: bool = False
    """what answers there is mostly somebody else's program"""
    path: str | None = None
    """regular expression from the beginning of the path"""
    field: str | None = None
    """name of a request field, lower case"""
    like: str | None = None
    """regular expression over that field's value"""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    service: list[Service]


class Named(NamedTuple):
    """A service that the request names."""

    service: Service
    where: str
    value: str
    weight: float


class _Shipped(NamedTuple):
    services: tuple[Service, ...]
    words: dict[str, tuple[str, ...]]


def services() -> tuple[Service, ...]:
    """Every name that ships with the program."""
    return _shipped().services


@cache
def _shipped() -> _Shipped:
    return prepared(_Shipped, ("services.toml", "services.py", "literals.py"), _read)


def _read() -> _Shipped:
    import tomllib

    found = tuple(msgspec.convert(tomllib.loads((HERE / "services.toml").read_text("utf-8")), _File).service)
    return _Shipped(found, words_by_expression(e for e, _ in (*_with_host(found), *_with_path(found))))


def _with_host(found: Iterable[Service]) -> Iterator[tuple[str, Service]]:
    return ((whole(s.host), s) for s in found if s.host is not None)


def _with_path(found: Iterable[Service]) -> Iterator[tuple[str, Service]]:
    return ((f"^(?:{s.path})", s) for s in found if s.path is not None)


def services_at(request: Request) -> Iterator[Named]:
    """The first service that its host names, the first that its path names, and those that its fields name."""
    try:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
    except ValueError:
        return
    if (by_host := _by_host(host)) is not None:
        yield Named(by_host, "request host", host, OF_OTHERS if by_host.hosts_others else WEIGHT["request host"])
    elif (by_path := _by_path(parts.path[:500])) is not None:
        yield Named(by_path, "request target", parts.path, WEIGHT["request target"])
    for raw, value in request.headers:
        for service in _by_field().get(raw.lower(), ()):
            if service.like is None or re.match(service.like, value.decode("latin-1"), re.DOTALL):
                yield Named(service, f"request header {service.field}", "present", FIELD)


@cache
def _by_field() -> dict[bytes, list[Service]]:
    fields: dict[bytes, list[Service]] = {}
    for service in services():
        if service.field is not None:
            fields.setdefault(service.field.encode(), []).append(service)
    return fields


@lru_cache(4096)
def _by_host(host: str) -> Service | None:
    return next((service for service, _ in _hosts().matches(host)), None)


@lru_cache(4096)
def _by_path(path: str) -> Service | None:
    return next((service for service, _ in _paths().matches(path)), None)


@cache
def _hosts() -> Index[Service]:
    return Index(_with_host(services()), _shipped().words)


@cache
def _paths() -> Index[Service]:
    return Index(_with_path(services()), _shipped().words)
