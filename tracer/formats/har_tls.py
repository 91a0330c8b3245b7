"""Handshakes in our own HARs: `_tracer.tls` holds what `tracer export --format json` says of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tracer.model.tls import Alert, Certificate, Handshake
from tracer.transport.conversation import Context


def handshake_of(facts: Any, context: Context, number: int) -> Handshake | None:
    """The handshake that the facts describe, None when there are none; ids are made anew, one per entry."""
    if not isinstance(facts, dict):
        return None
    return Handshake(
        id=context.new_id("t", number),
        source=context.source,
        client=_text(facts, "client") or "",
        server=_text(facts, "server") or "",
        sni=_text(facts, "sni"),
        version=_text(facts, "version"),
        alpn=_text(facts, "alpn"),
        cipher=_text(facts, "cipher"),
        group=_text(facts, "group"),
        resumed=_truth(facts, "resumed"),
        server_certs=_certificates(facts.get("server_certs")),
        client_certs=_certificates(facts.get("client_certs")),
        client_cert_requested=_truth(facts, "client_cert_requested"),
        client_cert_sent=_truth(facts, "client_cert_sent"),
        acceptable_cas=tuple(c for c in _list(facts.get("acceptable_cas")) if isinstance(c, str)),
        alerts=tuple(_alert(a) for a in _list(facts.get("alerts")) if isinstance(a, dict)),
        ja3=_text(facts, "ja3"),
        ja3s=_text(facts, "ja3s"),
        ja4=_text(facts, "ja4"),
    )


def _text(facts: dict[str, Any], key: str) -> str | None:
    value = facts.get(key)
    return value if isinstance(value, str) else None


def _truth(facts: dict[str, Any], key: str) -> bool | None:
    value = facts.get(key)
    return value if isinstance(value, bool) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


def _certificates(value: Any) -> tuple[Certificate, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(
        Certificate(
            subject=_text(c, "subject") or "",
            issuer=_text(c, "issuer") or "",
            serial=_text(c, "serial") or "",
            sha256=_text(c, "sha256") or "",
            not_before_ns=_moment(_text(c, "not_before")),
            not_after_ns=_moment(_text(c, "not_after")),
            names=tuple(n for n in _list(c.get("names")) if isinstance(n, str)),
        )
        for c in value
        if isinstance(c, dict)
    )


def _moment(text: str | None) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 10**9 if text else None
    except (ValueError, OverflowError):
        return None


def _alert(facts: dict[str, Any]) -> Alert:
    level = {"warning": 1, "fatal": 2}.get(str(facts.get("level")), 0)
    return Alert(
        client=facts.get("from") == "client",
        level=level,
        code=_whole(facts.get("code")),
        name=_text(facts, "name") or "",
    )
