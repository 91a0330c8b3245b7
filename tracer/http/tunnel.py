"""What can stand in front of a protocol: a PROXY header (v1, v2), a SOCKS handshake (4, 4a, 5)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from tracer.transport.conversation import Context
from tracer.transport.stream import Stream

V1 = re.compile(rb"PROXY (TCP4|TCP6|UNKNOWN)(?: (\S+) (\S+) (\d+) (\d+))?[^\r\n]*\r\n")
V2 = b"\r\n\r\n\0\r\nQUIT\n"


@dataclass(frozen=True, slots=True)
class Peeled:
    name: str
    context: Context


class Wait:
    """More bytes are needed to tell."""


WAIT = Wait()


def peel(context: Context, client: Stream, server: Stream) -> Peeled | Wait | None:
    """Take a header off the front of the streams; None when none stands there."""
    head = client.peek(16)
    if len(head) < len(V2) and (V2.startswith(head) or b"PROXY ".startswith(head)):
        return WAIT
    if head[:6] == b"PROXY ":
        return _proxy_v1(context, client)
    if head[:12] == V2:
        return _proxy_v2(context, client)
    if head[:1] == b"\x05":
        return _socks5(context, client, server)
    if head[:2] in (b"\x04\x01", b"\x04\x02"):
        return _socks4(context, client, server)
    return None


def _name(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _announced(context: Context, client: str, server: str) -> Context:
    """What such a header claims is kept beside the endpoints of the packets, which stay the exchange's own."""
    return context.inner(announced=f"{client}>{server}")


def _proxy_v1(context: Context, client: Stream) -> Peeled | Wait | None:
    """One text line (PROXY protocol specification, section 2.1)."""
    head = client.peek(108)
    hit = V1.match(head)
    if hit is None:
        return WAIT if b"\n" not in head and len(head) < 108 else None
    client.skip(hit.end())
    if hit[2] is None:
        return Peeled("proxy", context)
    ends = [hit[2].decode("latin-1"), hit[3].decode("latin-1")]
    return Peeled("proxy", _announced(context, _name(ends[0], int(hit[4])), _name(ends[1], int(hit[5]))))


def _proxy_v2(context: Context, client: Stream) -> Peeled | Wait | None:
    """The binary form (PROXY protocol specification, section 2.2)."""
    head = client.peek(16)
    if len(head) < 16:
        return WAIT
    length = int.from_bytes(head[14:16])
    whole = client.peek(16 + length)
    if len(whole) < 16 + length:
        return WAIT if length < 4096 else None
    client.skip(16 + length)
    family, rest = head[13] >> 4, whole[16:]
    size = {1: 4, 2: 16}.get(family)
    if head[12] & 15 != 1 or size is None or len(rest) < 2 * size + 4:
        return Peeled("proxy", context)
    ends = [str(ipaddress.ip_address(rest[i * size : (i + 1) * size])) for i in (0, 1)]
    ports = [int.from_bytes(rest[2 * size + 2 * i : 2 * size + 2 * i + 2]) for i in (0, 1)]
    return Peeled("proxy", _announced(context, _name(ends[0], ports[0]), _name(ends[1], ports[1])))


def _socks5(context: Context, client: Stream, server: Stream) -> Peeled | Wait | None:
    """Greeting, perhaps a password, request; and their answers (RFC 1928, RFC 1929)."""
    said, heard = client.peek(1024), server.peek(1024)
    if len(said) < 2 or len(said) < 2 + said[1]:
        return WAIT
    at, back = 2 + said[1], 2
    if len(heard) < 2:
        return WAIT
    if heard[0] != 5:
        return None
    if heard[1] == 2:
        if len(said) < at + 2:
            return WAIT
        at += 2 + said[at + 1]
        if len(said) < at + 1:
            return WAIT
        at += 1 + said[at]
        back += 2
    request = _socks_length(said, at)
    reply = _socks_length(heard, back)
    if request is None or reply is None:
        return WAIT
    if said[at : at + 1] != b"\x05" or heard[back : back + 1] != b"\x05":
        return None
    client.skip(request)
    server.skip(reply)
    return Peeled("socks", context)


def _socks_length(data: bytes, at: int) -> int | None:
    """Where a SOCKS5 request or reply that starts at `at` ends; None when more is needed."""
    if len(data) < at + 5:
        return None
    kind = data[at + 3]
    size = {1: 4, 4: 16}.get(kind, 1 + data[at + 4])
    end = at + 4 + size + 2
    return end if len(data) >= end else None


def _socks4(context: Context, client: Stream, server: Stream) -> Peeled | Wait | None:
    """Request with user id, perhaps a host name (4a), and the eight bytes of the reply."""
    said = client.peek(1024)
    end = said.find(b"\0", 8)
    if end < 0:
        return WAIT if len(said) < 1024 else None
    if said[4:7] == b"\0\0\0" and said[7:8] != b"\0":
        end = said.find(b"\0", end + 1)
        if end < 0:
            return WAIT
    back = server.peek(8)
    if len(back) < 8:
        return WAIT
    if back[0] not in (0, 4):
        return None
    client.skip(end + 1)
    server.skip(8)
    return Peeled("socks", context)
