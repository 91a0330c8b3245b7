"""Published ways to exhaust whoever reads HTTP/2 and HTTP/3: bounds, problems, and everything else still read."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pylsqpack
import pytest

from tracer.http.field_lines import references
from tracer.http.h2 import OPEN_STREAMS, H2Conversation
from tracer.http.h3 import LONGEST_WAIT, TABLE, H3Conversation
from tracer.http.header_blocks import FREE, LIST_LIMIT, BlockError, HeaderDecoder
from tracer.model.http import Exchange
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

from .test_h2_exchanges import Collected

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = b"\x82\x87\x84\x01\x01h"
"""`:method GET`, `:scheme https`, `:path /`, `:authority h`"""
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 5, 6, 8, 9


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def read(said: Iterable[bytes], answered: Iterable[bytes] = ()) -> list[Exchange]:
    """The exchanges of a connection on which both sides sent these frames, segment by segment of 1,400 bytes."""
    sink = Collected()
    client, server = Stream(), Stream()
    context = Context(sink=sink, source="s", connection="c1", client="a:1", server="b:2")
    conversation = H2Conversation(context, client, server)
    whole = PREFACE + frame(SETTINGS, 0, 0) + b"".join(said)
    for number, low in enumerate(range(0, len(whole), 1400), 1):
        client.push(whole[low : low + 1400], Mark(number, number))
        conversation.advance()
    server.push(frame(SETTINGS, 0, 0) + b"".join(answered), Mark(10**6, 10**6))
    client.closed = server.closed = True
    conversation.advance()
    return sink.exchanges


def size(exchanges: Iterable[Exchange]) -> int:
    return sum(len(n) + len(v) for e in exchanges if e.request for n, v in e.request.headers)


def test_a_bomb_of_references_to_one_large_entry_is_given_up() -> None:
    """CVE-2016-6581: a block of a few hundred bytes stands for a megabyte, again and again."""
    entry = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
    bomb = b"\xbe" * 250
    frames = [frame(HEADERS, 5, 1, GET + entry)]
    frames += [frame(HEADERS, 5, n, GET + bomb) for n in range(3, 403, 2)]
    exchanges = read(frames)
    assert len(exchanges) == 201
    assert size(exchanges) < FREE + (16 << 20)
    problems = [p for e in exchanges for p in e.problems]
    assert problems
    assert {p.code for p in problems} == {"h2.header-block", "h2.header-state-lost"}


def test_a_header_list_beyond_its_bound_is_a_problem_of_its_stream() -> None:
    entry = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
    count = LIST_LIMIT // 4000 + 1
    frames = [frame(HEADERS, 5, 1, GET + entry), frame(HEADERS, 5, 3, GET + b"\xbe" * count)]
    _, bomb = read(frames)
    assert bomb.request is None
    assert "a header list of more than" in bomb.problems[0].text


def test_large_headers_again_and_again_are_no_bomb() -> None:
    """A browser that sends four kilobytes of cookies with every one of a thousand requests, from its table."""
    decoder = HeaderDecoder()
    decoder.decode(b"\x40\x06cookie\x7f\xa1\x1e" + b"x" * 4000)
    for _ in range(5000):
        fields, _ = decoder.decode(GET + b"\xbe" + b"\x04\x16/some/path/with/a/name")
        assert fields[4][0] == b"cookie"


def test_integers_and_strings_that_lie_are_refused() -> None:
    for block in (b"\xff" * 12, b"\x40\x7f\xff\xff\xff\xff\x7f", b"\x40\x05ab", b"\x80", b"\x3f" + b"\xff" * 9):
        with pytest.raises(BlockError):
            HeaderDecoder().decode(block)


def test_a_block_in_frames_of_one_byte_costs_its_length() -> None:
    """CVE-2024-27316 and its like: CONTINUATION frames without end."""
    block = GET + b"".join(b"\x00\x04n%03d\x01v" % (i % 1000) for i in range(2000))
    frames = [
        frame(HEADERS, 1, 1, block[:1]),
        *(frame(CONTINUATION, 0, 1, block[i : i + 1]) for i in range(1, len(block))),
    ]
    (exchange,) = read([*frames, frame(CONTINUATION, 4, 1)])
    assert exchange.request is not None
    assert len(exchange.request.headers) == 2000


def test_empty_continuations_without_end_hold_nothing() -> None:
    (exchange,) = read([frame(HEADERS, 1, 1, GET), *[frame(CONTINUATION, 0, 1)] * 20_000, frame(CONTINUATION, 4, 1)])
    assert exchange.request is not None
    assert exchange.request.url == "https://h/"


def test_empty_data_frames_without_end_hold_nothing() -> None:
    """CVE-2019-9518: frames with nothing in them, and no end of the stream."""
    (exchange,) = read([frame(HEADERS, 4, 1, GET), *[frame(DATA, 0, 1)] * 20_000, frame(DATA, 1, 1, b"x")])
    assert exchange.request is not None
    assert exchange.request.body.data == b"x"


def test_a_flood_of_settings_and_pings_is_passed_over() -> None:
    """CVE-2019-9512, CVE-2019-9515."""
    flood = [frame(SETTINGS, 0, 0, bytes(6)), frame(PING, 0, 0, bytes(8))] * 5_000
    (exchange,) = read([*flood, frame(HEADERS, 5, 1, GET)])
    assert exchange.request is not None


def test_a_flood_of_priorities_and_windows_opens_no_streams() -> None:
    """CVE-2019-9513, CVE-2019-9517; the increments of CVE-2025-8671 that make a server reset."""
    flood = [f for n in range(1, 9999, 2) for f in (frame(PRIORITY, 0, n, bytes(5)), frame(WINDOW, 0, n, bytes(4)))]
    (exchange,) = read([*flood, frame(HEADERS, 5, 9999, GET)])
    assert exchange.stream == 9999


def test_streams_that_a_server_was_made_to_reset_say_that_it_did() -> None:
    """CVE-2025-8671: the client's requests are whole, its next frame is an error, and the server takes them back."""
    asked = [f for n in range(1, 4001, 2) for f in (frame(HEADERS, 5, n, GET), frame(WINDOW, 0, n, bytes(4)))]
    answered = [frame(RST, 0, n, (1).to_bytes(4)) for n in range(1, 4001, 2)]
    exchanges = read(asked, answered)
    assert len(exchanges) == 2000
    assert {e.aborted for e in exchanges} == {"RST_STREAM PROTOCOL_ERROR by server"}


def test_fields_of_nothing_stay_within_the_bound_of_a_list() -> None:
    """CVE-2019-9516: names and values of no bytes cost memory that no one counts."""
    (exchange,) = read([frame(HEADERS, 5, 1, GET + b"\x00\x00\x00" * 60_000)])
    assert [p.code for p in exchange.problems] == ["h2.header-block"]
    assert LIST_LIMIT < 60_000 * 32


def test_pushes_without_end_are_held_up_to_a_bound() -> None:
    sink, client, server = Collected(), Stream(), Stream()
    conversation = H2Conversation(
        Context(sink=sink, source="s", connection="c1", client="a:1", server="b:2"), client, server
    )
    promised = [frame(PUSH, 4, 1, n.to_bytes(4) + GET) for n in range(2, 2 * OPEN_STREAMS + 200, 2)]
    server.push(frame(SETTINGS, 0, 0) + b"".join(promised), Mark(1, 1))
    conversation.advance()
    assert len(conversation.streams) == OPEN_STREAMS


def test_a_table_that_is_resized_without_end_costs_its_length() -> None:
    fields, _ = HeaderDecoder().decode(GET + b"\x3f\xe1\x1f\x20" * 50_000)
    assert len(fields) == 4


def test_rapid_resets_are_exchanges_that_their_client_took_back() -> None:
    """CVE-2023-44487."""
    cancel = (8).to_bytes(4)
    frames = [f for n in range(1, 6001, 2) for f in (frame(HEADERS, 5, n, GET), frame(RST, 0, n, cancel))]
    exchanges = read(frames)
    assert len(exchanges) == 3000
    assert {e.aborted for e in exchanges} == {"RST_STREAM CANCEL by client"}


def test_streams_that_never_end_are_held_up_to_a_bound() -> None:
    """Slow streams: the oldest are reported as they are when too many are open."""
    sink = Collected()
    client, server = Stream(), Stream()
    conversation = H2Conversation(
        Context(sink=sink, source="s", connection="c1", client="a:1", server="b:2"), client, server
    )
    opened = [frame(HEADERS, 4, n, GET) for n in range(1, 2 * OPEN_STREAMS + 201, 2)]
    client.push(PREFACE + frame(SETTINGS, 0, 0) + b"".join(opened), Mark(1, 1))
    conversation.advance()
    assert len(conversation.streams) == OPEN_STREAMS
    assert len(sink.exchanges) == 100


# -- HTTP/3


class H3:
    """An HTTP/3 connection whose client's stream frames are given one by one."""

    def __init__(self) -> None:
        self.sink = Collected()
        self.conversation = H3Conversation(
            Context(sink=self.sink, source="s", connection="c1", client="a:1", server="b:2", scheme="https")
        )
        self.offsets: dict[int, int] = {}
        self.packet = 0

    def say(self, stream: int, data: bytes, fin: bool = False) -> None:
        self.packet += 1
        offset = self.offsets.get(stream, 0)
        self.offsets[stream] = offset + len(data)
        self.conversation.data(stream, True, offset, data, fin, Mark(self.packet, self.packet))

    def end(self) -> list[Exchange]:
        self.conversation.close(None)
        return self.sink.exchanges


FIELDS = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"h"), (b":path", b"/")]


def headers(block: bytes) -> bytes:
    return b"\x01" + (0x80000000 | len(block)).to_bytes(4) + block


def number(value: int, bits: int, first: int) -> bytes:
    """A prefixed integer (RFC 7541 section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytes([first | most]), value - most
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def test_a_qpack_bomb_is_refused_before_it_is_unpacked() -> None:
    h3 = H3()
    large = b"x" * 30_000
    insert = b"\x41n" + number(len(large), 7, 0) + large
    h3.say(2, b"\x02" + number(TABLE, 5, 0x20) + insert)
    h3.say(0, headers(b"\x02\x00" + b"\x80" * 10), fin=True)
    h3.say(4, headers(b"\x02\x00" + b"\x80" * 100_000), fin=True)
    (ten, exchange) = h3.end()
    assert ten.request is not None
    assert len(ten.request.headers) == 10
    assert exchange.request is None
    assert "may stand for more than" in exchange.problems[0].text


def test_streams_that_wait_for_entries_that_never_come_are_told() -> None:
    """RFC 9204 section 7.3: blocked streams; what follows on them is held up to a bound."""
    h3 = H3()
    blocked = headers(b"\x05\x00\x80")
    for n in range(0, 4 * 400, 4):
        h3.say(n, blocked)
    for _ in range(3):
        h3.say(0, bytes(LONGEST_WAIT // 2))
    assert sum(len(lane.buffer) for lane in h3.conversation.lanes.values()) <= LONGEST_WAIT
    exchanges = h3.end()
    assert len(exchanges) == 400
    assert {p.code for e in exchanges for p in e.problems} <= {"h3.blocked", "h3.header-block"}


def test_streams_without_number_are_held_up_to_a_bound() -> None:
    h3 = H3()
    for n in range(0, 4 * (2 * OPEN_STREAMS + 500), 4):
        h3.say(n, b"\x01")
    assert len(h3.conversation.lanes) <= 2 * OPEN_STREAMS


def test_empty_data_frames_in_one_piece_cost_their_length() -> None:
    h3 = H3()
    encoder = pylsqpack.Encoder()
    _, block = encoder.encode(0, FIELDS)
    h3.say(0, headers(block) + b"\x00\x00" * 100_000 + b"\x00\x01x", fin=True)
    (exchange,) = h3.end()
    assert exchange.request is not None
    assert exchange.request.body.data == b"x"


def test_pieces_behind_a_hole_that_is_never_filled_are_held_up_to_a_bound() -> None:
    h3 = H3()
    for offset in range(20_000, 2, -1):
        h3.conversation.data(0, True, offset, b"x", False, Mark(1, 1))
    (lane,) = h3.conversation.lanes.values()
    assert sys.getsizeof(lane.assembly._held) < 1 << 17
    assert lane.broken


def test_references_are_counted_as_the_encoder_wrote_them() -> None:
    encoder = pylsqpack.Encoder()
    encoder.apply_settings(4096, 16)
    _, static = encoder.encode(0, FIELDS[:1])
    assert references(static) == 1
    literal = b"\0\0" + b"\x27\x00name" * 1 + b"\x05value"
    assert references(b"\0\0" + b"\x24name\x05value" + b"\xd1" + b"\x51\x01h") == 2
    assert references(literal) == 0
    assert references(b"") == 0
