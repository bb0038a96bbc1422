// A socket that tells of a DAG of __COUNT__ blocks and then lets it grow, for bench/dashboard_frames.py.
(() => {
  const COUNT = __COUNT__;
  const stream = at => at % 110 === 0 ? 1 : at % 11 === 0 ? 2 : 3;
  // each block has one or two parents; every 37th is red, and the third of four lies beside the selected chain
  let chain = 0;
  const row = at => {
    const beside = at % 4 === 3, red = at % 37 === 36;
    const parents = at < 2 ? (at ? [0] : []) : [at - 1, at - 2];
    const selected = chain;
    if (!beside && !red) chain = at;
    return [at, at ? stream(at) : 0, at, Date.now() - (COUNT - at) * 90, at % 5, beside || red ? null : at, at, !red, selected,
      parents, at.toString(16).padStart(12, "0"), "f39f…2266"];
  };
  const now = { tps: 12.3, blocks: [0.1, 1, 9.8], reds: 3, hashrate: [1e6, 1e5], difficulty: [1e7, 1e5], gas: 1e6,
    pool: { pending: 12, queued: 3, bytes: 4000 }, shards: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], crossing: [0, 1, 1, 2, 2, 3, 3, 4, 4, 5], reorgs: 1 };
  const columns = ["step", "tps", "a", "b", "c", "reds", "hash_a", "hash_b", "diff_a", "diff_b", "gas", "fee", "pending", "reorgs"];
  const point = step => Object.fromEntries(columns.map((name, at) => [name, at ? 5 + Math.sin(step / 7 + at) : step]));
  const totals = { blocks: [10, 100, 1000], transactions: 12345, reorgs: 3, deepest_reorg: 2, supply: "1000000000000000000" };
  const head = () => ({ id: chain, number: chain, score: chain, finalized: 0, base_fee: "1000000000", tips: 2, at_ms: Date.now() });
  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 1;
    constructor() {
      super();
      setTimeout(() => this.begin(), 0);
    }
    send() {}
    close() {}
    begin() {
      const step = Math.floor(Date.now() / 5000);
      const blocks = Array.from({ length: COUNT }, (_, at) => row(at));
      const series = Array.from({ length: 120 }, (_, at) => Object.values(point(step - 119 + at)));
      const hour = Array.from({ length: 240 }, (_, at) => ({ step: Math.floor(Date.now() / 15000) - 239 + at, blocks: [2, 15, 140], reds: at % 9 ? 0 : 2, low: at * 4, high: at * 4 + 4 }));
      this.tell({ type: "snapshot", seq: 0, blocks, head: head(), totals, now, series_columns: columns, series, series_step_ms: 5000,
        hour, hour_step_ms: 15000, server_ms: Date.now() });
      let seq = 0, at = COUNT;
      setInterval(() => {
        const block = row(at++);
        this.tell({ type: "dag", seq: ++seq, blocks: [block], fork: null, removed: 0, merged: [[block[0], block[6], block[7], block[5] !== null]], head: head() });
      }, 90);
      setInterval(() => {
        this.tell({ type: "stats", seq: ++seq, totals, now: { ...now, tps: Math.random() * 20 }, point: point(Math.floor(Date.now() / 5000)), hour: null, server_ms: Date.now() });
      }, 1000);
    }
    tell(message) {
      this.onmessage?.({ data: JSON.stringify({ v: 1, feed: "bench", network: "devnet", ...message }) });
    }
  };
})();
