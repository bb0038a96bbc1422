// Live values of the operator's web: a snapshot, then numbered deltas; a gap asks for a snapshot again. The node says
// something every five seconds at least, so a longer silence is a dead line, such as a laptop that slept has.
// [data-cell] shows a cell's text, [data-cell-kind] is coloured by it, canvas[data-trace] draws its numbers.
const lamp = document.querySelector("[data-live-state]");
const traces = [...document.querySelectorAll("canvas[data-trace]")].map((canvas) => ({ canvas, values: [] }));
const KEPT = 240;
const VERSION = 1;
const SILENT_MS = 12000;
const FORBIDDEN = 4403;
let socket = null;
let number = -1;
let wait = 500;
let timer = 0;
let heard = 0;
let over = false;
let cells = {};
const listeners = new Set();

export function onMessage(type, run) { listeners.add([type, run]); }
export function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) { socket.send(JSON.stringify(message)); return true; }
  return false;
}
const opened = [];
export function onOpen(run) {
  opened.push(run);
  if (socket && socket.readyState === WebSocket.OPEN) run();
}

function show(name, cell) {
  const [text, kind] = cell;
  for (const element of document.querySelectorAll(`[data-cell="${CSS.escape(name)}"]`)) {
    if (element.textContent !== text) element.textContent = text;
    if (name === "alerts.open") element.hidden = !text;
  }
  for (const element of document.querySelectorAll(`[data-cell-kind="${CSS.escape(name)}"]`)) element.dataset.kind = kind || "";
}

function draw({ canvas, values }) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || values.length < 2) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const most = Math.max(...values, 1) * 1.1;
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.beginPath();
  values.forEach((value, at) => {
    const x = width - (values.length - 1 - at) * (width / (KEPT / 2));
    pen.lineTo(x, height - 2 - (value / most) * (height - 4));
  });
  pen.stroke();
}

function sample() {
  for (const trace of traces) {
    const cell = cells[trace.canvas.dataset.trace];
    if (!cell) continue;
    trace.values.push(cell[2] || 0);
    if (trace.values.length > KEPT / 2) trace.values.shift();
    draw(trace);
  }
}

function take(message) {
  if (message.v !== VERSION) return end("this page is older than the node: reload it");
  if (message.type === "snapshot") {
    cells = message.cells;
    number = message.n;
    Object.entries(cells).forEach(([name, cell]) => show(name, cell));
  } else if (message.type === "delta") {
    if (message.n <= number) return;
    if (message.n !== number + 1) { send({ type: "resync" }); return; }
    number = message.n;
    for (const [name, cell] of Object.entries(message.cells)) { cells[name] = cell; show(name, cell); }
    for (const name of message.gone) delete cells[name];
  }
  for (const [type, run] of listeners) if (type === message.type) run(message);
}

function lit(on, text) {
  if (!lamp) return;
  lamp.dataset.liveState = on ? "on" : "off";
  lamp.hidden = false;
  if (lamp.textContent !== text) lamp.textContent = text;
}

function drop() {
  const old = socket;
  socket = null;
  if (old) old.close();
}

// for good: trying again would not help
function end(text) {
  over = true;
  clearTimeout(timer);
  drop();
  lit(false, text);
}

function later() {
  lit(false, "not live");
  timer = setTimeout(open, wait);
  wait = Math.min(wait * 2, 10000);
}

function open() {
  clearTimeout(timer);
  drop();
  heard = Date.now();
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/operator`);
  socket = mine;
  mine.addEventListener("open", () => { if (mine === socket) { wait = 500; lit(true, "live"); opened.forEach((run) => run()); } });
  mine.addEventListener("message", (event) => {
    heard = Date.now();
    if (mine === socket) take(JSON.parse(event.data));
  });
  mine.addEventListener("close", (event) => {
    if (mine !== socket) return;
    socket = null;
    if (event.code === FORBIDDEN) end("logged out, or no longer allowed: reload this page");
    else later();
  });
}

// by the clock of the wall, which goes on while a laptop sleeps
function look() {
  if (!over && socket && Date.now() - heard > SILENT_MS) open();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || over) return;
  look();
  if (!socket) open();
  else send({ type: "resync" });
});
addEventListener("online", () => { if (!over) open(); });
open();
setInterval(sample, 1000);
setInterval(look, 2000);
