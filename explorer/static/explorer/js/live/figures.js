// The numbers beside the picture, and ten bars for the shards. A number is written only when it changed.
import { decimal, grouped, gwei, scaled } from "../format.js";

const rate = value => (value === 0 ? "0" : value >= 9.95 ? value.toFixed(0) : value >= 0.995 ? value.toFixed(1) : value.toFixed(2));

// value and unit of a scaled number apart, so that the unit can stand back
const split = (value, unit) => {
  const text = scaled(value, unit), at = text.lastIndexOf(" ");
  return at < 0 ? [text, unit] : [text.slice(0, at), text.slice(at + 1)];
};

export class Figures {
  #of = {};
  #bars = null;

  constructor(root) {
    for (const element of root.querySelectorAll("[data-figure]")) this.#of[element.dataset.figure] = element;
    this.#bars = root.querySelector("[data-shards]");
  }

  #set(name, text, unit) {
    const element = this.#of[name];
    if (!element) return;
    if (element.dataset.shown === text + unit) return;
    element.dataset.shown = text + unit;
    if (unit === undefined) return void (element.textContent = text);
    element.firstChild.nodeValue = `${text} `;
    const small = element.querySelector(".unit");
    if (small && small.textContent !== unit) small.textContent = unit;
  }

  head(head) {
    this.#set("number", grouped(head.number));
    this.#set("score", grouped(head.score));
    this.#set("finalized", grouped(head.finalized));
    this.#set("tips", grouped(head.tips));
    this.#set("fee", gwei(head.base_fee), "gwei");
  }

  totals(totals) {
    this.#set("transactions", grouped(totals.transactions));
    ["a", "b", "c"].forEach((stream, at) => this.#set(`total-${stream}`, `${grouped(totals.blocks[at])} in all`));
    this.#set("reorgs-total", grouped(totals.reorgs));
    this.#set("reorgs-deepest", grouped(totals.deepest_reorg));
    this.#set("supply", decimal(totals.supply, 18, 0).replace("…", ""));
  }

  now(now) {
    this.#set("tps", rate(now.tps), "tx/s");
    ["a", "b", "c"].forEach((stream, at) => this.#set(`rate-${stream}`, rate(now.blocks[at]), "/s"));
    this.#set("reds", grouped(now.reds));
    ["a", "b"].forEach((stream, at) => {
      this.#set(`hash-${stream}`, ...split(now.hashrate[at], "H/s"));
      this.#set(`difficulty-${stream}`, ...split(now.difficulty[at], "H"));
    });
    this.#set("gas", ...split(now.gas, "gas/s"));
    this.#set("reorgs", grouped(now.reorgs), "in 10 min");
    if (now.pool) {
      this.#set("pending", grouped(now.pool.pending), "tx");
      this.#set("queued", grouped(now.pool.queued));
      this.#set("pool-bytes", scaled(now.pool.bytes, "B"));
    } else {
      this.#set("pending", "–", "tx");
    }
    this.#shards(now.shards, now.crossing);
  }

  #shards(loads, crossing) {
    const bars = this.#bars;
    if (!bars) return;
    const most = Math.max(1, ...loads);
    loads.forEach((load, shard) => {
      const bar = bars.children[shard];
      if (!bar) return;
      const share = load ? crossing[shard] / load : 0;
      const told = `${load} ${crossing[shard]} ${most}`;
      if (bar.dataset.shown === told) return;
      bar.dataset.shown = told;
      const column = bar.querySelector(".column");
      column.style.setProperty("--load", String(load / most));
      column.style.setProperty("--cross", String(share));
      bar.querySelector(".load").textContent = rate(load / 60);
      bar.title = `Shard ${shard}: ${rate(load / 60)} tx/s in the last minute, ${Math.round(share * 100)} % across shards`;
    });
    const all = loads.reduce((sum, load) => sum + load, 0), crossed = crossing.reduce((sum, load) => sum + load, 0);
    this.#set("crossing", all ? `; ${Math.round(crossed / all * 100)} % across shards` : "");
  }
}
