// Keeps the page up to date. All of the markup is made by the emulator: parts of the page with `data-live`
// are replaced by those of the same page as it is now. Output of processes is added as text only.
"use strict";

const state = document.querySelector("[data-state]");
const problem = document.getElementById("problem");
/** The longest output that is kept, in characters. */
const LONGEST = 500000;
/** The markup of each live part as the emulator made it. */
const seen = new WeakMap();

/** Replaces what has changed, and keeps what a person has opened or is filling in. */
function replace(fresh) {
  setTime(fresh.querySelector("[data-clock]")?.dateTime);
  const selection = document.getSelection();
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === seen.get(part)) continue;
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    const isSelected = !selection.isCollapsed && part.contains(selection.anchorNode);
    if (isSelected || active?.matches("input, select")) continue;
    const stops = () => [...part.querySelectorAll("a, button, summary, pre")];
    const position = stops().indexOf(active);
    const open = new Map([...part.querySelectorAll("details[id]")].map((it) => [it.id, it.open]));
    seen.set(part, next.innerHTML);
    part.replaceChildren(...document.adoptNode(next).childNodes);
    for (const it of part.querySelectorAll("details[id]")) if (open.has(it.id)) it.open = open.get(it.id);
    for (const it of part.querySelectorAll("pre.output")) it.scrollTop = it.scrollHeight;
    stops()[position]?.focus();
  }
}

function setTime(now) {
  if (!now) return;
  for (const time of document.querySelectorAll("[data-clock]")) {
    time.dateTime = now;
    time.textContent = now.replace("T", " ").slice(0, 19);
  }
}

async function show(response) {
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (response.ok) replace(fresh);
  const text = response.ok ? "" : (fresh.querySelector("[data-problem]")?.textContent ?? `status ${response.status}`);
  problem.textContent = text;
  problem.hidden = !text;
}

let isRefreshing = false;
let isStale = false;
let timer;
let due = Infinity;

/** Fetches the page as it is now, once for all that happens within a moment. */
function refreshSoon(after = 150) {
  if (isRefreshing) { isStale = true; return; }
  const at = Date.now() + after;
  if (at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(refresh, after);
}

async function refresh() {
  due = Infinity;
  isRefreshing = true;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (response.ok) await show(response);
  } catch {
    // The stream of events says that the emulator is gone.
  }
  isRefreshing = false;
  if (isStale) { isStale = false; refreshSoon(); }
}

/** Sends a form without leaving the page. */
async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  try {
    const response = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/html" } });
    const { pathname, search } = new URL(response.url);
    if (response.ok && (pathname + search) !== (location.pathname + location.search)) {
      location.assign(pathname + search);
      return;
    }
    await show(response);
    if (response.ok) form.querySelectorAll("input[required]").forEach((input) => { input.value = ""; });
    if (response.ok) refreshSoon();
  } catch {
    problem.textContent = "The emulator does not answer.";
    problem.hidden = false;
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

/** Follows what happens in the emulator. */
function follow() {
  const events = new EventSource("/_emulator/events");
  const tell = (value, text) => { state.dataset.state = value; state.textContent = text; };
  events.addEventListener("open", () => { tell("on", "live"); refreshSoon(); });
  events.addEventListener("error", () => tell("off", "not connected"));
  events.addEventListener("request", () => refreshSoon());
  events.addEventListener("change", () => refreshSoon());
  events.addEventListener("clock", (event) => {
    setTime(JSON.parse(event.data).now);
    refreshSoon(1000);
  });
}

/** Follows the output of a process, from its beginning. */
function followOutput(pre) {
  const events = new EventSource(pre.dataset.output);
  let length = 0;
  const add = (event) => {
    if (length === 0) pre.textContent = "";
    const isAtEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    const part = document.createElement("span");
    if (event.type === "stderr") part.className = "stderr";
    part.textContent = JSON.parse(event.data).text;
    pre.append(part);
    length += part.textContent.length;
    while (length > LONGEST && pre.childNodes.length > 1) {
      length -= pre.firstChild.textContent.length;
      pre.firstChild.remove();
    }
    if (isAtEnd) pre.scrollTop = pre.scrollHeight;
  };
  events.addEventListener("stdout", add);
  events.addEventListener("stderr", add);
  events.addEventListener("end", () => { events.close(); refreshSoon(); });
  // It would begin again from the start.
  events.addEventListener("error", () => events.close());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

for (const part of document.querySelectorAll("[data-live]")) seen.set(part, part.innerHTML);
for (const pre of document.querySelectorAll("[data-output]")) followOutput(pre);
follow();
