"""TLS connections that were captured whole, opened in one pass over each direction: the fast way of the listing.

This is for the rule: TLS 1.3 or an AEAD suite of TLS 1.2, keys in the key log, one handshake, data until the end. What
is less than plain (early data, a hello sent again, renegotiation, key updates, records that do not verify) is None: the
general reader (`conversation.py`) decides there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tracer.transport.whole import Whole

from .hello import ServerHello, read_server_hello
from .keys import Keys
from .protection import BadRecordError, Protection
from .schedule import APPLICATION, from_master, traffic
from .search import Search
from .side import ALERT, CHANGE, DATA, HANDSHAKE, LONGEST
from .suites import Suite, suite_of
from .wire import ShortError

CLIENT_HELLO, SERVER_HELLO, TICKET = 1, 2, 4
RANDOM = 43
"""bytes of a first record up to its client random"""
FLIGHT = 64
"""records of a handshake that are passed over at most"""
_EARLY_DATA = b"\0\x2a\0\0"
"""the extension, which is empty in a ClientHello (RFC 8446 section 4.2.10); the same bytes by chance cost time only"""
_HEAD = struct.Struct(">BHH")


class _UnusualError(Exception):
    """Something the general reader has to look at."""


def random_of(hello: bytes) -> bytes:
    """The client random, where these bytes begin with a record that begins with a ClientHello; else empty."""
    return hello[11:RANDOM] if hello[:2] == b"\x16\x03" and hello[5:6] == b"\x01" else b""


def open_whole(client: Whole, server: Whole, keys: Keys) -> tuple[Whole, Whole] | None:
    """What both sides said under TLS."""
    try:
        hello, random = _first_message(client.data, CLIENT_HELLO), random_of(client.data)
        answer = read_server_hello(_first_message(server.data, SERVER_HELLO))
        suite = suite_of(answer.cipher)
        if suite is None or not suite.is_aead or answer.is_retry or keys.can_exchange:
            return None
        if answer.version == 0x0304 and _EARLY_DATA not in hello:
            return _open_13(client, random, keys, suite, True), _open_13(server, random, keys, suite, False)
        if answer.version == 0x0303:
            return _open_12(client, server, random, answer, keys, suite)
    except (_UnusualError, BadRecordError, ShortError):
        pass
    return None


def _first_message(data: bytes, kind: int) -> bytes:
    """Body of the handshake message that the first record begins with, if it ends there."""
    length, size = int.from_bytes(data[3:5]), int.from_bytes(data[6:9])
    if data[:1] != b"\x16" or data[5:6] != bytes([kind]) or 4 + size > length or 5 + length > len(data):
        raise _UnusualError
    return data[9 : 9 + size]


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(type, where its header begins, where it ends) of every record, to the last byte."""
    at, size = 0, len(data)
    while at < size:
        if at + 5 > size:
            raise _UnusualError
        kind, version, length = _HEAD.unpack_from(data, at)
        stop = at + 5 + length
        if stop > size or length > LONGEST or not 0x0300 <= version <= 0x0304:
            raise _UnusualError
        yield kind, at, stop
        at = stop


def _open_13(side: Whole, random: bytes, keys: Keys, suite: Suite, client: bool) -> Whole:
    """The handshake is over where the first record opens under the keys of the data (RFC 8446 section 7.1)."""
    secret = keys.get(APPLICATION[client], random)
    protection = traffic(suite, secret)
    if protection is None:
        raise _UnusualError
    data, pieces, starts = side.data, [], []
    passed, search = 0, Search()
    for kind, at, stop in _records(data):
        if kind == CHANGE or (kind == HANDSHAKE and at == 0):
            continue
        if kind != DATA:
            raise _UnusualError
        try:
            kind, plain = protection.open(data[at : at + 5], data[at + 5 : stop], search)
        except BadRecordError:
            passed += 1
            if protection.sequence or passed > FLIGHT:
                raise
            continue
        if kind == DATA:
            pieces.append(plain)
            starts.append(at)
        elif kind != ALERT and not (kind == HANDSHAKE and _are_tickets(plain)):
            raise _UnusualError
    if not protection.sequence:
        raise _UnusualError
    return side.within(pieces, starts)


def _are_tickets(data: bytes) -> bool:
    """Nothing but whole NewSessionTicket messages."""
    at = 0
    while at + 4 <= len(data) and data[at] == TICKET:
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    return at == len(data)


def _open_12(
    client: Whole, server: Whole, random: bytes, answer: ServerHello, keys: Keys, suite: Suite
) -> tuple[Whole, Whole]:
    master = keys.master(random, b"", None)
    if master is None:
        raise _UnusualError
    protections = from_master(suite, master, random, answer)
    return _data_12(client, protections[0]), _data_12(server, protections[1])


def _data_12(side: Whole, protection: Protection) -> Whole:
    """Sealed from ChangeCipherSpec on: Finished, then data (RFC 5246 section 7.3)."""
    data, pieces, starts = side.data, [], []
    sealed, finished, search = False, False, Search()
    for kind, at, stop in _records(data):
        if not sealed:
            sealed = kind == CHANGE
            if not sealed and kind != HANDSHAKE:
                raise _UnusualError
            continue
        kind, plain = protection.open(data[at : at + 5], data[at + 5 : stop], search)
        if kind == DATA and finished:
            pieces.append(plain)
            starts.append(at)
        elif kind == HANDSHAKE and not finished:
            finished = True
        elif kind != ALERT:
            raise _UnusualError
    if not finished:
        raise _UnusualError
    return side.within(pieces, starts)
