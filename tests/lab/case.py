"""What a row of the case table says: who is asked, who must refuse, why, and the line that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracer.model.verdict import Cause, Layer

CLIENT = "127.0.0.10"
BLOCKED_CLIENT = "127.0.0.66"
CLIENTS = (CLIENT, BLOCKED_CLIENT)


@dataclass(frozen=True, slots=True)
class Step:
    """One program run by the client; `@name@` in its arguments are filled in as in the servers' files."""

    argv: tuple[str, ...]
    front: str | None = None
    """the server that `curl` is sent to, when it is not the first of the route"""


def curl(url: str, *more: str, front: str | None = None) -> Step:
    return Step(("curl", *more, url), front)


def python(script: str, *more: str) -> Step:
    """A client of the lab's own, in conf/clients/, with the packages of the lab's environment."""
    return Step(("python", script, *more))


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the truth is written: a pattern that one line of `file` of `server` must match.

    A log (`error.log`) must have got the line during the case; anything else is a file of the configuration.
    """

    server: str
    file: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Accept:
    """What also counts as right."""

    layers: tuple[Layer, ...] = ()
    products: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    hops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    layer: Layer
    product: str
    cause: Cause
    status: int | None
    """what the client sees in the end; None: a refused handshake or a silent close"""
    hop: str
    """the server that decides, `nginx` or `nginx/https` for one of its listeners"""
    route: tuple[str, ...]
    """servers from the client inwards, `nginx` or `nginx/mtls`; the first is the one the client talks to"""
    steps: tuple[Step, ...]
    proof: Proof
    story: str
    """two lines"""
    before: tuple[Step, ...] = ()
    """what is done first and not captured"""
    conf: Mapping[str, str] = field(default_factory=dict)
    """what this case adds to a server's configuration, by server or `server:place`"""
    files: Mapping[str, str] = field(default_factory=dict)
    """`nginx:private/a.html` -> content, `dir` for a folder, `-> a.html` for a link; `000 text` sets the mode first"""
    accept: Accept = Accept()
    control: bool = False
    denial: bool = True
    """False: the contract asks for no verdict (a 502 that hides a refusal); it is counted apart"""
    decidable: bool = True
    """whether the client's view alone can tell the layer"""
    told_by: str = "packets"
    """`packets` or `logs`: where the cause can be read at all"""
    curated: bool = False
    """kept in pcaps/"""
    url: str | None = None
    """part of the URL of the denial, where there are several"""

    @property
    def servers(self) -> tuple[str, ...]:
        named = (*self.route, self.hop, self.proof.server)
        return tuple(dict.fromkeys(name.partition("/")[0] for name in named))


CHAIN_A = ("hitch", "varnish/chain", "waf", "envoy/chain")
"""TLS and cache at the edge, PROXY protocol between them, nginx with ModSecurity, mutual TLS, Envoy"""
CHAIN_B = ("ats", "waf-apache", "haproxy/chain")
"""Traffic Server, TLS, Apache with ModSecurity, mutual TLS, HAProxy"""
