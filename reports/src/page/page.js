"use strict";
// The page of a run: moves what lies in time, tells of what is pointed at, shows the DNS at an instant.
(() => {
  const run = JSON.parse(document.getElementById("run").textContent);
  const $ = (id) => document.getElementById(id);
  const svg = $("picture"), frame = $("frame"), slider = $("slider"), details = $("details");
  const SVG = "http://www.w3.org/2000/svg";
  const END = Math.max(run.end, 1e-6), RIGHT = 18, NARROW = 640, LEAST = 1;
  const STEPS = [1, 5, 15, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 1728000, 2592000, 8640000];
  const height = svg.viewBox.baseVal.height;
  let view = [0, END], width = 1120, gutter = 176, now = 0, chosen = null;

  // --- words
  const pad = (n, digits = 2) => String(n).padStart(digits, "0");
  const at = (seconds) => {
    if (seconds === null || seconds === undefined) return "for ever";
    const ms = Math.floor(Math.abs(seconds) * 1000 + 1e-6), s = Math.floor(ms / 1000);
    const rest = ms % 1000 ? "." + pad(ms % 1000, 3) : "";
    return `T${seconds < 0 ? "-" : "+"}${Math.floor(s / 86400)}d${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}${rest}`;
  };
  const span = (seconds) => {
    const s = Math.floor(seconds);
    const parts = [[Math.floor(s / 86400), "d"], [Math.floor(s / 3600) % 24, "h"], [Math.floor(s / 60) % 60, "m"], [s % 60, "s"]];
    return parts.filter(([n]) => n > 0).slice(0, 2).map(([n, unit]) => n + unit).join(" ") || "0s";
  };
  const el = (name, text, ...children) => {
    const node = document.createElement(name);
    if (text) node.textContent = text;
    node.append(...children);
    return node;
  };

  // --- what versions say
  const label = (zone, key) => (zone.keys[key] || { label: "an unknown key" }).label;
  const name = (zone, key) => label(zone, key).split(" (")[0];
  const content = (zone, v) => {
    const keys = (v.keys || []).map((key) => label(zone, key));
    switch (v.what) {
      case "DS": return [...keys, ...(v.keyless ? [`${v.keyless} of no key`] : [])].join(", ") || "no DS (proven)";
      case "DNSKEY": return keys.join(", ") || "no key";
      case "answers": return (v.signed || []).map((s) => label(zone, s.key)).join(", ") || "no signature";
      default: return (v.servers || []).map((server) => zone.instances[server].name).join(", ") || "nobody";
    }
  };
  const has = (zone, v, item) => {
    switch (v.what) {
      case "NS": return (v.servers || []).some((server) => zone.instances[server].owner === item);
      case "address": return (v.servers || []).some((server) => zone.instances[server].name === item);
      case "answers": return item === "unsigned" ? !(v.signed || []).length : (v.signed || []).some((s) => name(zone, s.key) === item);
      default:
        if (item === "no DS") return !(v.keys || []).length && !v.keyless;
        if (item === "of no key") return v.keyless > 0;
        return (v.keys || []).some((key) => name(zone, key) === item);
    }
  };
  const serves = (v, t) => (v.from === null || v.from <= t) && (v.until === null || t < v.until);
  const cached = (v, t) => v.fetchable.some((f) => (f.from === null || f.from <= t) && (f.until === null || t < f.until + v.ttl_seconds));
  const called = (what) => (what === "answers" ? "signed by" : what);
  const step = (zone, t) => {
    for (const p of run.processes) if (p.zone === zone.name)
      for (const s of p.steps) if (s.from <= t && (s.until === null || t < s.until)) return `${s.name} of ${p.name}`;
    return null;
  };

  // --- where things are
  const x = (t) => gutter + ((t - view[0]) / (view[1] - view[0])) * (width - gutter - RIGHT);
  const time = (px) => view[0] + ((px - gutter) / (width - gutter - RIGHT)) * (view[1] - view[0]);
  const near = (px) => Math.min(Math.max(px, -60), width + 60);
  const number = (node, key) => Number(node.dataset[key]);
  const timed = [...svg.querySelectorAll("[data-a]")].filter((n) => !n.matches(".axis, .grid"));
  for (const old of svg.querySelectorAll(".axis, .grid")) old.remove();
  const axis = svg.insertBefore(document.createElementNS(SVG, "g"), svg.querySelector(".bands"));
  const cursor = svg.appendChild(document.createElementNS(SVG, "line"));
  cursor.setAttribute("class", "cursor");
  const top = Number(svg.dataset.top), bottom = height;

  function place(node) {
    const a = number(node, "a"), b = node.dataset.b === undefined ? null : number(node, "b");
    const x1 = near(x(a)), x2 = b === null ? x1 : near(x(b)), set = (key, value) => node.setAttribute(key, value);
    switch (node.tagName) {
      case "rect": set("x", x1); set("width", Math.max(x2 - x1, 0.6)); break;
      case "line": set("x1", x1); set("x2", Math.max(x2, x1 + (node.classList.contains("tick") ? 2 : 0))); break;
      case "text": set("x", x1 + 3); set("visibility", x2 - x1 < node.textContent.length * 5.4 + 3 ? "hidden" : "visible"); break;
      case "g": {
        set("transform", `translate(${x1},${node.dataset.y})`);
        set("visibility", x1 < gutter - 1 || x1 > width - RIGHT + 1 ? "hidden" : "visible");
        break;
      }
      case "path": {
        const y = number(node, "y");
        if (node.classList.contains("arrow")) {
          const head = number(node, "top"), to = near(x(number(node, "to"))), bend = Math.min(x1 + 26 + (y - head) * 0.06, width - 4);
          set("d", `M${x1} ${head}C${bend} ${head} ${bend} ${y} ${to} ${y}`);
        } else set("d", `M${x1} ${y}v5M${x1} ${y + 2.5}H${x2}M${x2} ${y}v5`);
      }
    }
  }

  function flags() {
    const ends = new Map();
    for (const flag of svg.querySelectorAll(".flagged")) {
      const text = flag.querySelector("text"), y = flag.dataset.y, px = x(number(flag, "a"));
      const wide = text.textContent.length * 6 + 12, late = px + wide > width;
      text.classList.toggle("end", late);
      text.setAttribute("x", late ? -4 : 9);
      text.style.display = px < (ends.get(y) || 0) ? "none" : "";
      if (px >= (ends.get(y) || 0)) ends.set(y, late ? px + 12 : px + wide);
    }
  }

  function marks() {
    const most = Math.max(2, Math.floor((width - gutter) / (narrow() ? 62 : 95))), length = view[1] - view[0];
    const unit = STEPS.find((s) => length / s < most) || STEPS[STEPS.length - 1];
    axis.replaceChildren();
    for (let t = Math.ceil(view[0] / unit) * unit; t <= view[1]; t += unit) {
      const line = document.createElementNS(SVG, "line"), text = document.createElementNS(SVG, "text"), px = x(t);
      line.setAttribute("class", "grid");
      for (const [key, value] of [["x1", px], ["x2", px], ["y1", top], ["y2", bottom]]) line.setAttribute(key, value);
      text.setAttribute("class", "soft mid axis");
      text.setAttribute("x", px);
      text.setAttribute("y", top - 5);
      text.textContent = t === 0 ? "T" : "+" + span(t);
      axis.append(line, text);
    }
  }

  const narrow = () => width < NARROW;

  function draw() {
    width = Math.max(frame.clientWidth, 320);
    gutter = narrow() ? 128 : 176;
    svg.classList.toggle("narrow", narrow());
    svg.setAttribute("width", width);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    $("plotarea").setAttribute("x", gutter - 8);
    $("plotarea").setAttribute("width", Math.max(width - gutter + 8, 1));
    for (const node of svg.querySelectorAll("text.end:not(.in)")) if (!node.closest(".flagged")) {
      const isLabel = node.classList.contains("label") && !node.classList.contains("alone");
      node.setAttribute("x", isLabel && !narrow() ? gutter - 40 : gutter - 8);
    }
    for (const node of svg.querySelectorAll("text.what")) node.setAttribute("x", narrow() ? 2 : 16);
    for (const node of svg.querySelectorAll("text.own")) node.setAttribute("x", narrow() ? 2 : 8);
    for (const node of svg.querySelectorAll("line.rule")) node.setAttribute("x2", width - RIGHT);
    timed.forEach(place);
    flags();
    marks();
    point();
  }

  function zoom(from, until) {
    const length = Math.min(Math.max(until - from, LEAST), END);
    from = Math.min(Math.max(from, 0), END - length);
    view = [from, from + length];
    svg.dataset.view = view.join(" ");
    draw();
  }
  const scale = (factor, around = (view[0] + view[1]) / 2) =>
    zoom(around - (around - view[0]) * factor, around + (view[1] - around) * factor);
  function unsafe() {
    const first = run.violations[0];
    if (!first) return;
    const last = first.during[0].until === null ? END : first.during[0].until;
    const margin = Math.max((last - first.from) * 0.25, 60);
    zoom(first.from - margin, last + margin);
  }

  // --- the instant
  function point() {
    const px = x(now);
    cursor.setAttribute("x1", px);
    cursor.setAttribute("x2", px);
    cursor.setAttribute("y1", top);
    cursor.setAttribute("y2", bottom);
    cursor.setAttribute("visibility", px < gutter - 1 || px > width - RIGHT + 1 ? "hidden" : "visible");
  }

  function instant(t) {
    now = Math.min(Math.max(t, 0), END);
    slider.value = now;
    $("when").textContent = at(now);
    point();
    const section = $("instant");
    section.replaceChildren(el("h2", `The DNS at ${at(now)}`));
    for (const violation of run.violations)
      if (violation.during.some((d) => (d.from === null || d.from <= now) && (d.until === null || now < d.until)))
        section.append(el("p", `Unsafe: ${violation.zone} is not ${violation.property} for ${violation.profiles.join(", ")}, ${violation.quantifier}.`));
    for (const zone of run.zones) section.append(...served(zone), ...held(zone));
  }

  const cells = (...texts) => el("tr", "", ...texts.map((text) => el("td", text)));
  const table = (...heads) => el("table", "", el("tr", "", ...heads.map((head) => el("th", head))));
  const wide = (node) => { const div = el("div", "", node); div.className = "wide"; return div; };

  function served(zone) {
    const rows = new Map();
    for (const v of zone.versions) if (serves(v, now)) {
      const said = v.what === "address" ? `${v.example}: ${content(zone, v)}` : content(zone, v);
      const key = [zone.instances[v.instance].owner, v.what, said, v.ttl_seconds].join("|");
      const row = rows.get(key) || { owner: zone.instances[v.instance].owner, what: v.what, said, ttl: v.ttl_seconds, names: [], since: null };
      row.names.push(zone.instances[v.instance].name);
      row.since = v.from === null ? row.since : Math.max(row.since === null ? v.from : row.since, v.from);
      rows.set(key, row);
    }
    const order = (row) => (row.owner === "parent" ? -1 : run.signers.indexOf(row.owner));
    const sorted = [...rows.values()].sort((a, b) => order(a) - order(b));
    const body = table("served by", "RRset", "content", "TTL", "since");
    for (const row of sorted) body.append(cells([...new Set(row.names)].join(" "), called(row.what), row.said, span(row.ttl), row.since === null ? "the start" : at(row.since)));
    return [el("h3", `${zone.name}: served`), wide(body)];
  }

  function held(zone) {
    const rows = new Map();
    for (const v of zone.versions) if (v.what !== "address" && cached(v, now)) {
      const said = content(zone, v), key = v.what + "|" + said;
      const row = rows.get(key) || { what: v.what, said, until: 0, from: new Set(), still: false };
      row.until = row.until === null || v.cached_until === null ? null : Math.max(row.until, v.cached_until);
      row.from.add(zone.instances[v.instance].name);
      row.still = row.still || serves(v, now);
      rows.set(key, row);
    }
    const order = ["DS", "NS", "DNSKEY", "answers"];
    const sorted = [...rows.values()].sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
    const body = table("RRset", "content", "fetched from", "until at most");
    for (const row of sorted) body.append(cells(called(row.what), row.said + (row.still ? "" : " — not served any more"), [...row.from].join(" "), row.until === null ? "after the run" : at(row.until)));
    return [el("h3", `${zone.name}: what a cache may hold`), wide(body)];
  }

  // --- details
  function tell(node) {
    const title = node.querySelector("title") || (node.parentNode && node.parentNode.querySelector(":scope > title"));
    if (!title) return;
    const out = [el("h4", title.textContent)];
    const lane = node.closest(".lane"), row = node.closest(".row");
    if (lane && row) out.push(...versions(lane, row.dataset.row, number(node, "a"), number(node, "b")));
    const violation = run.violations[number(node, "v") - 1];
    if (violation) out.push(el("p", violation.prose));
    details.replaceChildren(...out);
  }

  function versions(lane, item, a, b) {
    const zone = run.zones.find((zone) => zone.name === lane.dataset.zone);
    const where = lane.dataset.at ? lane.dataset.at.split(" ").map(Number) : null;
    const found = zone.versions.filter((v) => v.what === lane.dataset.what && (!where || where.includes(v.instance)) && has(zone, v, item)
      && (v.from === null || v.from < b) && (v.cached_until === null || v.cached_until > a || v.until === null || v.until > a));
    const lines = found.slice(0, 6).map((v) => {
      const parts = [`${zone.instances[v.instance].name}: ${v.what === "answers" ? v.example + " and others by " : ""}${content(zone, v)}`, `TTL ${span(v.ttl_seconds)}`,
        `served from ${v.from === null ? "the start" : at(v.from)}${v.until === null ? " on" : " until " + at(v.until)}`];
      if (!v.fetchable.length) parts.push("no cache is led there");
      else if (v.until !== null && v.cached_until !== null) parts.push(`in caches until ${at(v.cached_until)}`);
      if (v.cause) parts.push(`by ${v.cause}`);
      const during = v.from === null ? null : step(zone, v.from);
      if (during && v.cause === "update") parts.push(`during ${during}`);
      const signed = v.what === "answers" ? v.signed || [] : (v.signed || []);
      if (signed.length) parts.push("signed " + signed.map((s) => `${name(zone, s.key)} until ${s.until === null ? "?" : at(s.until)}`).join(", "));
      return el("li", parts.join("; "));
    });
    if (found.length > 6) lines.push(el("li", `and ${found.length - 6} more versions`));
    return [el("ul", "", ...lines)];
  }

  const isBar = (node) => node instanceof SVGElement && svg.contains(node) && node.closest("[data-b], g[data-a]");
  function choose(node) {
    if (chosen) chosen.classList.remove("chosen");
    chosen = node;
    if (node) { node.classList.add("chosen"); tell(node); }
  }

  // --- rows of bars, for the keyboard
  const rows = () => {
    const byRow = new Map();
    for (const bar of svg.querySelectorAll("rect[data-b]:not(.band), line.tick")) {
      const row = bar.closest(".row") || bar.parentNode;
      byRow.set(row, [...(byRow.get(row) || []), bar]);
    }
    return [...byRow.values()].map((bars) => bars.sort((p, q) => number(p, "a") - number(q, "a")));
  };
  const grid = rows();
  function move(down, right) {
    let row = grid.findIndex((bars) => bars.includes(chosen)), column = row < 0 ? 0 : grid[row].indexOf(chosen);
    if (row < 0) return choose(grid[0] && grid[0][0]);
    if (down) {
      const when = number(chosen, "a");
      row = Math.min(Math.max(row + down, 0), grid.length - 1);
      column = Math.max(grid[row].findLastIndex((bar) => number(bar, "a") <= when), 0);
    }
    choose(grid[row][Math.min(Math.max(column + right, 0), grid[row].length - 1)]);
  }

  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowUp: () => move(-1, 0), ArrowDown: () => move(1, 0), ArrowLeft: () => move(0, -1), ArrowRight: () => move(0, 1),
      Enter: () => chosen && instant(number(chosen, "a")), "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2),
      0: () => zoom(0, END), u: unsafe, Escape: () => choose(null),
    }[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  svg.addEventListener("pointermove", (event) => {
    const bar = isBar(event.target);
    if (bar && drag === null) tell(bar);
  });
  let drag = null, moved = false;
  svg.addEventListener("pointerdown", (event) => { drag = { px: event.clientX, view: [...view] }; moved = false; });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = event.clientX - drag.px;
    moved = moved || Math.abs(by) > 4;
    if (moved) {
      const shift = (by / (width - gutter - RIGHT)) * (drag.view[1] - drag.view[0]);
      zoom(drag.view[0] - shift, drag.view[1] - shift);
    }
  });
  window.addEventListener("pointerup", () => { drag = null; });
  window.addEventListener("pointercancel", () => { drag = null; });
  svg.addEventListener("click", (event) => {
    if (moved) return;
    const px = event.clientX - svg.getBoundingClientRect().left;
    choose(isBar(event.target));
    if (px >= gutter) instant(time(px));
  });
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(event.deltaY > 0 ? 1.25 : 0.8, time(event.clientX - svg.getBoundingClientRect().left));
  }, { passive: false });
  slider.addEventListener("input", () => instant(Number(slider.value)));
  $("in").addEventListener("click", () => scale(0.5));
  $("out").addEventListener("click", () => scale(2));
  $("fit").addEventListener("click", () => zoom(0, END));
  if ($("bad")) $("bad").addEventListener("click", unsafe);
  new ResizeObserver(() => draw()).observe(frame);
  zoom(0, END);
  instant(run.violations.length ? run.violations[0].from : 0);
})();
