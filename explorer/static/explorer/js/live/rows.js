// The blocks in sight as a table, newest first, while it is open: for who cannot see the picture.
import { grouped, spanText } from "../format.js";
import { colourName } from "./panel.js";

const MOST = 60;
const PAUSE_MS = 500; // between two fillings: a table that changes at every block cannot be read

export class Rows {
  #body;
  #details;
  #of;
  #due = 0;

  // of: { dag, sight() → [from, to) of its sorted blocks, ago(block) → ms, open(id) }
  constructor(body, of) {
    this.#body = body;
    this.#details = body.closest("details");
    this.#of = of;
    this.#details.addEventListener("toggle", () => this.refresh());
    body.addEventListener("click", event => {
      const button = event.target.closest("[data-open]");
      if (button) of.open(Number(button.dataset.open));
    });
  }

  refresh() {
    if (!this.#details.open || this.#due) return;
    this.#due = setTimeout(() => {
      this.#due = 0;
      this.#fill();
    }, PAUSE_MS);
  }

  #fill() {
    const [from, to] = this.#of.sight();
    const list = this.#of.dag.sorted.slice(Math.max(from, to - MOST), to).reverse();
    const focused = document.activeElement?.dataset?.open;
    this.#body.replaceChildren(...list.map(block => this.#row(block)));
    if (focused) this.#body.querySelector(`[data-open="${focused}"]`)?.focus();
  }

  #row(block) {
    const row = document.createElement("tr"), head = document.createElement("th");
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      className: "plain",
      textContent: `0x${block.hash}…`,
    });
    button.dataset.open = block.id;
    head.scope = "row";
    head.append(button);
    row.append(head);
    const number = value => (value === null ? "–" : grouped(value));
    const cells = [
      block.stream ? "ABC"[block.stream - 1] : "genesis",
      grouped(block.score),
      colourName(block.blue),
      number(block.number),
      number(block.mergedBy),
      grouped(block.transactions),
      spanText(Math.max(0, this.#of.ago(block)) / 1000),
    ];
    for (const text of cells) row.append(Object.assign(document.createElement("td"), { textContent: text }));
    return row;
  }
}
