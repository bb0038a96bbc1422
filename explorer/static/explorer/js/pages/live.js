// Pages that the server wrote, kept true while they are open. Lists say how much is new and bring it when asked, so
// that nothing moves under a reader; numbers change where they stand; a part whose state changed is fetched anew.
import { announce } from "../announce.js";
import { decimal, grouped, gwei } from "../format.js";
import { Forks, notice } from "../live/forks.js";
import { LiveSocket } from "../live/socket.js";

const SILENT_MS = 3000; // who hears nothing for this long is told
const RESTS_MS = 30_000; // a tab that nobody looks at gives its line back after this
// between two fetches of the page: of figures less often than of what became of one thing
const AGAIN_MS = 2000, FIGURES_MS = 5000;
// pages whose figures follow every block
const FOLLOWING = new Set(["streams", "shards", "miners"]);
const ONE_THING = new Set(["transaction", "unknown", "address", "block"]);
const FIGURES = 1, LISTS = 2;
const FLAG = "mds-live-off";

const room = document.querySelector("[data-live]");
const { live: kind, watch, socket: path } = room?.dataset ?? {};
const show = room?.querySelector("[data-live-show]"), button = room?.querySelector("[data-live-switch]");

const restMs = ONE_THING.has(kind) ? AGAIN_MS : FIGURES_MS;
// what is due to be fetched: nothing, the figures, or lists too
let due = 0;
// the newest message about what is watched
let seen = null;
let head = null, count = 0, told = 0, fetching = null, fetchedAt = -restMs, line = null, isOn = true, restTimer = 0;
// what the figures in the page are of
let figuresOf = room ? Number(room.dataset.known) : 0, fetchedFor = null;

// ---- fetching the page's parts anew ----
const keyOf = row => row.querySelector("a")?.getAttribute("href");

const replace = (old, part) => {
  const before = new Set([...old.querySelectorAll("tbody tr")].map(keyOf));
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && ["href", "data-copy", "id"].map(name => [name, focused.getAttribute(name)]).find(([, value]) => value);
  old.replaceWith(part);
  if (part.hasAttribute("data-part-list") && before.size) for (const row of part.querySelectorAll("tbody tr")) if (!before.has(keyOf(row))) row.dataset.new = "";
  if (!focused) return;
  const again = place && part.querySelector(`[${place[0]}="${CSS.escape(place[1])}"]`);
  (again || document.getElementById("main")).focus({ preventScroll: true });
};

// a press that has begun ends on what it began on: a link that is replaced meanwhile is not followed
let isPressed = false;
const released = () => {
  if (!isPressed) return;
  return new Promise(done => {
    const end = () => setTimeout(done);
    for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, end, { once: true });
  });
};

const fetchParts = async what => {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    await released();
    for (const part of document.querySelectorAll(what === LISTS ? "[data-part]" : "[data-part]:not([data-part-list])")) {
      const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (fresh) replace(part, document.importNode(fresh, true));
    }
    const mark = page.querySelector("[data-live]");
    // what a list counts from stays as long as its rows do
    if (mark && what === LISTS) for (const name of ["known", "moves", "listed", "reorgs"]) if (name in mark.dataset) room.dataset[name] = mark.dataset[name];
    dispatchEvent(new Event("mds:parts"));
    return true;
  } catch {
    // the node is away; the line tells when it is back
  }
};

const refresh = async (what = LISTS) => {
  // what is under way may bring less than is asked for now
  while (fetching) await fetching;
  due = 0;
  fetching = fetchParts(what);
  try {
    return await fetching;
  } finally {
    fetching = null;
    fetchedAt = performance.now();
    // what became due meanwhile
    if (due) refreshSoon(due);
  }
};

// at once where the last time is long enough ago, and never for a tab that nobody looks at
const refreshSoon = (what = LISTS) => {
  due = Math.max(due, what);
  if (document.hidden || !isOn) return;
  setTimeout(() => due && !fetching && !document.hidden && isOn && refresh(due), Math.max(0, fetchedAt + restMs - performance.now()));
};

// ---- lists: how much is new, and whether a reorganisation undid some of what they show ----
const NAMES = { blocks: "block", dag: "block", transactions: "transaction", address: "transaction", token: "transfer", tokens: "token", shard: "transaction", miner: "block", miners: "block" };
const forks = new Forks();
const UNDONE = "A reorganisation undid some of what this list shows; the button beside the headline brings it as it is now.";
const label = show?.querySelector("[data-live-count]");
let wasUndone = false;

// down to where the chain was undone since the list was written, Infinity where it was not
const undoneTo = () => forks.since(Number(room.dataset.reorgs));

const tell = (value, name = NAMES[kind]) => {
  count = Math.max(0, value);
  const isUndone = undoneTo() < Number(room.dataset.listed);
  const text = notice(count, name, isUndone, grouped);
  if (label.textContent !== text) label.textContent = text;
  show.title = isUndone ? UNDONE : "";
  show.disabled = !count && !isUndone;
  if (isUndone && !wasUndone) announce(UNDONE);
  else if (count && !told) announce(`${text}; the button beside the headline shows them.`);
  told = count;
  wasUndone = isUndone;
};

show?.addEventListener("click", async () => {
  const wanted = label.textContent;
  if (!(await refresh())) return announce("The node does not answer.");
  tell(0);
  measure();
  announce(`Shown: ${wanted}.`);
});

const measure = () => {
  if (!head || !show) return;
  const base = Number(room.dataset.known), fork = undoneTo();
  // above the fork every block is another one
  if (kind === "blocks") tell(head.head.number - (fork < 0 ? base : Math.min(base, fork)));
  else if (kind === "miners") tell(head.head.number - base);
  else if (kind === "dag") tell(head.newest - base);
  else if (kind === "transactions") tell(head.transactions - base);
  else measureWatched();
};

// lists of what the page watches, as indexed
const measureWatched = () => {
  if (!seen) return tell(0);
  const base = Number(room.dataset.known);
  if (kind !== "tokens") return tell((seen.address ? seen.transactions : seen.transfers ?? seen.blocks ?? seen.transactions) - base);
  const made = seen.tokens - base;
  // their order and their numbers change without a new one, too
  made > 0 ? tell(made) : tell(seen.transfers - Number(room.dataset.moves), "transfer");
};

// ---- numbers that change where they stand ----
const deepen = () => {
  for (const place of document.querySelectorAll("[data-confirmed-by]")) {
    const deep = head.head.number - Number(place.dataset.confirmedBy) + 1;
    if (deep < 1) continue;
    const text = place.dataset.word ? `${grouped(deep)} ${place.dataset.word}${deep === 1 ? "" : "s"}` : grouped(deep);
    if (place.textContent !== text) place.textContent = text;
    if (place.dataset.final === "no" && Number(place.dataset.confirmedBy) <= head.head.finalized) {
      place.dataset.final = "asked";
      refreshSoon();
    }
  }
};

const setAmount = (place, wei) => {
  const amount = place.querySelector(".amount[data-wei]");
  if (!amount || amount.dataset.wei === wei) return;
  amount.dataset.wei = wei;
  amount.title = `${grouped(BigInt(wei))} wei`;
  const isWei = document.documentElement.dataset.unit === "wei";
  const text = decimal(wei, 18, Number(place.dataset.digits));
  amount.dataset.figure = text;
  amount.querySelector(".figure").textContent = isWei ? grouped(BigInt(wei)) : text;
  // what was too small for whole tokens was told in another unit
  amount.dataset.unit = document.body.dataset.token;
  if (!isWei) amount.querySelector("abbr").textContent = amount.dataset.unit;
};

const onHead = message => {
  if (message !== head) forks.hear(message);
  head = message;
  if (document.hidden || !isOn) return;
  const fork = message.fork;
  if (fork !== null && [...document.querySelectorAll("[data-confirmed-by]")].some(place => Number(place.dataset.confirmedBy) > fork)) refreshSoon();
  measure();
  deepen();
  if (FOLLOWING.has(kind) && fetchedFor !== head.head.number) {
    // the page itself is of about the first block that the line tells of
    if (fetchedFor !== null) refreshSoon(FIGURES);
    fetchedFor = head.head.number;
  }
  for (const place of document.querySelectorAll("[data-base-fee]")) place.textContent = gwei(message.head.base_fee);
};

const onWatched = message => {
  seen = message;
  if (message.address) {
    for (const place of document.querySelectorAll("[data-balance]")) setAmount(place, message.balance);
    for (const place of document.querySelectorAll("[data-nonce]")) place.textContent = grouped(message.nonce);
    if (show) measure();
  } else if (kind === "tokens") {
    measure();
  } else if (!("tx" in message)) {
    // a token, a miner, a shard: its list says how much is new, its figures follow
    const value = message.transfers ?? message.blocks ?? message.transactions;
    if (show) measure();
    if (value !== figuresOf) refreshSoon(FIGURES);
    figuresOf = value;
  } else if ((message.block ?? "") !== room.dataset.known) {
    room.dataset.known = message.block ?? "";
    if (kind === "unknown") return location.reload();
    announce(message.number === null ? "A reorganisation undid the transaction." : `Accepted in block ${grouped(message.number)}${message.success ? "" : ", but it failed"}.`);
    refreshSoon();
  }
};

// ---- the line, its switch, and tabs that nobody looks at ----
const setOn = value => {
  isOn = value;
  button.setAttribute("aria-pressed", String(isOn));
  button.classList.toggle("on", isOn);
  if (isOn) line ? line.wake() : start();
  else line?.rest();
  if (isOn) return;
  button.querySelector(".dot").dataset.kind = "";
  tellLine("Live");
};

// what the switch says of the line, in words and aloud
const LINE = {
  Live: ["Live: press to hold the page still", "The node answers again."],
  "No answer": ["The node does not answer, trying again", "The node does not answer. The page shows what it knew and goes on by itself."],
  "Load anew": ["The node speaks a newer language than this page", "The node was upgraded: load the page anew."],
};
let silence = 0;
const tellLine = text => {
  clearTimeout(silence);
  silence = 0;
  const label = button.querySelector("[data-live-label]");
  const [title, aloud] = LINE[text];
  button.title = isOn ? title : "Standing still";
  if (label.textContent === text) return;
  label.textContent = text;
  if (isOn) announce(aloud);
};

const start = () => {
  line = new LiveSocket(`${path}?view=head${watch ? `&${watch}` : ""}`, {
    message: message => (message.type === "watched" ? onWatched(message) : onHead(message)),
    state: state => {
      button.querySelector(".dot").dataset.kind = !isOn ? "" : state === "live" ? "ok" : "warn";
      if (state === "live" || !isOn) tellLine("Live");
      else if (state === "old") tellLine("Load anew");
      // a line that is lost and found at once is nobody's concern
      else if (!silence) silence = setTimeout(tellLine, SILENT_MS, "No answer");
    },
  });
};

if (room) {
  addEventListener("pointerdown", () => (isPressed = true), true);
  for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, () => (isPressed = false), true);
  button.addEventListener("click", () => {
    setOn(!isOn);
    try {
      isOn ? localStorage.removeItem(FLAG) : localStorage.setItem(FLAG, "1");
    } catch {
      // the choice holds for this page only
    }
    announce(isOn ? "The page is live." : "The page stands still.");
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(restTimer);
    if (document.hidden) return void (restTimer = setTimeout(() => line?.rest(), RESTS_MS));
    if (!isOn) return;
    line?.wake();
    if (head) onHead(head);
    if (due) refreshSoon(due);
  });
  let off = false;
  try {
    off = localStorage.getItem(FLAG) === "1";
  } catch {
    // storage is off: live
  }
  room.dataset.ready = "";
  setOn(!off);
  room.page = { line: () => line, head: () => head, count: () => count };
}
