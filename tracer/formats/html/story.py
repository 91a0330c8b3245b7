"""One denial, told: the answer, the path, the proof, how it came to this, TLS, what to do next."""

from __future__ import annotations

import re

from tracer.formats.writing import Readable, iso, or_else
from tracer.model.http import Exchange, Message
from tracer.model.http import text as words
from tracer.model.proof import told
from tracer.model.verdict import Evidence, Verdict, asked

from .markup import anchor, code, facts, jump, percent, prose, reference, text
from .path import draw, layer_name
from .tls import panel
from .waterfall import waterfall

_LISTED = 40
_STRONGEST = 7


def article(verdicts: list[Verdict], number: int, trace: Readable) -> str:
    """The section for one story; the first verdict speaks for those like it."""
    verdict = verdicts[0]
    exchange = trace.exchange(verdict.exchange)
    handshake = trace.handshake(exchange.tls if exchange and exchange.tls else verdict.exchange)
    chain = [e for e in (trace.exchange(i) for i in verdict.chain) if e is not None]
    chain = chain or ([exchange] if exchange else [])
    start = exchange.timing.start_ns if exchange else verdict.time_ns
    return "".join(
        (
            f'<article class="story" id="story-{number}" aria-labelledby="story-{number}-title">',
            _head(verdict, number),
            f'<figure class="hops">{draw(verdict)}</figure>',
            _answer(verdict, exchange is not None),
            _next(verdict),
            _evidence(verdict),
            _chain(chain, verdict),
            panel(handshake, start) if handshake else "",
            _messages(exchange),
            _others(verdicts[1:]),
            "</article>",
        )
    )


def _head(verdict: Verdict, number: int) -> str:
    status = f'<span class="pill bad">{verdict.status}</span>' if verdict.status is not None else ""
    status = status or '<span class="pill bad">handshake refused</span>'
    changed = ""
    if verdict.original_status is not None and verdict.original_status != verdict.status:
        changed = f' <span class="soft">first said as {verdict.original_status}</span>'
    what = f"{text(verdict.method or '', 20)} {code(verdict.url or '', 300)}".strip() or text(asked(verdict))
    title = text(verdict.headline or f"Denied by the {layer_name(verdict.layer)}")
    return f'<p class="asked">{status}{changed} {what}</p><h2 id="story-{number}-title">{title}</h2>'


def _answer(verdict: Verdict, known: bool) -> str:
    said = f'<b class="who">{text(layer_name(verdict.layer))}</b>'
    if verdict.product:
        said += f' <span class="soft">({text(verdict.product)})</span>'
    why = text(verdict.cause)
    if verdict.cause_detail:
        why += f' <span class="soft">({text(verdict.cause_detail)})</span>'
    where = " ".join(p for p in (text(verdict.hop.name or ""), code(verdict.hop.address or "")) if p)
    instead = ", ".join(f"{text(who)} {percent(share)}" for who, share in or_else(verdict))
    return facts(
        [
            ("Who said no", said + _meter(verdict.confidence)),
            ("Why", why + _meter(verdict.cause_confidence)),
            ("Where", where),
            ("When", text(iso(verdict.time_ns, 3) or "")),
            ("Or else", instead),
            ("Source", f"{code(verdict.source)} {jump(verdict.exchange) if known else code(verdict.exchange)}"),
        ]
    )


def _meter(share: float) -> str:
    width = round(max(0.0, min(1.0, share)) * 100)
    return (
        f' <span class="sure"><svg class="meter" viewBox="0 0 100 6" width="100" height="6" aria-hidden="true">'
        f'<rect class="rail" width="100" height="6" rx="3"/><rect class="fill" width="{width}" height="6" rx="3"/>'
        f"</svg> {percent(share)} sure</span>"
    )


def _next(verdict: Verdict) -> str:
    if not verdict.next_steps:
        return ""
    steps = "".join(f"<li>{prose(step)}</li>" for step in verdict.next_steps)
    return f'<section class="next"><h3>What to do next</h3><ol>{steps}</ol></section>'


def _evidence(verdict: Verdict) -> str:
    if not verdict.evidence:
        return ""
    who, why, elsewhere = told(verdict)
    most = max(abs(e.weight) for e in verdict.evidence) or 1.0
    first = [*who[: _STRONGEST - min(2, len(why))], *why[:2]]
    weak = [e for e in (*who, *why) if e not in first]
    strong = "".join(_piece(e, most) for e in first)
    rest = _folded(f"{len(weak)} weaker pieces of evidence", weak, most)
    rest += _folded(f"also seen, points elsewhere ({len(elsewhere)})", elsewhere, most)
    return f'<section><h3>Why we say so</h3><ul class="evidence">{strong}</ul>{rest}</section>'


def _folded(summary: str, pieces: list[Evidence], most: float) -> str:
    if not pieces:
        return ""
    items = "".join(_piece(e, most) for e in pieces[:_LISTED])
    return f'<details class="weaker"><summary>{summary}</summary><ul class="evidence">{items}</ul></details>'


def _piece(piece: Evidence, most: float) -> str:
    against = piece.weight < 0 or piece.supports.startswith("against:")
    kind, word = ("against", "speaks against it") if against else ("for", "speaks for it")
    seen = piece.seen
    where = [text(seen.where)] if seen.where else []
    if seen.exchange:
        where.append(f"in {jump(seen.exchange)}")
    if seen.packet is not None:
        where.append(f"packet {seen.packet}")
    length = max(4, round(abs(piece.weight) / most * 48))
    bar = (
        f'<svg class="weight" width="48" height="8" viewBox="0 0 48 8" role="img" aria-label="{word}, '
        f'weight {abs(piece.weight):.1f}"><rect width="{length}" height="8" rx="4"/></svg>'
    )
    value = f'<div class="seen">{code(seen.value, 300)}</div>' if seen.value else ""
    told = " · ".join(part for part in (", ".join(where), reference(piece.reference)) if part)
    about = f'<div class="soft small">{told}</div>' if told else ""
    return f'<li class="{kind}">{bar}<div><p>{text(piece.says)}</p>{value}{about}</div></li>'


def _chain(chain: list[Exchange], verdict: Verdict) -> str:
    if not chain:
        return ""
    title = "How it came to this" if len(chain) > 1 else "The exchange in time"
    return f"<section><h3>{title}</h3>{waterfall(chain[-_LISTED:], verdict.exchange)}</section>"


def _messages(exchange: Exchange | None) -> str:
    if exchange is None:
        return ""
    parts = []
    for title, message in (("Request", exchange.request), ("Response", exchange.response)):
        if message is not None:
            parts.append(f"<div><h4>{title}</h4>{_fields(message)}</div>")
    if not parts:
        return ""
    title = "Header fields of the denied exchange"
    return f"<details><summary>{title}</summary><div class=two>{''.join(parts)}</div></details>"


def _fields(message: Message) -> str:
    rows = "".join(
        f'<tr><th scope="row">{text(words(name), 120)}</th><td>{text(words(value), 1000)}</td></tr>'
        for name, value in message.headers[:200]
    )
    return f'<table class="fields">{rows}</table>'


def _others(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return ""
    links = ", ".join(jump(v.exchange) for v in verdicts[:_LISTED])
    more = f" and {len(verdicts) - _LISTED} more" if len(verdicts) > _LISTED else ""
    return f'<p class="soft">{len(verdicts)} more like it: {links}{more}</p>'


def nav_item(verdict: Verdict, number: int, count: int) -> str:
    """One line of the list of stories."""
    status = verdict.status if verdict.status is not None else "TLS"
    more = f' <span class="soft">×{count}</span>' if count > 1 else ""
    title = text(verdict.headline or layer_name(verdict.layer), 160)
    what = re.sub(r"[a-z]+://|[?#].*", "", asked(verdict))
    for_what = f'<span class="asked-for">{text(what, 120)}</span>'
    pill = f'<span class="pill bad" aria-hidden="true">{status}</span>'  # the title says it, too
    return f'<li><a href="#{anchor(f"story-{number}")}">{pill} <span>{title} {for_what}</span></a>{more}</li>'
