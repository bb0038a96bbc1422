// The calls inside a transaction: traced by the node when somebody asks.
import { announce } from "../announce.js";
import { el } from "../dom.js";
import { decimal, grouped, shortened } from "../format.js";
import { rpc } from "../rpc.js";

const MOST = 500;
const link = address => el("a", { href: `/address/${address}`, title: address, class: "mono" }, shortened(address));

const rowOf = entry => {
  const value = entry.value && BigInt(entry.value) > 0n ? `${decimal(entry.value)} ${document.body.dataset.token}` : "–";
  const input = entry.input ?? "0x";
  // the depth is told by a number too: indentation alone says nothing to a screen reader
  const depth = el("td", {}, "\u00a0".repeat(Math.min(entry.depth, 20) * 3), el("span", { class: "quiet" }, `${entry.depth} `), el("code", {}, entry.type.toLowerCase()));
  return el("tr", {}, depth, el("td", {}, link(entry.from)), el("td", {}, entry.to ? link(entry.to) : "–"), el("td", { class: "num" }, value), el("td", { class: "mono" }, input.length > 2 ? input.slice(0, 10) : "–"), el("td", { class: "num" }, grouped(Math.max(0, (input.length - 2) / 2))));
};

const show = (room, entries) => {
  const heads = ["Call", "From", "To", "Value", "Selector", "Input, bytes"];
  const head = el("tr", {}, ...heads.map(text => el("th", { scope: "col", class: /Value|bytes/.test(text) ? "num" : false }, text)));
  const table = el("table", {}, el("thead", {}, head), el("tbody", {}, ...entries.slice(0, MOST).map(rowOf)));
  const place = room.querySelector("[data-table]");
  place.replaceChildren(table);
  table.dispatchEvent(new Event("mds:table", { bubbles: true }));
  place.hidden = false;
};

// why a failed transaction failed, by errors that the node knows
const reasonOf = async room => {
  const output = await rpc("ots_getTransactionError", [room.dataset.internal]);
  if (output.length <= 2) return " It failed without saying why.";
  const answer = await fetch(room.dataset.error, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ address: room.dataset.to, data: output }) });
  const { text } = await answer.json();
  return ` It failed: ${text || shortened(output, 66, 8)}.`;
};

// on the document: the part with the button is replaced when the transaction's state changes
document.addEventListener("click", async event => {
  if (!event.target.closest("[data-trace]")) return;
  const room = event.target.closest("[data-internal]");
  const state = room.querySelector("[data-state]");
  event.target.disabled = true;
  state.textContent = "Tracing…";
  try {
    const entries = await rpc("ots_traceTransaction", [room.dataset.internal]);
    show(room, entries);
    const reason = room.dataset.failed === undefined ? "" : await reasonOf(room);
    const shown = entries.length > MOST ? `, the first ${MOST} are shown` : "";
    state.textContent = (entries.length === 1 ? "One call, and none inside it." : `${grouped(entries.length)} calls${shown}.`) + reason;
  } catch (error) {
    state.textContent = `The node did not trace it: ${error.message}`;
  }
  announce(state.textContent);
});
