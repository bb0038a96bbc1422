// The live dashboard: one line to the node, one model, one picture; everything else hears of them.
import { announce } from "../announce.js";
import { agoText, grouped } from "../format.js";
import { Charts } from "./charts.js";
import { blockAt, Painter, readColours, REORG_MS, sizeOf, yOf } from "./draw.js";
import { Figures } from "./figures.js";
import { bindTravel } from "./input.js";
import { Minimap } from "./minimap.js";
import { CHUNK, Dag } from "./model.js";
import { colourName, Panel } from "./panel.js";
import { Rows } from "./rows.js";
import { LiveSocket } from "./socket.js";
import { View } from "./view.js";

const HELD = 3000; // deltas that a pause keeps; a longer one begins anew
const ASKED_CHUNKS = 4;

const root = document.querySelector("[data-dashboard]");
const paths = root.dataset;
const find = name => root.querySelector(`[data-${name}]`);
const picture = find("picture"), canvas = picture.querySelector("canvas"), strip = find("strip"), tip = find("tip");
const stateOf = find("state"), pauseButton = find("pause"), liveButton = find("live"), toast = find("toast");

const dag = new Dag(), view = new View(), figures = new Figures(root), charts = new Charts(root);
const painter = new Painter(canvas), minimap = new Minimap(strip.querySelector("canvas")), panel = new Panel(find("panel"));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const shown = { now: 0, still: calm.matches, hover: null, lit: null, chosen: null, pulse: null, reorg: null };
minimap.colours = painter.colours;

let line = "connecting", paused = false, held = [], asked = 0, before = 0, stripDue = true, stripAt = 0, clock = 0;

// ---- drawing: a frame is asked for when something changed, and goes on while something moves ----
const frame = () => {
  asked = 0;
  // not the frame's own time, which lies before what came since
  const time = performance.now();
  shown.now = time;
  const travels = view.step(Math.min(100, time - before), shown.still);
  before = time;
  const moves = painter.paint(dag, view, shown);
  // the strip is an hour wide: what moves in it within a quarter of a second is less than a pixel
  if (stripDue && time - stripAt > 250) {
    minimap.paint(view.low, view.high);
    stripDue = false;
    stripAt = time;
  }
  if (tip.dataset.block) placeTip();
  if (travels) stripDue = true;
  if (travels || moves) redraw();
  else if (stripDue) setTimeout(redraw, 260);
  else if (shown.reorg && time - shown.reorg.since >= REORG_MS) shown.reorg = null;
};
const redraw = () => {
  if (asked || document.hidden) return;
  if (!before) before = performance.now();
  asked = requestAnimationFrame(frame);
};
document.addEventListener("visibilitychange", () => {
  before = 0;
  redraw();
});
addEventListener("mds:theme", () => {
  painter.colours = minimap.colours = readColours(picture);
  stripDue = true;
  redraw();
});
calm.addEventListener("change", () => {
  shown.still = calm.matches;
  redraw();
});

// what the panel covers is no room for the picture; on a phone it stands below
const cover = () => {
  view.inset = panel.isOpen && view.width > 700 ? panel.width : 0;
};
new ResizeObserver(() => {
  const box = picture.getBoundingClientRect(), thin = strip.getBoundingClientRect();
  painter.resize(box.width, box.height);
  minimap.resize(thin.width, thin.height);
  view.resize(box.width, box.height);
  cover();
  if (view.following) view.jump();
  stripDue = true;
  // at once: a canvas that was resized is empty
  if (asked) cancelAnimationFrame(asked);
  asked = 0;
  frame();
  fill();
}).observe(picture);

// ---- what the node says ----
const apply = message => {
  if (message.type === "snapshot") begin(message);
  else if (message.type === "dag") grow(message);
  else if (message.type === "stats") count(message);
};

const begin = message => {
  const first = dag.head === null;
  dag.reset();
  dag.addAll(message.blocks);
  // whole chunks above the lowest block are here; its own is asked for when somebody looks
  const low = dag.sorted.length ? dag.sorted[0].score : 0, top = Math.floor(message.head.score / CHUNK);
  for (let chunk = low <= 1 ? 0 : Math.floor(low / CHUNK) + 1; chunk <= top + 1; chunk++) dag.chunks.set(chunk, true);
  setHead(message.head, first);
  figures.head(message.head);
  figures.totals(message.totals);
  figures.now(message.now);
  charts.load(message.series.map(row => Object.fromEntries(message.series_columns.map((name, at) => [name, row[at]]))), message.series_step_ms);
  minimap.load(message.hour, message.hour_step_ms, message.server_ms);
  clock = message.server_ms - Date.now();
  if (first || view.following) view.jump();
  stripDue = true;
  root.dataset.ready = "";
  rows();
  fill();
  redraw();
};

const setHead = head => {
  const moved = dag.head !== null && dag.head.id !== head.id;
  dag.head = head;
  view.newest = Math.max(head.score, dag.sorted.at(-1)?.score ?? 0);
  if (moved || !shown.pulse) shown.pulse = { id: head.id, since: performance.now() };
};

const grow = message => {
  const now = performance.now();
  for (const row of message.blocks) {
    dag.add(row, now);
    dag.chunks.set(Math.floor(row[2] / CHUNK), true);
  }
  const gone = message.fork === null ? [] : dag.undo(message.fork);
  const come = dag.merge(message.merged);
  setHead(message.head);
  figures.head(message.head);
  if (message.fork !== null) {
    shown.reorg = { gone: gone.reverse().map(block => block.id), come: come.map(block => block.id), since: now };
    tell(`Reorganisation: ${message.removed} block${message.removed === 1 ? "" : "s"} left the selected chain above ${grouped(message.fork)}`);
  }
  dag.prune(view.center, view.newest);
  if (shown.chosen !== null && panel.isOpen && message.merged.some(place => place[0] === shown.chosen)) inspect(shown.chosen);
  rows();
  redraw();
};

const count = message => {
  clock = message.server_ms - Date.now();
  figures.totals(message.totals);
  figures.now(message.now);
  charts.see(message.point);
  minimap.last = Math.max(minimap.last, Math.floor(message.server_ms / minimap.stepMs));
  if (message.hour) minimap.see(message.hour);
  stripDue = true;
  redraw();
};

let toastTimer = 0;
const tell = text => {
  toast.textContent = text;
  toast.hidden = false;
  announce(text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.hidden = true), 5000);
};

// ---- the line's state, pause and live ----
const LINES = {
  connecting: ["warn", "connecting"],
  away: ["bad", "the node does not answer, trying again"],
  old: ["bad", "this page is older than the node: reload it"],
};
const showState = () => {
  const [kind, text] = paused
    ? ["warn", held.length ? `paused, ${grouped(held.length)} behind` : "paused"]
    : LINES[line] ?? ["ok", view.following ? "live" : "live, looking back"];
  if (stateOf.dataset.shown === text) return;
  stateOf.dataset.shown = text;
  stateOf.querySelector(".dot").dataset.kind = kind;
  stateOf.querySelector("[data-text]").textContent = text;
  liveButton.setAttribute("aria-pressed", String(!paused && view.following));
  liveButton.classList.toggle("on", !paused && view.following);
};

const socket = new LiveSocket(paths.socket, {
  message(message) {
    if (!paused || dag.head === null) {
      apply(message);
    } else {
      if (message.type === "snapshot") held = [];
      held.push(message);
      if (held.length > HELD) held = [null];
    }
    showState();
  },
  state(state) {
    line = state;
    showState();
  },
});

const setPaused = value => {
  paused = value;
  pauseButton.setAttribute("aria-pressed", String(paused));
  pauseButton.classList.toggle("on", paused);
  pauseButton.querySelector("[data-label]").textContent = paused ? "Go on" : "Pause";
  pauseButton.querySelector("use").setAttribute("href", pauseButton.querySelector("use").getAttribute("href").replace(/#.*/, paused ? "#play" : "#pause"));
  if (!paused) {
    const waiting = held;
    held = [];
    if (waiting[0] === null) socket.restart();
    else waiting.forEach(apply);
  }
  announce(paused ? "Paused" : "Going on");
  showState();
};
pauseButton.addEventListener("click", () => setPaused(!paused));
liveButton.addEventListener("click", () => {
  if (paused) setPaused(false);
  view.live();
  moved();
});
for (const button of root.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    view.zoom(Number(button.dataset.zoom), view.width / 2);
    moved();
  });
}

// ---- history: chunks of blue scores that come into sight are asked for once ----
const fill = async () => {
  if (dag.head === null) return;
  const low = Math.max(0, Math.floor((view.low - CHUNK / 4) / CHUNK)), high = Math.floor(Math.max(0, view.high) / CHUNK);
  let from = -1;
  for (let chunk = low; chunk <= high && from < 0; chunk++) if (!dag.chunks.has(chunk)) from = chunk;
  if (from < 0) return;
  let to = from;
  while (to < high && to - from < ASKED_CHUNKS - 1 && !dag.chunks.has(to + 1)) to++;
  for (let chunk = from; chunk <= to; chunk++) dag.chunks.set(chunk, false);
  picture.dataset.loading = "";
  let done = false, whole = from;
  try {
    const answer = await fetch(`${paths.window}?from=${from * CHUNK}&to=${(to + 1) * CHUNK - 1}`);
    if (answer.ok) {
      const found = await answer.json();
      dag.addAll(found.blocks);
      done = true;
      // an answer that was cut holds the newest: what lies below its last block is asked for once it is looked at
      if (!found.complete) whole = Math.min(to, Math.floor(found.blocks.at(-1)[2] / CHUNK) + 1);
    }
  } catch {
    // the node is away; the line's state says so
  }
  for (let chunk = from; chunk <= to; chunk++) {
    if (done && chunk >= whole) dag.chunks.set(chunk, true);
    else dag.chunks.delete(chunk);
  }
  delete picture.dataset.loading;
  if (done) {
    dag.prune(view.center, view.newest);
    redraw();
    rows();
    fill();
  } else {
    setTimeout(fill, 2000);
  }
};

const moved = () => {
  stripDue = true;
  showState();
  fill();
  rows();
  redraw();
};

// ---- pointing and choosing ----
const placeTip = () => {
  const block = dag.blocks.get(Number(tip.dataset.block));
  if (!block) return hideTip();
  const x = view.x(block.score), y = yOf(block, view), box = tip.getBoundingClientRect();
  const left = Math.max(4, Math.min(view.width - box.width - 4, x - box.width / 2));
  const above = y - sizeOf(block, view) - box.height - 12;
  tip.style.transform = `translate(${left}px, ${above > 4 ? above : y + sizeOf(block, view) + 12}px)`;
};
const hideTip = () => {
  tip.hidden = true;
  delete tip.dataset.block;
};
const describe = block => {
  const place = block.number !== null ? `chain block ${grouped(block.number)}` : block.mergedBy !== null ? `merged by ${grouped(block.mergedBy)}` : "not merged yet";
  return [place, block.stream ? `stream ${"ABC"[block.stream - 1]}, ${colourName(block.blue)}` : "genesis", `blue score ${grouped(block.score)}`,
    `${grouped(block.transactions)} transaction${block.transactions === 1 ? "" : "s"}`, `by ${block.miner}, ${agoText(Date.now() + clock - block.time)}`];
};
const point = block => {
  const id = block?.id ?? null;
  if (shown.hover === id) return;
  shown.hover = id;
  picture.dataset.over = block ? "block" : "";
  if (block) {
    const [first, ...rest] = describe(block);
    const title = document.createElement("b");
    title.textContent = first;
    tip.replaceChildren(title, ...rest.map(text => Object.assign(document.createElement("span"), { textContent: text })));
    tip.dataset.block = block.id;
    tip.hidden = false;
    placeTip();
  } else {
    hideTip();
  }
  redraw();
};
const inspect = async (id, focus = false) => {
  shown.chosen = id;
  const block = dag.blocks.get(id);
  if (!block) shown.lit = null;
  redraw();
  const opening = panel.open(id, paths.block, focus);
  cover();
  if (block) view.reveal(block.score);
  const found = await opening;
  if (!found || shown.chosen !== id) return;
  if (!block) view.travel(found.score);
  moved();
  shown.lit = new Set([id, ...found.mergeset.blue, ...found.mergeset.red]);
  redraw();
};
panel.onChoose = id => inspect(id, true);
panel.onClose = () => {
  shown.chosen = shown.lit = null;
  cover();
  moved();
  picture.focus({ preventScroll: true });
};

bindTravel(picture, view, {
  moved,
  hover: (x, y) => point(x === null ? null : blockAt(dag, view, x, y)),
  choose(x, y) {
    const block = blockAt(dag, view, x, y);
    if (block) inspect(block.id);
    else panel.close();
  },
});
// by keys: along the blocks in sight, then Enter
picture.addEventListener("keydown", event => {
  if (event.key === "Enter" && shown.hover !== null) return void inspect(shown.hover, true);
  if (event.key === "Escape") {
    point(null);
    return panel.close();
  }
  const step = { ",": -1, ".": 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const [from, to] = dag.range(view.low, view.high);
  if (from >= to) return;
  const here = shown.hover === null ? -1 : dag.sorted.findIndex(block => block.id === shown.hover);
  const next = here < from || here >= to ? to - 1 : Math.max(from, Math.min(to - 1, here + step));
  point(dag.sorted[next]);
  announce(describe(dag.sorted[next]).join(", "));
});

// ---- the strip of the last hour ----
const travelStrip = event => {
  const x = event.clientX - strip.getBoundingClientRect().left;
  const score = minimap.score(x);
  if (minimap.isNow(x) || score >= view.newest - view.width / view.scale / 4) view.live();
  else view.travel(score);
  moved();
};
strip.addEventListener("pointerdown", event => {
  strip.setPointerCapture(event.pointerId);
  travelStrip(event);
});
strip.addEventListener("pointermove", event => event.buttons && travelStrip(event));
strip.addEventListener("keydown", event => {
  const steps = { ArrowLeft: -4, ArrowRight: 4, PageUp: -20, PageDown: 20 }[event.key];
  if (event.key === "End") view.live();
  else if (steps) view.travel(minimap.score((minimap.x(view.center) ?? 0) + steps * minimap.width / minimap.count));
  else return;
  event.preventDefault();
  moved();
});

// ---- the same as a table ----
const table = new Rows(find("rows"), { sight: () => dag.range(view.low, view.high), dag, ago: block => Date.now() + clock - block.time, open: id => inspect(id, true) });
const rows = () => {
  strip.setAttribute("aria-valuetext", view.following ? "now" : `blue score ${Math.round(view.center)}`);
  const part = view.following ? 1 : (minimap.x(view.center) ?? 0) / minimap.width;
  strip.setAttribute("aria-valuenow", String(Math.round(100 * Math.min(1, Math.max(0, part)))));
  table.refresh();
};

showState();
// the picture first, then the lines beside it
const later = window.requestIdleCallback ?? (act => setTimeout(act, 200));
later(() => charts.start(paths.charts).catch(() => root.querySelectorAll("[data-line]").forEach(element => (element.hidden = true))));
// for tests and benches, which look at the model and not at pixels
root.live = { dag, view, socket, shown, place: id => [view.x(dag.blocks.get(id).score), yOf(dag.blocks.get(id), view)], isPaused: () => paused };
