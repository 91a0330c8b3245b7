"""The report page: what it says, that it asks nobody for anything, and that nothing from the wire becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.conftest import poisoned
from tests.payloads import PAYLOADS
from tracer.formats import html


class Page(HTMLParser):
    """Elements and attributes of a page, as a parser sees them."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_answer_comes_first_and_every_part_is_there(denied_trace: Any, write_with: Any) -> None:
    page = write_with(html, denied_trace, version="1.2.3").decode()
    order = ["One denial", "The firewall refused the query", "firewall (WAF)", "What to do next", "Why we say so",
             "How it came to this", "<h3>TLS</h3>", "All exchanges"]  # fmt: skip
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert 'href="#e21"' in page
    assert 'href="https://coreruleset.org/docs/"' in page
    assert page.count('class="node accused"') == 2  # across and down


def test_the_policy_allows_only_the_two_blocks_that_are_in_the_page(denied_trace: Any, write_with: Any) -> None:
    page = write_with(html, denied_trace).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    for pattern, name in ((r"<style>(.*?)</style>", "style-src"), (r"<script>(.*?)</script>", "script-src")):
        (block,) = re.findall(pattern, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy[1]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_the_page_names_nothing_to_load_and_no_inline_handlers(denied_trace: Any, write_with: Any) -> None:
    page = Page(write_with(html, denied_trace))
    for tag, attributes in page.tags:
        assert tag not in (
            "img",
            "link",
            "iframe",
            "object",
            "embed",
            "base",
            "audio",
            "video",
            "source",
            "form action",
        )
        assert not any(
            n.startswith("on") or n in ("style", "src", "srcset", "action", "background") for n in attributes
        ), tag
        assert (attributes.get("href") or "#").startswith(("#", "https://"))


def shape(page: Page) -> list[tuple[str, list[str]]]:
    """Its elements and their attributes, but for bare `code`: backticks in a step make it."""
    return [(tag, sorted(attributes)) for tag, attributes in page.tags if tag != "code" or attributes]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_every_field_adds_no_element_and_no_attribute(
    denied_trace: Any, poisoned_trace: Any, write_with: Any, payload: str
) -> None:
    before = Page(write_with(html, denied_trace))
    harmless = Page(write_with(html, poisoned_trace("x://harmless/words" if "://%" in payload else "harmless words")))
    after = Page(write_with(html, poisoned_trace(payload)))
    assert len(before.tags) > 100
    assert shape(after) == shape(harmless)
    assert not any(ord(c) < 32 and c != "\n" for c in "".join(after.texts))


def test_rows_are_json_that_holds_the_payload_as_text(poisoned_trace: Any, write_with: Any) -> None:
    page = write_with(html, poisoned_trace(PAYLOADS[1])).decode()
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert "<" not in block
    assert json.loads(block)["rows"][0][3] == PAYLOADS[1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_text_anywhere_keeps_the_shape_of_the_page(denied_trace: Any, write_with: Any, words: str) -> None:
    for name in ("exchanged", "shaken", "judged"):
        setattr(denied_trace, name, [poisoned(v, "harmless") for v in getattr(denied_trace, name)])
    harmless = [t for t, _ in shape(Page(write_with(html, denied_trace)))]
    for name in ("exchanged", "shaken", "judged"):
        setattr(denied_trace, name, [poisoned(v, words or "x") for v in getattr(denied_trace, name)])
    found = [t for t, _ in shape(Page(write_with(html, denied_trace)))]
    # fields of only white space are left out, so elements may be missing, never added
    assert len(found) <= len(harmless)
    assert set(found) <= set(harmless)


def test_denials_of_one_story_share_a_section(denied_trace: Any, write_with: Any) -> None:
    (verdict,) = denied_trace.judged
    denied_trace.judged = [msgspec.structs.replace(verdict, story="s1", exchange=e) for e in ("e21", "e7", "e11")]
    page = write_with(html, denied_trace).decode()
    assert page.count('<article class="story"') == 1
    assert "2 more like it" in page
    assert "3 denials" in page


def test_a_trace_without_denials_says_so(denied_trace: Any, write_with: Any) -> None:
    denied_trace.judged = []
    assert "<h1>Nothing was denied</h1>" in write_with(html, denied_trace).decode()


def test_references_that_are_no_plain_https_links_are_words(denied_trace: Any, write_with: Any) -> None:
    (verdict,) = denied_trace.judged
    for reference in (
        "javascript:alert(1)",
        "RFC 9110 section 7.6.3",
        "http://x.example/",
        'https://x.example/"onload=',
    ):
        changed = msgspec.structs.replace(verdict.evidence[0], reference=reference)
        denied_trace.judged = [msgspec.structs.replace(verdict, evidence=(changed,))]
        page = Page(write_with(html, denied_trace))
        assert not any((a.get("href") or "#")[0] != "#" for t, a in page.tags if t == "a")


def test_commands_in_steps_are_code_and_their_words_are_kept(denied_trace: Any, write_with: Any) -> None:
    (verdict,) = denied_trace.judged
    steps = ("look with `grep -n 'a\\|b' <file>` there, or `x`",)
    denied_trace.judged = [msgspec.structs.replace(verdict, next_steps=steps)]
    page = write_with(html, denied_trace).decode()
    assert "<li>look with <code>grep -n &#x27;a\\|b&#x27; &lt;file&gt;</code> there, or <code>x</code></li>" in page
