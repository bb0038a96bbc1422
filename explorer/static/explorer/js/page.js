// What every page has: the colour switch, copying, times that stay current, amounts in wei, a search key.
import { announce } from "./announce.js";
import { agoText } from "./format.js";

const root = document.documentElement;

// ---- colours ----
const themes = document.querySelector("[data-theme-switch]");
const showTheme = () => {
  const chosen = root.dataset.theme || "system";
  for (const button of themes.children) button.setAttribute("aria-pressed", String(button.value === chosen));
};
themes?.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.value === "system") delete root.dataset.theme;
  else root.dataset.theme = button.value;
  try {
    localStorage.setItem("mds-theme", button.value);
  } catch {
    // the choice holds for this page only
  }
  showTheme();
  // canvases read their colours anew
  dispatchEvent(new Event("mds:theme"));
});
if (themes) showTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("mds:theme")));

// ---- copy ----
const copied = async button => {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // no clipboard without https or permission: the old way through a selection
    const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    area.className = "sr";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    button.focus();
    if (!done) return announce("The browser did not allow copying.");
  }
  button.dataset.done = "";
  announce("Copied.");
  setTimeout(() => delete button.dataset.done, 1200);
};

// ---- amounts ----
const showUnits = () => {
  const wei = root.dataset.unit === "wei";
  for (const amount of document.querySelectorAll(".amount[data-wei]")) {
    const figure = amount.querySelector(".figure"), unit = amount.querySelector("abbr");
    amount.dataset.figure ??= figure.textContent;
    amount.dataset.unit ??= unit.textContent;
    figure.textContent = wei ? amount.dataset.wei.replace(/\B(?=(\d{3})+$)/g, "\u202f") : amount.dataset.figure;
    unit.textContent = wei ? "wei" : amount.dataset.unit;
  }
};
const toggleWei = () => {
  if (root.dataset.unit === "wei") delete root.dataset.unit;
  else root.dataset.unit = "wei";
  showUnits();
  unitSwitch?.setAttribute("aria-pressed", String(root.dataset.unit === "wei"));
};
// for keys, which cannot press an amount
const unitSwitch = document.querySelector("[data-unit-switch]");
if (unitSwitch) unitSwitch.hidden = !document.querySelector(".amount[data-wei]");
// parts that came later are as the server wrote them
addEventListener("mds:parts", () => root.dataset.unit === "wei" && showUnits());

document.addEventListener("click", event => {
  const copy = event.target.closest("[data-copy]");
  if (copy) return void copied(copy);
  if (event.target.closest(".amount[data-wei], [data-unit-switch]")) return toggleWei();
});

// on a phone the room or part one is in may stand beyond the edge
for (const here of document.querySelectorAll(":is(.rooms, .tabs) [aria-current]")) {
  const bar = here.parentElement;
  bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
}

// what keys reach there is seen whole
for (const bar of document.querySelectorAll(".rooms, .tabs")) {
  bar.addEventListener("focusin", event => event.target.scrollIntoView({ inline: "nearest", block: "nearest" }));
}

// ---- tables that are too wide: a row becomes a card whose cells say what they are ----
const label = table => {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map(head => head.textContent.trim());
  if (!heads.length) return;
  for (const body of table.tBodies) {
    for (const row of body.rows) {
      [...row.cells].forEach((cell, at) => {
        // an amount on a card has its unit beside it
        if (heads[at]) cell.dataset.label = cell.querySelector(".amount abbr") ? heads[at].replace(/, \S+$/, "") : heads[at];
      });
    }
  }
  // as a table it tells whether it fits
  table.classList.remove("stacked");
  table.classList.toggle("stacked", table.offsetWidth > table.parentElement.clientWidth + 1);
};
const changed = new MutationObserver(changes => new Set(changes.map(change => change.target.closest("table"))).forEach(label));
const widths = new WeakMap();
const resized = new ResizeObserver(entries => {
  for (const { target } of entries) {
    if (widths.get(target) === target.clientWidth) continue;
    widths.set(target, target.clientWidth);
    target.querySelectorAll(":scope > table").forEach(label);
  }
});
const watched = new WeakSet();
const watch = table => {
  if (watched.has(table)) return;
  watched.add(table);
  label(table);
  widths.set(table.parentElement, table.parentElement.clientWidth);
  resized.observe(table.parentElement);
  for (const body of table.tBodies) changed.observe(body, { childList: true });
};
// the dashboard's rows come every second and stay a table
const watchAll = () => document.querySelectorAll(".scroll > table:not(:has([data-rows]))").forEach(watch);
watchAll();
addEventListener("mds:parts", watchAll);
// one that a page's own script has made
document.addEventListener("mds:table", event => watch(event.target));

// ---- search by "/" ----
document.addEventListener("keydown", event => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.getElementById("q");
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// ---- a page of our own while the node is away, where the browser allows it ----
if (document.body.dataset.worker) navigator.serviceWorker?.register(document.body.dataset.worker).catch(() => {});

// ---- relative times ----
const refreshTimes = () => {
  if (document.hidden) return;
  const now = Date.now();
  for (const time of document.querySelectorAll("time.ago[data-ms]")) {
    const text = agoText(now - Number(time.dataset.ms));
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(refreshTimes, 1000);
document.addEventListener("visibilitychange", refreshTimes);
