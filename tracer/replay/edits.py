"""What a person wants changed, as they write it -> changes of the request."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from .asked import TOKEN, Ask, Place
from .change import Change, Kind, split_cookies


class EditError(ValueError):
    """The text says what is wrong with what was asked for."""


def set_header(ask: Ask, spelling: str) -> Change:
    """`Name: value`: in the place of the first field of that name, else at the end."""
    name, colon, value = spelling.partition(":")
    name = name.strip()
    if not colon or not TOKEN.fullmatch(name.encode("utf-8", "surrogateescape")):
        raise EditError(f"a header is written 'Name: value', not {spelling!r}")
    data = value.strip().encode("utf-8", "surrogateescape")
    if re.search(rb"[\r\n\0]", data):
        raise EditError(f"the value of {name} has a line break in it")
    at = _fields(ask, name)[:1]
    return Change(kind=Kind.HEADER, name=name, at=at, value=data, was=ask.fields[at[0]].value if at else b"")


def drop_header(ask: Ask, name: str) -> list[Change]:
    """Every field of that name; raises when there is none."""
    found = _fields(ask, name.strip())
    if not found:
        raise EditError(f"the request has no header {name!r} to leave out")
    return [Change(kind=Kind.HEADER, name=name, at=(at,)) for at in found]


def set_cookie(ask: Ask, spelling: str) -> Change:
    """`name=value`: in the place of the cookie of that name, else after the others; `name` alone leaves it out."""
    name, equals, value = spelling.partition("=")
    name = name.strip()
    if not name or re.search(r"[\s;,\0]", name) or re.search(r"[;\r\n\0]", value):
        raise EditError(f"a cookie is written name=value, not {spelling!r}")
    for at, field in enumerate(ask.fields):
        if field.name.lower() == b"cookie":
            for n, pair in enumerate(split_cookies(field.value)):
                if pair.partition(b"=")[0] == name.encode():
                    return Change(
                        kind=Kind.COOKIE, name=name, at=(at, n), value=value.encode() if equals else None, was=pair
                    )
    if not equals:
        raise EditError(f"the request has no cookie {name!r} to leave out")
    return Change(kind=Kind.COOKIE, name=name, value=value.encode())


def set_method(method: str) -> Change:
    if not TOKEN.fullmatch(method.encode("utf-8", "surrogateescape")):
        raise EditError(f"{method!r} is no method")
    return Change(kind=Kind.METHOD, name=method, value=method.encode())


def target_bytes(spelling: str) -> bytes:
    """A request target as given; it is one word."""
    data = spelling.encode("utf-8", "surrogateescape")
    if not re.fullmatch(rb"[^\x00-\x20\x7f]+", data):
        raise EditError("a request target is one word without spaces; write them as %20")
    return data


def _fields(ask: Ask, name: str) -> tuple[int, ...]:
    return tuple(n for n, f in enumerate(ask.fields) if f.name.lower() == name.lower().encode("utf-8", "replace"))


# -- where to


def to_address(place: Place, spelling: str) -> Place:
    """`HOST:PORT` (or `HOST`, with the port there was): another place to connect to."""
    host, port = _host_port(spelling, place.port)
    host = f"[{host}]" if ":" in host else host
    return msgspec.structs.replace(place, address=f"{host}:{port}", proxy=None, proxy_fields=())


def resolved(place: Place, spelling: str) -> Place:
    """curl's `host:port:address`; `*` stands for any host. The place itself when it is about another host."""
    found = re.fullmatch(r"\+?(\*|\[[^\]]+\]|[^:\[\]]+):(\d+):(\[[^\]]+\]|[^\[\]]+)", spelling)
    if not found:
        raise EditError(f"--resolve is written HOST:PORT:ADDRESS, not {spelling!r}")
    host, port, address = found[1].strip("[]").lower(), int(found[2]), found[3].strip("[]").split(",")[0]
    if host not in ("*", place.host.lower()) or port != place.port:
        return place
    try:
        bare = ipaddress.ip_address(address)
    except ValueError:
        raise EditError(f"--resolve wants an address, not {address!r}") from None
    shown = f"[{bare}]" if bare.version == 6 else str(bare)
    return msgspec.structs.replace(place, address=f"{shown}:{port}", proxy=None, proxy_fields=())


def _host_port(spelling: str, default: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", spelling)
    if not found or not 0 < int(found[2] or default) < 65536:
        raise EditError(f"a place is written HOST:PORT, not {spelling!r}")
    return found[1].strip("[]"), int(found[2] or default)
