"""Versions of QUIC that begin with a TLS handshake, and the salt their Initial packets are under.

RFC 9001 section 5.2, RFC 9369 section 3.3.1, section 5.2 of draft-ietf-quic-tls 22, 23 and 29; Google's T050 and T051
are draft 27 with salts of their own (QUICHE), Facebook's mvfst 1 and 2 are drafts 22 and 27.
"""

from __future__ import annotations

V1, V2 = 0x00000001, 0x6B3343CF
_T050, _T051 = 0x54303530, 0x54303531
GOOGLE = frozenset((_T050, _T051))
"""those with Google's own frame types"""
_MVFST = {0xFACEB001: 22, 0xFACEB002: 27, 0xFACEB00E: 27, 0xFACEB011: 27, 0xFACEB013: 27}

_SALT_V1 = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_OWN_SALTS = {
    V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    _T050: bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310"),
    _T051: bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d"),
}
_DRAFT_SALTS = (
    (22, bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")),
    (28, bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")),
    (32, bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")),
)
"""(last draft, its salt), oldest first"""


def salts_of(version: int) -> tuple[bytes, ...]:
    """The salts that the version's Initial packets may be under, the likeliest first.

    One that only provokes a negotiation (RFC 9000 section 15) tells nothing of what its sender speaks.
    """
    own = _OWN_SALTS.get(version)
    if own is not None:
        return (own,)
    if version & 0x0F0F0F0F == 0x0A0A0A0A:
        return _SALT_V1, _DRAFT_SALTS[-1][1], _DRAFT_SALTS[-2][1]
    draft = _MVFST.get(version, version & 0xFF if version >> 8 == 0xFF0000 else 34)
    return (next((salt for last, salt in _DRAFT_SALTS if draft <= last), _SALT_V1),)
