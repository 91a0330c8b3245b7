"""The report in a browser: nothing in it runs but our own script; it can be used, read, printed. And DevTools opens
our HAR."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.browser import AVAILABLE, Browser, driven
from tests.formats.conftest import poisoned
from tests.payloads import PAYLOADS
from tracer.formats import har_out, html
from tracer.pipeline import read

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not AVAILABLE, reason="chromium or chromedriver is not installed")]
PCAPS = Path(__file__).parents[2] / "pcaps"
WIDE, NARROW = (1280, 900), (390, 800)
ELEMENTS = """a article b body button circle code dd details dialog div dl dt fieldset figcaption figure form h1 h2 h3
h4 head header html i input label legend li line main meta meter nav noscript ol output p path rect script section span
style summary svg table tbody td text th thead title tr tspan ul"""
"""those that the report is made of"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with driven() as made:
        yield made


@pytest.fixture
def report(write_with: Any, tmp_path: Path) -> Path:
    """A log-in over redirects that ends in a 403, through five hops."""
    page = tmp_path / "report.html"
    page.write_bytes(write_with(html, read([str(PCAPS / "redirect-login-role" / "capture.pcapng")]).trace))
    return page


def test_no_payload_in_any_field_runs_or_becomes_an_element(
    browser: Browser, denied_trace: Any, trace_of: Any, write_with: Any, tmp_path: Path
) -> None:
    trace = trace_of()
    for number, payload in enumerate(PAYLOADS):
        for name in ("exchanged", "shaken", "judged", "told"):
            getattr(trace, name).extend(
                _renamed(poisoned(value, payload), number) for value in getattr(denied_trace, name)
            )
    page = tmp_path / "report.html"
    page.write_bytes(write_with(html, trace))
    browser.open(page)
    count = len(trace.exchanged)
    assert browser.run("return document.getElementById('count').textContent") == f"{count} exchanges"
    shown = browser.run(
        """
        const found = {}, ours = new Set(Array.from(document.querySelectorAll('body > script')));
        for (const e of document.querySelectorAll('*')) {
          found[e.localName] = (found[e.localName] || 0) + 1;
          for (const a of e.attributes) if (a.name.startsWith('on') || ['src', 'action'].includes(a.name))
            found['attribute ' + a.name] = 1;
          if (e.href && !e.href.baseVal && !e.href.startsWith('file:') && !e.href.startsWith('https://coreruleset.org/'))
            found['link ' + e.href] = 1;
        }
        return found;
        """
    )
    assert set(shown) <= set(ELEMENTS.split())
    assert shown["script"] == 2
    # a detail with each payload, a search for each, and the way to where evidence was seen
    ran = browser.run(
        """
        const grid = document.getElementById('grid'), find = document.getElementById('find');
        for (let i = 0; i < arguments[0]; i++) {
          grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
          for (let n = 0; n < 4; n++) grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));
        }
        document.getElementById('detail').close();
        for (const payload of arguments[1]) {
          find.value = payload; find.dispatchEvent(new Event('input'));
          location.hash = payload;
        }
        for (const e of Array.from(document.querySelectorAll('.evidence a')).slice(0, 40)) if (e.hash) e.click();
        return new Promise((done) => setTimeout(() => done([window.pwned === undefined, document.title]), 300));
        """,
        len(PAYLOADS),
        list(PAYLOADS),
    )
    assert ran[0]
    assert "pwned" not in ran[1]
    assert browser.log() == []  # nothing was even tried: no violation of the policy


def _renamed(value: Any, number: int) -> Any:
    ids = {n: f"{getattr(value, n)}n{number}" for n in ("id", "exchange", "tls") if getattr(value, n, None)}
    return msgspec.structs.replace(value, **ids)


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read_at_both_widths_in_both_colours(
    browser: Browser, report: Path, size: tuple[int, int], scheme: str
) -> None:
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.resize(*size)
    browser.open(report)
    wider = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider == 0
    paths = browser.run(
        """
        return Array.from(document.querySelectorAll('svg.path')).filter((e) => e.checkVisibility()).map((e) =>
          [e.className.baseVal, e.querySelectorAll('.node.accused').length, e.querySelector('.guilty').textContent]);
        """
    )
    ((kind, accused, words),) = paths
    assert kind == ("path across" if size == WIDE else "path down")
    assert accused == 1
    assert "application" in words
    assert "said no" in words
    assert browser.run(_CONTRAST) == []
    if folder := os.environ.get("TRACER_PICTURES"):
        browser.look(Path(folder) / f"report-{size[0]}-{scheme}.png")


_CONTRAST = """
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const colour = (words) => words.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = colour(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const e of document.querySelectorAll('main *, header *')) {
    if (!e.checkVisibility() || !Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const ink = e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const one = light(colour(ink).slice(0, 3)), two = light(behind(e));
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) poor.add(e.localName + '.' + (e.className.baseVal ?? e.className) + ' ' + ratio.toFixed(2));
  }
  return Array.from(poor);
"""
"""text whose contrast is less than WCAG 2.2 asks for (success criterion 1.4.3)"""


def test_it_is_used_by_keyboard_alone(browser: Browser, report: Path) -> None:
    browser.resize(*WIDE)
    browser.open(report)
    browser.press("Tab")
    assert browser.run("return document.activeElement.className") == "skip"
    browser.press("/")
    assert browser.run("return document.activeElement.id") == "find"
    browser.press(*"403")
    state = "return [document.getElementById('count').textContent, document.getElementById('detail').open, "
    state += "document.activeElement.id, document.getElementById('detail-title').textContent]"
    wait = "return new Promise((done) => setTimeout(() => done(0), 150))"
    browser.run(wait)
    assert browser.run(state)[0] == "5 of 17"
    order = []
    for _ in range(6):
        browser.press("Tab")
        order.append(browser.run("return document.activeElement.name || document.activeElement.id"))
    assert order[:2] == ["show", "grid"]
    browser.run("document.getElementById('grid').focus()")
    browser.press("ArrowDown", "Enter")
    _, is_open, _, title = browser.run(state)
    assert is_open
    assert title.startswith("e145")
    browser.press("Escape")
    assert browser.run(state)[1:3] == [False, "grid"]


def test_a_screen_reader_finds_its_way(browser: Browser, report: Path) -> None:
    browser.open(report)
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    told = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored")]
    by_role = {role: [name for r, name in told if r == role] for role, _ in told}
    assert {"main", "banner", "search", "grid", "status"} <= set(by_role)
    for role in ("button", "link", "image", "radio", "searchbox", "grid", "article"):
        assert all(by_role.get(role, [])), role
    (path,) = (name for name in by_role["image"] if name.startswith("Path: client, "))
    assert "application (gunicorn) said no" in path
    assert len(by_role["columnheader"]) == 6
    levels = browser.run("return Array.from(document.querySelectorAll('h1,h2,h3,h4')).map((e) => +e.localName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_evidence_leads_to_the_exchange_it_was_seen_in(browser: Browser, report: Path) -> None:
    browser.resize(*WIDE)
    browser.open(report)
    where = browser.run(
        """
        const link = document.querySelector('.evidence a[href^="#"]');
        link.click();
        return new Promise((done) => setTimeout(() => done([link.textContent,
          document.getElementById('detail-title').textContent, document.getElementById('detail').open]), 100));
        """
    )
    assert where[1].startswith(where[0])
    assert where[2]


def test_on_paper_the_story_is_whole_and_the_table_left_out(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.devtools("Emulation.setEmulatedMedia", media="print")
    parts = [".story", ".waterfall", ".certs", ".evidence", ".all"]
    seen = "return arguments[0].map((s) => document.querySelector(s).checkVisibility())"
    assert browser.run(seen, parts) == [True, True, True, True, False]
    browser.devtools("Emulation.setEmulatedMedia", media="")
    assert len(browser.devtools("Page.printToPDF", printBackground=True)["data"]) > 10_000


def test_ten_thousand_rows_are_in_the_table_but_only_the_visible_ones_are_drawn(
    browser: Browser, make_exchange: Any, trace_of: Any, write_with: Any, tmp_path: Path
) -> None:
    trace = trace_of([make_exchange(f"e{i}", f"https://shop.example/{i}", after_ms=i) for i in range(1, 10_001)])
    (tmp_path / "report.html").write_bytes(write_with(html, trace))
    browser.resize(*WIDE)
    browser.open(tmp_path / "report.html")
    drawn = "return [document.getElementById('count').textContent, document.querySelectorAll('#space .row').length]"
    count, rows = browser.run(drawn)
    assert count == "10000 exchanges"
    assert 10 < rows < 100
    browser.run("document.getElementById('grid').focus()")
    browser.press("End")
    last = browser.run("return document.getElementById('grid').getAttribute('aria-activedescendant')")
    assert last == "row-e10000"
    assert browser.run(f"return document.getElementById('{last}').checkVisibility()")
    assert browser.run(drawn)[1] < 100


_IMPORT = """
  return (async () => {
    let har;
    try { har = await import('devtools://devtools/bundled/models/har/har.js'); } catch { return null; }
    const log = new har.HARFormat.HARRoot(JSON.parse(arguments[0])).log;
    return har.Importer.Importer.requestsFromHARLog(log).map((r) => [r.requestMethod, r.url(), r.statusCode,
      r.connectionId, Math.round(r.duration * 1e3), r.responseHeaderValue('server') ?? null]);
  })();
"""


def test_devtools_opens_our_har(browser: Browser, denied_trace: Any, write_with: Any) -> None:
    """By the code that the network panel's import runs."""
    browser.open("devtools://devtools/bundled/devtools_app.html")
    rows = browser.run(_IMPORT, write_with(har_out, denied_trace).decode())
    if rows is None:
        pytest.xfail("this version of Chromium keeps the importer elsewhere")
    assert rows == [
        ["GET", "https://shop.example/account", 302, "c1", 30, None],
        ["POST", "https://shop.example/login", 303, "c1", 30, None],
        ["GET", "https://shop.example/api?id=1+UNION", 403, "c1", 30, "nginx"],
        ["GET", "https://shop.example/slow", 0, "c1", 1, None],
    ]
