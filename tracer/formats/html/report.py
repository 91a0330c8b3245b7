"""The page as a whole, written piece by piece."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from itertools import islice
from typing import BinaryIO

from tracer.formats.writing import Options, Readable, chosen, iso, to_json, verdicts_of
from tracer.model.http import Exchange, Message
from tracer.model.http import text as words
from tracer.model.verdict import Verdict

from .markup import anchor, code, text
from .story import article, nav_item

_STORIES = 60
_DETAILS = 4 << 20
"""bytes of header fields that the page carries for its table"""


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write the report: stories first, then every exchange as data for the table."""
    style, script = _asset("style.css"), _asset("script.js")
    verdicts = [v for v in trace.verdicts() if options.only is None or v.exchange in options.only]
    stories = _stories(verdicts)
    title = _title(stories)
    out.write(_head(title, style, script).encode())
    out.write(_masthead(trace, title, stories, options).encode())
    for number, story in enumerate(islice(stories, _STORIES), 1):
        out.write(article(story, number, trace).encode("utf-8", "replace"))
    out.write(_TABLE.encode())
    out.write(_problems(trace).encode("utf-8", "replace"))
    out.write(b'</main><script type="application/json" id="data">{"rows":[')
    _rows(trace, out, options)
    out.write(f"]}}</script><script>{script}</script></body></html>\n".encode())


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _hash(source: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() + "'"


def _head(title: str, style: str, script: str) -> str:
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f'<meta name="color-scheme" content="light dark"><title>{text(title)} · tracer</title>'
        f"<style>{style}</style></head><body>"
    )


def _stories(verdicts: list[Verdict]) -> list[list[Verdict]]:
    """Verdicts grouped by story, in order of their first."""
    groups: dict[str, list[Verdict]] = {}
    for index, verdict in enumerate(verdicts):
        groups.setdefault(f"story {verdict.story}" if verdict.story else f"alone {index}", []).append(verdict)
    return list(groups.values())


def _title(stories: list[list[Verdict]]) -> str:
    if not stories:
        return "Nothing was denied"
    count = sum(len(s) for s in stories)
    return "One denial" if count == 1 else f"{count} denials"


def _masthead(trace: Readable, title: str, stories: list[list[Verdict]], options: Options) -> str:
    names = ", ".join(f"{code(s.name, 120)}" for s in islice(trace.sources(), 8))
    partial = any(s.partial for s in trace.sources())
    made = iso(options.made_ns, 0)
    items = "".join(nav_item(s[0], n, len(s)) for n, s in enumerate(stories[:_STORIES], 1))
    more = f"<p class=soft>{len(stories) - _STORIES} more stories are in the table below.</p>"
    nav = f'<nav aria-label="Denials"><ol class="index">{items}</ol></nav>' if len(stories) > 1 else ""
    return (
        '<a class="skip" href="#all">Skip to all exchanges</a><header class="mast"><p class="brand">tracer '
        f"<span>{text(options.version)}</span></p><p class=soft>{names}{f' · {text(made)}' if made else ''}"
        f"{' · <b class=who>read in part</b>' if partial else ''}</p></header>"
        f"<main><h1>{text(title)}</h1>{nav}{more if len(stories) > _STORIES else ''}"
    )


_TABLE = """<section class="all" id="all" aria-labelledby="all-title"><h2 id="all-title">All exchanges</h2>
<form class="tools" role="search"><label for="find">Find</label><input id="find" type="search" autocomplete="off"
spellcheck="false" placeholder="host, path, status, method …"><fieldset><legend class="hidden">Show</legend>
<label><input type="radio" name="show" value="all" checked>all</label>
<label><input type="radio" name="show" value="denied">denied</label>
<label><input type="radio" name="show" value="errors">4xx and 5xx</label>
<label><input type="radio" name="show" value="none">no answer</label></fieldset>
<output id="count" for="find" aria-live="polite"></output></form>
<div class="grid" id="grid" role="grid" tabindex="0" aria-label="Exchanges; arrow keys move, Enter opens">
<div role="rowgroup">
<div class="row headings" role="row">
<span role="columnheader">id</span><span role="columnheader">status</span><span role="columnheader">method</span>
<span role="columnheader">URL</span><span role="columnheader" class="num">time</span>
<span role="columnheader" class="line">when</span></div></div>
<div class="window" id="window" role="presentation"><div id="space" role="rowgroup"></div></div></div>
<noscript><p>The table needs the script in this page; the stories above do not.</p></noscript>
<dialog id="detail" aria-labelledby="detail-title">
<form method="dialog"><button aria-label="Close">Close</button></form><h3 id="detail-title"></h3>
<div id="detail-body"></div></dialog></section>"""


def _problems(trace: Readable) -> str:
    lines = [
        f"<li><b>{text(p.severity)}</b> {text(p.text)} <span class=soft>{text(p.source)}"
        f"{f', packet {p.packet}' if p.packet is not None else ''} {text(p.code)}</span></li>"
        for p in islice(trace.problems(), 101)
    ]
    if not lines:
        return ""
    more = "<li>and more</li>" if len(lines) > 100 else ""
    return (
        f'<section class="problems"><details><summary>What could not be read, or only in part ({len(lines[:100])}'
        f"{'+' if more else ''})</summary><ul>{''.join(lines[:100])}{more}</ul></details></section>"
    )


def _rows(trace: Readable, out: BinaryIO, options: Options) -> None:
    """One JSON array per exchange; `<` and its kind are escaped, so that no text can end the script element."""
    verdicts, budget = verdicts_of(trace), _DETAILS
    for index, exchange in enumerate(chosen(trace, options)):
        detail = _detail(exchange) if budget > 0 else None
        row = to_json([*_columns(exchange, verdicts.get(exchange.id)), detail])
        safe = row.decode().translate(_UNSAFE).encode()
        budget -= len(safe) if detail else 0
        out.write((b",\n" if index else b"\n") + safe)


_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029\u007f"}


def _columns(exchange: Exchange, verdict: Verdict | None) -> list[object]:
    request, response, t = exchange.request, exchange.response, exchange.timing
    took = (t.end_ns - t.start_ns) / 1e6 if t.end_ns is not None and t.start_ns is not None else None
    return [
        anchor(exchange.id),
        response.status if response else 0,
        request.method if request else "",
        (request.url if request else "")[:2000],
        t.start_ns / 1e6 if t.start_ns is not None else None,
        took,
        exchange.protocol,
        exchange.server or "",
        exchange.tls or "",
        (exchange.aborted or exchange.comment)[:300],
        verdict.headline if verdict else "",
        exchange.source,
    ]


def _detail(exchange: Exchange) -> list[list[list[str]]]:
    return [_fields(exchange.request), _fields(exchange.response)]


def _fields(message: Message | None) -> list[list[str]]:
    return [[words(n)[:200], words(v)[:2000]] for n, v in message.headers[:100]] if message else []
