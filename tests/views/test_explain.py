"""The answer as text: first the sentence, then path, proof, doubt and steps; within its width, safe, grouped."""

from __future__ import annotations

import pytest

from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Alternative, Cause, Evidence, Layer, PathEntry, Said, Seen, Verdict
from tracer.store.trace import Trace
from tracer.views.explain import explain, grouped
from tracer.views.style import Style


def verdict(number: int = 1, **changes: object) -> Verdict:
    values: dict[str, object] = {
        "source": "a",
        "exchange": f"e{number}",
        "method": "GET",
        "url": f"https://h.test/{number}",
        "status": 403,
        "layer": Layer.WAF,
        "product": "modsecurity",
        "cause": Cause.WAF_RULE,
        "confidence": 0.93,
        "cause_confidence": 0.8,
        "headline": "403 was said by modsecurity (waf): a rule of the firewall matched.",
        "path": (
            PathEntry(layer=Layer.CDN, product="varnish", said=Said.FORWARDED),
            PathEntry(layer=Layer.WAF, product="modsecurity", address="127.0.0.1:443", said=Said.GENERATED),
        ),
        "evidence": (
            Evidence(id="v1", says="Varnish relayed it", supports="forwarded:cdn", weight=1.0),
            Evidence(
                id="v2",
                says="the page is ModSecurity's",
                supports="generated:waf",
                weight=3.0,
                seen=Seen(exchange="e1", where="response body", value="Not Acceptable!", packet=41),
            ),
        ),
        "alternatives": (
            Alternative(layer=Layer.ORIGIN, confidence=0.2),
            Alternative(layer=Layer.APP, confidence=0.01),
        ),
        "next_steps": ("read the audit log",),
    }
    return Verdict(**(values | changes))  # type: ignore[arg-type]


def text(verdicts: list[Verdict], width: int = 80, colour: bool = False, unicode: bool = True) -> list[str]:
    with Trace() as trace:
        trace.source(Source(name="a", kind="pcap"))
        return list(explain(trace, trace, verdicts, Style(colour, unicode), width))


def test_the_sentence_comes_first_with_its_confidence() -> None:
    assert text([verdict()])[0] == "✗ 403 was said by modsecurity (waf): a rule of the firewall matched.  [93 %]"


def test_the_path_marks_the_accused_in_words() -> None:
    path = "  path     client → varnish (cdn) → [modsecurity (waf) 127.0.0.1:443 SAID 403]"
    assert path in text([verdict()])


def test_a_long_path_breaks_between_hops() -> None:
    lines = text([verdict()], 60)
    assert "  path     client → varnish (cdn)" in lines
    assert "           → [modsecurity (waf) 127.0.0.1:443 SAID 403]" in lines


def test_evidence_for_the_verdict_stands_before_other_evidence_and_says_where() -> None:
    lines = text([verdict()])
    at = lines.index("  because  the page is ModSecurity's")
    assert lines[at + 1] == "             response body: “Not Acceptable!”  (e1, packet 41)"
    assert lines[at + 2] == "           Varnish relayed it"


def piece(number: int, says: str, supports: str, where: str, value: str = "", **changes: object) -> Evidence:
    values = {"id": f"v{number}", "says": says, "supports": supports, "weight": 3.0 - number / 10}
    return Evidence(**(values | changes), seen=Seen(exchange="e1", where=where, value=value))  # type: ignore[arg-type]


def test_what_one_place_shows_of_who_and_of_why_is_told_and_quoted_once() -> None:
    body = "<h1>Not Acceptable!</h1>"
    lines = text([verdict(evidence=(
        piece(1, "the page is ModSecurity's", "generated:waf", "response body", body),
        piece(2, "its words are ModSecurity's", "generated:waf", "response body", "Not Acceptable!"),
        piece(3, "the Server field names it", "generated:waf", "response header server", "mod_security"),
        piece(4, "the answer itself says so: \u201cNot Acceptable!\u201d", "cause:waf-rule", "response body", body),
    ))])  # fmt: skip
    at = lines.index("  because  the page is ModSecurity's")
    assert [line.strip() for line in lines[at + 1 : at + 8]] == [
        "response body: \u201c<h1>Not Acceptable!</h1>\u201d  (e1)",
        "the Server field names it",
        "response header server: \u201cmod_security\u201d  (e1)",
        "cause    waf-rule  80 %",
        "the answer itself says so: \u201cNot Acceptable!\u201d",
        "response body  (e1)",
        "(1 more: tracer show … e1)",
    ]


def test_marks_of_another_product_are_no_proof_against_the_accused_one() -> None:
    lines = text([verdict(evidence=(
        piece(1, "Other writes this", "generated:waf", "response body", product="other"),
        piece(2, "ModSecurity writes this", "generated:waf", "response header x", product="modsecurity"),
    ))])  # fmt: skip
    assert "  because  ModSecurity writes this" in lines
    assert not any("Other writes this" in line for line in lines)


def test_only_close_alternatives_are_told() -> None:
    (line,) = [x for x in text([verdict()]) if "maybe" in x]
    assert "origin server 20 %" in line
    assert "app" not in line


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = verdict(headline="403 " + "word " * 60, url="https://h.test/" + "a" * 500)
    assert max(len(line) for line in text([long], width)) <= width


def test_colour_changes_nothing_but_colour() -> None:
    import re

    painted = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text([verdict()], colour=True)]
    assert painted == text([verdict()])


def test_ascii_is_enough_where_it_must_be() -> None:
    signs = "".join(text([verdict(evidence=())], unicode=False))
    assert signs.isascii()


def test_denials_of_one_story_are_told_once_and_counted() -> None:
    lines = text([verdict(n, story="s1") for n in range(1, 31)])
    assert sum(line.startswith("✗") for line in lines) == 1
    assert "  and 29 more like it:" in lines
    assert "30 denials, 1 story, in 0 exchanges, 0 connections, 0 TLS handshakes; 1 source read." in " ".join(lines)


def test_different_answers_are_different_stories() -> None:
    assert len(grouped([verdict(1), verdict(2, layer=Layer.APP), verdict(3, status=401), verdict(4)])) == 3


def test_many_stories_are_told_shorter_after_the_first_ones() -> None:
    lines = text([verdict(n, story=f"s{n}") for n in range(10)])
    assert sum(line.startswith("✗") for line in lines) == 10
    assert sum("because" in line for line in lines) == 6
    assert "4 more stories, shorter:" in lines


def test_without_a_denial_it_says_what_was_read_and_what_stayed_locked() -> None:
    with Trace() as trace:
        trace.source(Source(name="a", kind="pcap", partial=True))
        trace.handshake(Handshake(id="t1", source="a", decrypted=False))
        lines = " ".join(explain(trace, trace, [], Style(False), 80))
    assert "No denial in 0 exchanges" in lines
    assert "Only in part: a" in lines
    assert "--keylog" in lines


def test_a_hostile_verdict_cannot_reach_the_terminal() -> None:
    bad = "\x1b[2J\u202e\n"
    hostile = verdict(headline=bad, url=bad, method=bad, product=bad, next_steps=(bad,), exchange=bad, cause_detail=bad)
    assert not [c for line in text([hostile]) for c in line if not c.isprintable()]
