// The page: a client of /api/v1 like any other. It builds text nodes only, and keeps the token for this tab.
"use strict";

const ROOT = "/api/v1";
const SHOWN = 50; // zones a page
const CHANGES = 200; // lines of what happens
const GLYPH = { done: "✓", running: "»", waiting: "…", watching: "?", blocked: "✗", next: "·" };
const at = (id) => document.getElementById(id);
const drawn = new Map(); // name → what was drawn of it last
let next = null; // where the list of zones goes on
let stream = null; // ends what is heard

// make("li", { class: "a" }, "text", node, …)
function make(kind, fields, ...children) {
  const node = document.createElement(kind);
  for (const [name, text] of Object.entries(fields || {})) {
    if (text !== null && text !== undefined) node.setAttribute(name, text);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function trouble(text) {
  at("trouble").textContent = text || "";
  at("trouble").hidden = !text;
}

async function ask(method, path, more = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { accept: "application/json", ...more };
  if (token) headers.authorization = "Bearer " + token;
  const answer = await fetch(ROOT + path, { method, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  throw Object.assign(new Error(problem.detail), { status: answer.status });
}

const get = async (path) => (await ask("GET", path)).json();
const of = (zone) => "/zones/" + encodeURIComponent(zone);

// "3d 4h", "12m 5s": the two greatest units.
function span(milliseconds) {
  let seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count || (unit === "s" && !parts.length)) parts.push(count + unit);
  }
  return parts.slice(0, 2).join(" ");
}

const clock = (text) => new Date(text).toLocaleString(undefined, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  hourCycle: "h23",
});

function left(deadline) {
  const node = make("span", { "data-until": deadline });
  tick(node);
  return node;
}

function tick(node) {
  const rest = new Date(node.dataset.until) - Date.now();
  node.textContent = rest > 0 ? "in " + span(rest) : "now due";
}

function badge(state) {
  return make("span", { class: "badge", "data-state": state }, state);
}

// One cell a step: done, how it stands now, or still to come.
function lane(process) {
  const begun = new Map(process.steps.map((step) => [step.name, step]));
  const last = process.steps.at(-1);
  // What was run back goes on by another table: what was done before stays in sight.
  const rows = process.steps.filter((step) => !process.table.some((row) => row.name === step.name));
  const cells = [...new Map([...rows, ...process.table].map((row) => [row.name, row])).values()].map((row) => {
    const step = begun.get(row.name);
    const isOver = step && (step.until || process.outcome === "done");
    const state = isOver ? "done" : step && step === last ? process.outcome : "next";
    const cell = make("li", { "data-state": state, "data-step": row.name },
      make("span", { class: "mark" }, (GLYPH[state] || GLYPH.next) + " "),
      make("b", {}, row.name + " "), row.title + " ");
    if (state === "done" && step.until) {
      cell.append(make("time", { datetime: step.until }, clock(step.until)));
    } else if (state === "waiting" && process.deadline) {
      cell.append(make("time", { datetime: process.deadline }, "until " + clock(process.deadline) + ", "),
        left(process.deadline));
    } else if (state === "watching" || state === "blocked") {
      cell.append(make("span", {}, state === "blocked" ? "blocked" : "watching"));
    }
    return cell;
  });
  return make("ol", { class: "lane", "aria-label": "Steps of " + process.process }, ...cells);
}

// A button that asks once more before it does something that cannot be taken back.
function act(label, isGrave, method, path) {
  const button = make("button", { type: "button", class: isGrave ? "grave" : null }, label);
  let sure = !isGrave;
  button.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      button.textContent = "Really " + label.toLowerCase() + "?";
      setTimeout(() => { sure = false; button.textContent = label; }, 4000);
      return;
    }
    button.disabled = true;
    try {
      await ask(method, path, { "idempotency-key": crypto.randomUUID() });
      trouble("");
    } catch (problem) {
      trouble(problem.message);
    }
    button.disabled = false;
  });
  return button;
}

function describe(zone, process, isCurrent) {
  const acts = make("span", { class: "acts" });
  const isOpen = !["done", "refused"].includes(process.outcome);
  if (isCurrent && isOpen && sessionStorage.getItem("token")) {
    if (zone.mode === "manual") acts.append(act("Allow the step", false, "POST", of(zone.name) + "/step"));
    acts.append(act("Cancel", true, "DELETE", of(zone.name) + "/processes/current"));
  }
  const deadline = process.deadline ? make("span", { class: "quiet" },
    "until " + clock(process.deadline) + ", ", left(process.deadline)) : null;
  return make("article", { class: "process", "data-zone": zone.name, "data-process": process.process },
    make("header", {}, make("h3", {}, `${process.process} ${process.signer} of ${zone.name}`),
      badge(process.outcome), deadline, acts),
    make("p", { class: "why" }, process.reason),
    process.remedy ? make("p", { class: "remedy" }, make("b", {}, "Remedy: "), process.remedy) : null,
    lane(process));
}

const isOpen = (process) => !["done", "refused"].includes(process.outcome);

// Draws one zone, in the list and under way, if it is there.
async function refresh(name) {
  let zone, processes;
  try {
    [zone, processes] = await Promise.all([get(of(name)), get(of(name) + "/processes")]);
  } catch (problem) {
    if (problem.status === 404) {
      document.querySelectorAll(`[data-name="${CSS.escape(name)}"]`).forEach((node) => node.remove());
      return;
    }
    throw problem;
  }
  const open = processes.filter(isOpen);
  // What looks the same stays as it is, with whatever somebody is about to press there.
  const looks = JSON.stringify([zone, processes, !!sessionStorage.getItem("token")]);
  if (drawn.get(name) === looks) return;
  drawn.set(name, looks);
  const box = make("div", { "data-name": name }, ...open.map((process, index) => describe(zone, process, index === 0)));
  const known = at("under-way").querySelector(`[data-name="${CSS.escape(name)}"]`);
  if (known) known.replaceWith(box); else if (open.length) at("under-way").append(box);
  if (!open.length) box.remove();
  idle();
  const line = at("zones").querySelector(`[data-name="${CSS.escape(name)}"]`);
  if (line) {
    const details = line.querySelector("details");
    line.replaceChildren(entry(zone, details.open));
    if (details.open) history(line.querySelector("details"), zone, processes);
  }
}

function idle() {
  const box = at("under-way");
  const note = box.querySelector(".idle");
  const isEmpty = !box.querySelector("article");
  if (isEmpty && !note) box.append(make("p", { class: "idle quiet" }, "Nothing: every zone is at rest."));
  if (!isEmpty && note) note.remove();
}

function history(details, zone, processes) {
  details.querySelectorAll("article, .none").forEach((node) => node.remove());
  const all = processes.slice().reverse().map((process) => describe(zone, process, false));
  details.append(...(all.length ? all : [make("p", { class: "none quiet" }, "Nothing was ever asked for.")]));
}

function entry(zone, isOpen) {
  const noted = Object.entries(zone.meta).map(([key, text]) => `${key}: ${text}`).join(", ");
  const details = make("details", {}, make("summary", {},
    make("b", {}, zone.name), badge(zone.state),
    make("span", {}, "served by " + zone.members.join(", ")),
    zone.group ? make("span", { class: "quiet" }, "group " + zone.group) : null,
    zone.mode === "manual" ? make("span", { class: "quiet" }, "step by step") : null,
    noted ? make("span", { class: "quiet" }, noted) : null));
  details.open = isOpen;
  details.addEventListener("toggle", async () => {
    if (details.open) {
      await get(of(zone.name) + "/processes").then((processes) => history(details, zone, processes))
        .catch((problem) => trouble(problem.message));
    }
  });
  return details;
}

async function list(isMore) {
  const query = new URLSearchParams({ limit: SHOWN });
  if (at("part").value) query.set("q", at("part").value);
  if (at("state").value) query.set("state", at("state").value);
  if (isMore && next) query.set("after", next);
  const page = await get("/zones?" + query);
  const lines = page.items.map((zone) => {
    return make("li", { "data-name": zone.name }, entry(zone, false));
  });
  if (isMore) at("zones").append(...lines); else at("zones").replaceChildren(...lines);
  if (!at("zones").children.length) at("zones").append(make("li", { class: "quiet" }, "No zone is like that."));
  next = page.next;
  at("more").hidden = !next;
}

async function counts() {
  const status = await get("/status");
  at("about").textContent = `zones below ${status.parent}: ${status.zones}; version ${status.version}`;
  const states = ["blocked", "waiting", "watching", "running", "queued", "rest"];
  const shown = states.filter((state) => status.states[state]);
  at("states").replaceChildren(...shown.map((state) => make("span", { class: "count", "data-state": state },
    make("b", {}, String(status.states[state])), state === "rest" ? "at rest" : state)));
}

async function groups() {
  const page = await get("/groups");
  at("groups").replaceChildren(...page.items.map((group) => make("li", {},
    make("b", {}, group.name), ` signers ${group.signers.join(", ")}; ${group.zones.length} zones`)));
  if (!page.items.length) at("groups").append(make("li", { class: "quiet" }, "None."));
}

// Everything anew.
async function begin() {
  const open = await get("/processes?state=open&limit=100");
  at("under-way").replaceChildren();
  drawn.clear();
  const names = [...new Set(open.items.map((process) => process.zone))];
  await Promise.all([counts(), groups(), list(false)]);
  for (const name of names) await refresh(name);
  idle();
}

// What changed is drawn at most four times a second, however often it does.
const stale = new Set();
let isDrawing = false;
async function draw() {
  if (isDrawing) return;
  isDrawing = true;
  while (stale.size) {
    const names = [...stale];
    stale.clear();
    try {
      if (names.includes("")) await begin();
      for (const name of names.filter((name) => name).slice(0, 100)) await refresh(name);
      await counts();
    } catch (problem) {
      trouble(problem.message);
    }
    await new Promise((done) => setTimeout(done, 250));
  }
  isDrawing = false;
}

function heard(kind, data) {
  if (kind === "reset") stale.add("");
  if (kind === "change") {
    const change = JSON.parse(data);
    stale.add(change.zone);
    const text = [clock(change.time), change.zone, change.kind, change.subject, change.text].join("  ");
    at("changes").prepend(make("li", { "data-kind": change.kind }, text));
    while (at("changes").children.length > CHANGES) at("changes").lastChild.remove();
  }
  draw();
}

// Server-sent events by fetch: EventSource cannot show a token.
async function listen() {
  let last = null;
  for (;;) {
    stream = new AbortController();
    try {
      const token = sessionStorage.getItem("token");
      const headers = {};
      if (token) headers.authorization = "Bearer " + token;
      if (last) headers["last-event-id"] = last;
      const answer = await fetch(ROOT + "/changes", { headers, signal: stream.signal, cache: "no-store" });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      at("link").dataset.state = "on";
      at("link").textContent = "live";
      if (!last) stale.add("");
      draw();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        rest += value;
        const events = rest.split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const fields = Object.fromEntries(event.split("\n").map((line) => {
            const cut = line.indexOf(": ");
            return [line.slice(0, cut), line.slice(cut + 2)];
          }));
          if (fields.id) last = fields.id;
          if (fields.event) heard(fields.event, fields.data);
        }
      }
    } catch (problem) {
      if (problem.name !== "AbortError") trouble(problem.message);
    }
    at("link").dataset.state = "off";
    at("link").textContent = "not connected";
    if (!stream.signal.aborted) await new Promise((done) => setTimeout(done, 2000));
  }
}

at("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  if (token) sessionStorage.setItem("token", token); else sessionStorage.removeItem("token");
  at("token").value = "";
  at("token").placeholder = token ? "in use; empty forgets it" : "none: read only";
  trouble("");
  stale.add("");
  draw();
  if (stream) stream.abort();
});
at("filter").addEventListener("submit", (event) => event.preventDefault());
at("part").addEventListener("input", () => list(false).catch((problem) => trouble(problem.message)));
at("state").addEventListener("change", () => list(false).catch((problem) => trouble(problem.message)));
at("more").addEventListener("click", () => list(true).catch((problem) => trouble(problem.message)));
setInterval(() => document.querySelectorAll("[data-until]").forEach(tick), 1000);
listen();
