// The blocks that the page knows: each gets its place once, when it comes. No drawing, no network.
export const CHUNK = 256; // blue scores that are loaded together
const KEPT_CHUNKS = 48;
const SLOTS = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6];

// [id, stream, score, timestamp ms, transactions, chain number, merged by, blue, selected parent, parents, hash, miner]
const blockOf = row => ({
  id: row[0],
  stream: row[1],
  score: row[2],
  time: row[3],
  transactions: row[4],
  number: row[5],
  mergedBy: row[6],
  blue: row[7],
  selectedParent: row[8],
  parents: row[9],
  hash: row[10],
  miner: row[11],
  slot: 0, // place beside others of its lane and score
  born: 0, // when the page first saw it, 0 for history
});

export class Dag {
  blocks = new Map();
  sorted = []; // by score, then id
  chunks = new Map(); // chunk → true while loaded, false while asked for
  head = null;
  #taken = new Map(); // stream and score → slots in use

  reset() {
    this.blocks.clear();
    this.sorted = [];
    this.chunks.clear();
    this.#taken.clear();
    this.head = null;
  }

  // true where the block is new here
  add(row, born = 0) {
    if (this.blocks.has(row[0])) return false;
    const block = blockOf(row);
    block.born = born;
    const key = block.score * 4 + block.stream;
    const taken = this.#taken.get(key) ?? [];
    block.slot = SLOTS.find(slot => !taken.includes(slot)) ?? 0;
    taken.push(block.slot);
    this.#taken.set(key, taken);
    this.blocks.set(block.id, block);
    let at = this.sorted.length;
    while (at > 0 && after(this.sorted[at - 1], block)) at--;
    if (at === this.sorted.length) this.sorted.push(block);
    else this.sorted.splice(at, 0, block);
    return true;
  }

  // many at once, in any order: one sort in place of many insertions
  addAll(rows) {
    let added = 0;
    const tail = this.sorted;
    this.sorted = [];
    for (const row of rows) added += this.add(row);
    this.sorted = tail.concat(this.sorted).sort((a, b) => a.score - b.score || a.id - b.id);
    return added;
  }

  // the selected chain above a number is no more; gives the blocks that were on it
  undo(fork) {
    const removed = [];
    for (let at = this.sorted.length - 1; at >= 0; at--) {
      const block = this.sorted[at];
      if (block.mergedBy === null || block.mergedBy <= fork) continue;
      if (block.number !== null) removed.push(block);
      block.number = block.mergedBy = block.blue = null;
    }
    return removed;
  }

  // [id, number, is blue, is on the chain]; gives the chain blocks among them
  merge(places) {
    const chain = [];
    for (const [id, number, blue, isChain] of places) {
      const block = this.blocks.get(id);
      if (!block) continue;
      block.mergedBy = number;
      block.blue = blue;
      block.number = isChain ? number : null;
      if (isChain) chain.push(block);
    }
    return chain;
  }

  // blocks with scores from low to high, a slice of `sorted` as [from, to)
  range(low, high) {
    return [lower(this.sorted, low), lower(this.sorted, high + 1e-9)];
  }

  get low() {
    return this.sorted.length ? this.sorted[0].score : 0;
  }

  // drop the chunks that are farthest from what is looked at
  prune(center, newest) {
    const loaded = [...this.chunks].filter(([, done]) => done).map(([chunk]) => chunk);
    if (loaded.length <= KEPT_CHUNKS) return;
    const live = Math.floor(newest / CHUNK) - 2, here = Math.floor(center / CHUNK);
    loaded.sort((a, b) => Math.abs(b - here) - Math.abs(a - here));
    const gone = new Set(loaded.filter(chunk => chunk < live).slice(0, loaded.length - KEPT_CHUNKS));
    for (const chunk of gone) this.chunks.delete(chunk);
    this.sorted = this.sorted.filter(block => {
      if (!gone.has(Math.floor(block.score / CHUNK))) return true;
      this.blocks.delete(block.id);
      this.#taken.delete(block.score * 4 + block.stream);
      return false;
    });
  }
}

const after = (a, b) => a.score > b.score || (a.score === b.score && a.id > b.id);

const lower = (sorted, score) => {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].score < score) low = middle + 1;
    else high = middle;
  }
  return low;
};
