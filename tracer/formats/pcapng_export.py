"""Exchanges -> pcapng: the frames that carried them, or packets rebuilt from them and marked so by comments.

A trace that is not redacted gives the captured frames of the chosen exchanges' connections, where the capture file is
still there. Everything else is made anew from the (redacted) values: a TCP handshake, the messages as HTTP/1.1 in
clear, a close. Exchanges of one HTTP/1 connection share a connection here too; an HTTP/2 or HTTP/3 exchange gets
its own. What was TLS is written in clear to a port that dissectors read as HTTP. Each first packet says in a comment
what it stands for. With captured frames, the lines of `Options.secrets` (and of the capture's own key logs) that open
the chosen conversations become Decryption Secrets Blocks, if asked for.
Format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import BinaryIO

from tracer.capture.pcapng_writer import PcapngWriter
from tracer.model.http import Exchange
from tracer.model.verdict import Verdict

from .http_render import render
from .pcapng_keys import keys_for, randoms_of
from .pcapng_original import Plan, frames, plan
from .tcp_synthesis import Conversation, Frame, endpoint
from .writing import Options, Readable, chosen, one_line, verdicts_of

_RAW_IP = 101
_PLAIN_PORTS = frozenset((80, 3128, 8000, 8008, 8080, 8888))

_BEFORE = 10_000
"""nanoseconds before an exchange in which its conversation may begin"""


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write every chosen exchange as packets: those captured, then those made anew, each in the order of time."""
    packets = PcapngWriter(out, f"tracer {options.version}".strip())
    packets.interface(_RAW_IP, name="rebuilt by tracer")
    verdicts = verdicts_of(trace)
    plans = plan(trace, options)
    _write_originals(trace, packets, options, plans, verdicts)
    rebuilt = _Rebuilt(packets)
    for exchange in chosen(trace, options):
        if exchange.source not in plans or exchange.id not in plans[exchange.source].exchanges:
            rebuilt.exchange(trace, exchange, verdicts.get(exchange.id), options)
    rebuilt.close()


def _write_originals(
    trace: Readable, out: PcapngWriter, options: Options, plans: dict[str, Plan], verdicts: dict[str, Verdict]
) -> None:
    """Captured frames; the first one of each chosen exchange says which it is."""
    interfaces: dict[tuple[str, int, int], int] = {}
    randoms = randoms_of(trace, options) if plans and options.secrets is not None else frozenset()
    _write_keys(out, keys_for(randoms, options.secrets or ()))
    for source, wanted in plans.items():
        titles: dict[int, str] = {}
        for exchange in chosen(trace, options):
            if exchange.id in wanted.exchanges and exchange.packets:
                said = verdicts[exchange.id].headline if exchange.id in verdicts else ""
                titles.setdefault(exchange.packets[0], f"{exchange.id} of {source}. {said}".strip())
        for frame in frames(wanted):
            if isinstance(frame, bytes):
                _write_keys(out, keys_for(randoms, (frame,)))
                continue
            key = (source, frame.link, frame.snaplen)
            if key not in interfaces:
                interfaces[key] = out.interface(frame.link, frame.snaplen, one_line(source)[:200])
            comment = one_line(titles.get(frame.number, ""))[:1000]
            out.packet(interfaces[key], frame.time_ns, frame.data, frame.length, comment)


def _write_keys(out: PcapngWriter, lines: Iterable[bytes]) -> None:
    if secret := b"".join(lines):
        out.secrets(secret)


class _Rebuilt:
    """Packets made anew, on the first interface, in the order of their times."""

    def __init__(self, out: PcapngWriter) -> None:
        self._out = out
        self._held: list[tuple[int, int, Frame]] = []
        """those that another conversation's packets may come before"""
        self._made = 0
        self._open: dict[str, Conversation] = {}
        self._used: set[tuple[object, ...]] = set()
        self._next = 0

    def exchange(self, trace: Readable, exchange: Exchange, verdict: Verdict | None, options: Options) -> None:
        request, response, notes = render(trace, exchange, options)
        if not request and not response:
            return
        shared = exchange.connection if exchange.connection and exchange.protocol.startswith("HTTP/1") else None
        key = f"{exchange.source}\n{shared}"
        conversation = self._open.get(key) if shared else None
        start = self._start(exchange)
        self._write_until(start - _BEFORE)
        if conversation is None:
            conversation, changed = self._begin(exchange)
            notes = [*changed, *notes]
            self._hold(conversation.open(start))
        title = f"rebuilt by tracer from {exchange.id} of {exchange.source}"
        if verdict:
            notes = [verdict.headline, *notes]
        comment = one_line(". ".join([title, *(n for n in notes if n)]))[:1000]
        t = exchange.timing
        if request:
            self._hold(conversation.send(request, True, t.start_ns or start, comment))
        if response:
            at = t.response_start_ns or t.end_ns or start
            self._hold(conversation.send(response, False, at, "" if request else comment))
        if not shared or (exchange.response and exchange.response.status == 101):
            self._open.pop(key, None)
            self._hold(conversation.close(exchange.aborted is not None))
        else:
            self._open[key] = conversation

    def close(self) -> None:
        for conversation in self._open.values():
            self._hold(conversation.close(False))
        self._write_until(None)

    @staticmethod
    def _start(exchange: Exchange) -> int:
        t = exchange.timing
        known = t.start_ns if t.start_ns is not None else t.response_start_ns
        return max(known if known is not None else 0, 0)

    def _begin(self, exchange: Exchange) -> tuple[Conversation, list[str]]:
        """A conversation whose endpoints are not in use; and what had to be changed for that."""
        notes = []
        client, server = endpoint(exchange.client), endpoint(exchange.server)
        if server is None:
            server, notes = (endpoint("192.0.2.1:80") or (4, b"", 80)), ["the server's address is not known"]
        if server[2] not in _PLAIN_PORTS:
            notes.append(f"port {server[2]} is written as 80, what was encrypted in clear")
            server = (server[0], server[1], 80)
        if client is None or client[0] != server[0]:
            client = endpoint("198.51.100.1:49152" if server[0] == 4 else "[2001:db8::1]:49152") or server
            notes.append("the client's address is not known")
        while (client, server) in self._used:
            self._next += 1
            client = (client[0], client[1], 1024 + (client[2] - 1023 + self._next) % 64512)
        self._used.add((client, server))
        return Conversation(client, server, len(self._used)), notes

    def _hold(self, frames: list[Frame]) -> None:
        for frame in frames:
            self._made += 1
            heapq.heappush(self._held, (frame.time_ns, self._made, frame))

    def _write_until(self, end_ns: int | None) -> None:
        """What is held from before this time; all of it when there is none."""
        while self._held and (end_ns is None or self._held[0][0] < end_ns):
            frame = heapq.heappop(self._held)[2]
            self._out.packet(0, frame.time_ns, frame.data, comment=frame.comment)
