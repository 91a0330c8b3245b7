"""JA4 of hellos whose raw lists and fingerprints FoxIO publishes with its reference implementation."""

from __future__ import annotations

import pytest

from tracer.tls.hello import ClientHello
from tracer.tls.ja import ja4

CHROME = (
    "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
    "0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,4469,0015",
    "0403,0804,0401,0503,0805,0501,0806,0601",
)
CHROME_OF_2026 = (
    CHROME[0],
    "fe0d,0010,0017,0033,44cd,ff01,000a,000d,0023,002b,000b,ca34,002d,0000,0005,001b,0012",
    "0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601",
)
RESUMING = (
    CHROME[0],
    "000d,0010,0000,000b,0023,4469,ff01,0033,000a,002d,002b,0005,0017,0012,001b,0029",
    CHROME[2],
)
SCHANNEL = (
    "c02c,c02b,c030,c02f,c024,c023,c028,c027,c00a,c009,c014,c013,009d,009c,003d,003c,0035,002f,000a",
    "0000,0005,000a,000b,000d,0023,0017,ff01",
    "0804,0805,0806,0401,0501,0201,0403,0503,0203,0202,0601,0603",
)
LIBRESSL = (
    "c030,c02c,c028,c024,c014,c00a,009f,006b,0039,cca9,cca8,ccaa,ff85,00c4,0088,0081,009d,003d,0035,00c0,0084,c02f,"
    "c02b,c027,c023,c013,c009,009e,0067,0033,00be,0045,009c,003c,002f,00ba,0041,c011,c007,0005,0004,c012,c008,0016,"
    "000a,00ff",
    "0000,000b,000a,000d,0010",
    "0601,0603,efef,0501,0503,0401,0403,eeee,eded,0301,0303,0201,0203",
)
GREASE = 0x3A3A


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split(",")]


def listed(values: list[int], width: int = 2) -> bytes:
    data = b"".join(value.to_bytes(2) for value in values)
    return len(data).to_bytes(width) + data


def hello(ciphers: str, extensions: str, signatures: str, grease: bool) -> ClientHello:
    """One with these lists in this order, GREASE before each when asked for."""
    extra = [GREASE] if grease else []
    bodies = {
        0x000D: listed([*extra, *numbers(signatures)]),
        0x0010: b"\0\x0c\x02h2\x08http/1.1",
        0x002B: listed([*extra, 0x0304, 0x0303], 1),
    }
    kinds = [*extra, *numbers(extensions)]
    told = tuple((kind, bodies.get(kind, b"")) for kind in kinds)
    return ClientHello(0x0303, bytes(32), b"", (*extra, *numbers(ciphers)), told)


@pytest.mark.parametrize("grease", [False, True])
@pytest.mark.parametrize(("lists", "fingerprint"), [
    (CHROME, "t13d1516h2_8daaf6152771_e5627efa2ab1"),
    (CHROME_OF_2026, "t13d1517h2_8daaf6152771_cb7bf5808d99"),
    (RESUMING, "t13d1516h2_8daaf6152771_9b887d9acb53"),
    (SCHANNEL, "t12d190800_d83cc789557e_7af1ed941c26"),
    (LIBRESSL, "t12d4605h2_85626a9a5f7f_aaf95bb78ec9"),
])  # fmt: skip
def test_published_fingerprints(lists: tuple[str, str, str], fingerprint: str, grease: bool) -> None:
    assert ja4(hello(*lists, grease)) == fingerprint


@pytest.mark.parametrize(("protocol", "ends"), [
    (b"h2", "h2"), (b"http/1.1", "h1"), (b"x", "xx"), (b"\xab", "ab"), (b"\xab\xcd", "ad"), (b"\x30\xab", "3b"),
    (b"\xab1", "a1"),
])  # fmt: skip
def test_the_ends_of_a_protocol_that_is_no_text_are_hexadecimal(protocol: bytes, ends: str) -> None:
    """The cases of the section on the ALPN value in FoxIO's description of JA4."""
    inner = bytes([len(protocol)]) + protocol
    told = ((0x0010, len(inner).to_bytes(2) + inner),)
    assert ja4(ClientHello(0x0303, bytes(32), b"", (0x1301,), told)).split("_")[0][-2:] == ends
