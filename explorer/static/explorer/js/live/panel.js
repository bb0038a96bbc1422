// One block closely: beside the picture, with its mergeset lit in it.
import { grouped, scaled, shortened, spanText, gwei } from "../format.js";

const make = (tag, text = "", attributes = {}) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

export const colourName = blue => (blue === null ? "not merged" : blue ? "blue" : "red");

const STATES = {
  chain_valid: "valid, its commitments checked",
  body_valid: "valid; commitments are checked once it is on the chain",
  header_only: "valid header; its body is not here yet",
  invalid: "invalid",
  disqualified: "disqualified: its commitments are wrong",
};
const CAME_BY = { mined: "mined here", rpc: "by JSON-RPC", peer: "from a peer", import: "from a file" };

export class Panel {
  onClose = () => {};
  onChoose = () => {};
  #root;
  #title;
  #body;
  #asked = null;

  constructor(root) {
    this.#root = root;
    this.#title = root.querySelector("h2");
    this.#body = root.querySelector("[data-panel-body]");
    root.querySelector("[data-close]").addEventListener("click", () => this.close());
    root.addEventListener("keydown", event => {
      if (event.key === "Escape") this.close();
    });
    this.#body.addEventListener("click", event => {
      const button = event.target.closest("[data-block]");
      if (button) this.onChoose(Number(button.dataset.block));
    });
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  get width() {
    return this.#root.offsetWidth;
  }

  // gives what the node tells of the block, null when another one was asked for meanwhile
  async open(id, path, focus) {
    this.#asked?.abort();
    const asked = this.#asked = new AbortController();
    this.#root.hidden = false;
    if (focus) this.#root.focus();
    try {
      const answer = await fetch(`${path}${id}`, { signal: asked.signal });
      if (!answer.ok) throw new Error(`the node answered ${answer.status}`);
      const found = await answer.json();
      this.#show(found);
      return found;
    } catch (error) {
      if (error.name === "AbortError") return null;
      this.#title.textContent = "Block";
      this.#body.replaceChildren(make("p", `It cannot be shown now: ${error.message}.`, { class: "quiet" }));
      return null;
    }
  }

  close() {
    if (!this.isOpen) return;
    this.#asked?.abort();
    this.#root.hidden = true;
    this.onClose();
  }

  #show(found) {
    this.#title.replaceChildren(
      make("span", found.stream === "genesis" ? "G" : found.stream, { class: "badge stream", "data-stream": found.stream }),
      document.createTextNode(` Block ${grouped(found.number)}`),
      make("span", colourName(found.blue), { class: "badge", "data-kind": colourName(found.blue).replace(" ", "-") }),
    );
    const facts = make("dl", "", { class: "facts" });
    const fact = (name, ...values) => {
      const cell = make("dd");
      cell.append(...values);
      facts.append(make("dt", name), cell);
    };
    fact("Hash", this.#hash(found.hash, found.url));
    fact("Place", found.chain_number !== null
      ? "on the selected chain"
      : found.merged_by !== null ? `merged by chain block ${grouped(found.merged_by)}` : "not merged by the selected chain yet");
    fact("Status", STATES[found.status] ?? found.status.replaceAll("_", " "));
    fact("Blue score", grouped(found.score));
    fact("Time", make("time", new Date(found.timestamp_ms).toISOString().replace("T", " ").slice(0, 23), { class: "nowrap" }));
    const late = found.received_ms - found.timestamp_ms;
    fact("Arrived", found.source === "genesis" ? "genesis" : `${late < 0 ? "early by " : "after "}${spanText(Math.abs(late) / 1000)}, ${CAME_BY[found.source] ?? `by ${found.source}`}`);
    fact("Miner", this.#hash(found.miner, found.miner_url));
    fact("Carries", `${grouped(found.own_transactions)} transaction${found.own_transactions === 1 ? "" : "s"}`);
    if (found.epoch) {
      const skipped = found.epoch.skipped ? `, ${grouped(found.epoch.skipped)} left out` : "";
      fact("Took effect", `${grouped(found.epoch.transactions)} transaction${found.epoch.transactions === 1 ? "" : "s"}${skipped}`);
      fact("Gas", scaled(found.epoch.gas_used, "gas"));
      fact("Base fee", `${gwei(found.epoch.base_fee)} gwei`);
    }
    fact("Size", scaled(found.size, "B"));
    const parts = [facts];
    const lists = [
      ["Parents", found.parents],
      ["Children", found.children],
      ["Merges blue", found.mergeset.blue],
      ["Merges red", found.mergeset.red],
    ];
    for (const [name, ids] of lists) {
      if (!ids.length) continue;
      const row = make("div", "", { class: "chips" });
      row.append(make("span", `${name} (${ids.length})`, { class: "quiet" }));
      for (const id of ids.slice(0, 24)) {
        const label = id === found.selected_parent ? `${id} selected` : String(id);
        row.append(make("button", label, { type: "button", class: "chip", "data-block": id, "data-kind": name.endsWith("red") ? "red" : "" }));
      }
      if (ids.length > 24) row.append(make("span", `and ${ids.length - 24} more`, { class: "quiet" }));
      parts.push(row);
    }
    if (found.url) {
      const link = make("a", "Open the block's page", { class: "button", href: found.url });
      parts.push(link);
    }
    this.#body.replaceChildren(...parts);
  }

  #hash(text, url) {
    const span = make("span", "", { class: "hash" });
    const shown = shortened(text);
    span.append(url ? make("a", shown, { href: url, title: text }) : make("span", shown, { title: text }));
    const copy = make("button", "", { type: "button", class: "copy", "data-copy": text, "aria-label": `Copy ${shown}` });
    const icon = document.querySelector("[data-copy-icon]");
    if (icon) copy.append(icon.content.cloneNode(true));
    span.append(copy);
    return span;
  }
}
