"use strict";
(() => {
  const rows = JSON.parse(document.getElementById("data").textContent).rows;
  const ID = 0, STATUS = 1, METHOD = 2, URL = 3, START = 4, TOOK = 5, PROTOCOL = 6, SERVER = 7, TLS = 8, NOTE = 9,
    VERDICT = 10, SOURCE = 11, DETAIL = 12;
  const HEIGHT = 34, SPARE = 12;
  const $ = (id) => document.getElementById(id);
  const grid = $("grid"), frame = $("window"), space = $("space"), find = $("find"), count = $("count"), dialog = $("detail");
  const texts = rows.map((r) => [r[ID], r[STATUS] || "none", r[METHOD], r[URL], r[PROTOCOL], r[SERVER], r[NOTE],
    r[VERDICT], r[SOURCE]].join("\n").toLowerCase());
  const starts = rows.map((r) => r[START]).filter((t) => t !== null);
  let first = Infinity, last = -Infinity;
  for (const r of rows) if (r[START] !== null) {
    first = Math.min(first, r[START]);
    last = Math.max(last, r[START] + (r[TOOK] || 0));
  }
  const whole = Math.max(last - first, 1);
  const pass = {
    all: () => true,
    denied: (r) => r[VERDICT] !== "",
    errors: (r) => r[STATUS] >= 400,
    none: (r) => r[STATUS] === 0,
  };
  let shown = rows.map((_, i) => i), current = 0, drawn = "";
  const pool = new Map();

  const make = (name, words, kind) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (words !== undefined && words !== null) element.textContent = words;
    return element;
  };
  const clean = (words) => String(words).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, " ");
  const tone = (s) => [0, 401, 403, 405, 407, 421, 429, 451, 495, 496, 511].includes(s) ? "bad"
    : s < 300 ? "good" : s < 400 ? "turn" : "warn";
  const time = (ms) => ms === null ? "" : ms < 10 ? ms.toFixed(1) + " ms" : ms < 10000 ? Math.round(ms) + " ms"
    : (ms / 1000).toFixed(1) + " s";

  const draw = (at) => {
    const r = rows[shown[at]];
    const row = make("div", undefined, "row" + (r[VERDICT] ? " denied" : "") + (at === current ? " current" : ""));
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", String(at + 2));
    row.id = "row-" + r[ID];
    row.style.top = at * HEIGHT + "px";
    const status = make("span");
    status.append(make("span", r[STATUS] || "none", "pill " + tone(r[STATUS])));
    const url = make("span", undefined, "url");
    const [, host, rest] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(clean(r[URL])) || [null, "", clean(r[URL])];
    url.append(make("span", host, "host"), rest || (host && "/"));
    url.title = clean(r[URL]);
    const line = make("span", undefined, "line");
    if (r[START] !== null) {
      const bar = make("i");
      bar.style.left = ((r[START] - first) / whole * 100).toFixed(2) + "%";
      bar.style.width = Math.max((r[TOOK] || 0) / whole * 100, 0.6).toFixed(2) + "%";
      line.append(bar);
    }
    const cells = [make("span", r[ID], "id"), status, make("span", clean(r[METHOD])), url,
      make("span", time(r[TOOK]), "num"), line];
    for (const cell of cells) cell.setAttribute("role", "gridcell");
    row.append(...cells);
    row.addEventListener("click", () => { move(at); open(shown[at]); });
    return row;
  };

  const paint = () => {
    const from = Math.max(0, Math.floor(frame.scrollTop / HEIGHT) - SPARE);
    const to = Math.min(shown.length, Math.ceil((frame.scrollTop + frame.clientHeight) / HEIGHT) + SPARE);
    const key = from + ":" + to + ":" + current;
    if (key === drawn) return;
    drawn = key;
    const list = [];
    for (let at = from; at < to; at++) list.push(draw(at));
    space.replaceChildren(...list);
    const r = shown.length ? rows[shown[current]] : null;
    if (r) grid.setAttribute("aria-activedescendant", "row-" + r[ID]);
    else grid.removeAttribute("aria-activedescendant");
  };

  const filter = () => {
    const terms = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = pass[document.querySelector("input[name=show]:checked").value];
    shown = [];
    for (let i = 0; i < rows.length; i++)
      if (wanted(rows[i]) && terms.every((t) => texts[i].includes(t))) shown.push(i);
    current = 0;
    drawn = "";
    space.style.height = shown.length * HEIGHT + "px";
    frame.style.height = Math.min(Math.max(shown.length, 1) * HEIGHT + 2, Math.max(window.innerHeight * 0.7, 300)) + "px";
    frame.scrollTop = 0;
    grid.setAttribute("aria-rowcount", String(shown.length + 1));
    count.textContent = shown.length === rows.length ? rows.length + " exchanges"
      : shown.length + " of " + rows.length;
    paint();
  };

  const move = (to) => {
    current = Math.max(0, Math.min(shown.length - 1, to));
    const top = current * HEIGHT;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + HEIGHT > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + HEIGHT - frame.clientHeight;
    paint();
  };

  const list = (title, fields) => {
    const box = make("div");
    box.append(make("h4", title));
    const table = make("table", undefined, "fields");
    for (const [name, value] of fields) {
      const line = make("tr"), head = make("th", clean(name));
      head.scope = "row";
      line.append(head, make("td", clean(value)));
      table.append(line);
    }
    box.append(table);
    return box;
  };

  const open = (index) => {
    const r = rows[index];
    $("detail-title").textContent = r[ID] + "  " + clean(r[METHOD]) + " → " + (r[STATUS] || "no answer");
    const body = $("detail-body");
    const told = [["URL", r[URL]], ["Verdict", r[VERDICT]], ["Note", r[NOTE]], ["Protocol", r[PROTOCOL]],
      ["Server", r[SERVER]], ["TLS", r[TLS]], ["Took", time(r[TOOK])],
      ["Started", r[START] === null ? "" : new Date(r[START]).toISOString()], ["Source", r[SOURCE]]];
    body.replaceChildren(list("Exchange", told.filter(([, value]) => value)));
    if (r[DETAIL]) {
      if (r[DETAIL][0].length) body.append(list("Request", r[DETAIL][0]));
      if (r[DETAIL][1].length) body.append(list("Response", r[DETAIL][1]));
    } else body.append(make("p", "The header fields of this exchange are not in this report.", "soft"));
    if (!dialog.open) dialog.showModal();
  };

  const follow = () => {
    const name = location.hash.slice(1);  // ids hold nothing that is escaped in one
    const index = rows.findIndex((r) => r[ID] === name);
    if (index < 0) return;
    if (!shown.includes(index)) {
      find.value = "";
      document.querySelector("input[name=show][value=all]").checked = true;
      filter();
    }
    move(shown.indexOf(index));
    open(index);
  };

  frame.addEventListener("scroll", () => requestAnimationFrame(paint), { passive: true });
  window.addEventListener("resize", () => { drawn = ""; paint(); });
  let later = 0;
  find.addEventListener("input", () => { clearTimeout(later); later = setTimeout(filter, 60); });
  for (const radio of document.querySelectorAll("input[name=show]")) radio.addEventListener("change", filter);
  document.querySelector("form.tools").addEventListener("submit", (event) => event.preventDefault());
  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(frame.clientHeight / HEIGHT) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) { event.preventDefault(); move(current + step); }
    else if (event.key === "Enter" && shown.length) { event.preventDefault(); open(shown[current]); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !["INPUT", "TEXTAREA"].includes(document.activeElement.tagName) && !dialog.open) {
      event.preventDefault();
      find.focus();
    }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    grid.focus({ preventScroll: true });
  });
  window.addEventListener("hashchange", follow);
  filter();
  follow();
})();
