// Lines of ten minutes by uPlot, which is loaded when the picture stands already.
import { readColours } from "./draw.js";

const LINES = {
  tps: [["tps", "accent"]],
  blocks: [["a", "a"], ["b", "b"], ["c", "c"]],
  hash: [["hash_a", "a"], ["hash_b", "b"]],
  difficulty: [["diff_a", "a"], ["diff_b", "b"]],
  gas: [["gas", "accent"]],
  pool: [["pending", "accent"]],
  fee: [["fee", "accent"]],
  reorgs: [["reorgs", "red"]],
};

const CHART_PX = 180;
// while nobody points, the legend tells the newest point
const newest = plot => {
  if (plot.cursor.idx == null && plot.data[0].length) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
};

const load = source =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.uPlot);
    script.onerror = () => reject(new Error("the chart library did not load"));
    document.head.append(script);
  });

export class Charts {
  #points = [];
  #stepMs = 5000;
  #plots = [];
  #uPlot = null;
  #root;
  #waiting = false;

  constructor(root) {
    this.#root = root;
    addEventListener("mds:theme", () => this.#rebuild());
    new ResizeObserver(() => this.#fit()).observe(root);
  }

  async start(source) {
    this.#uPlot = await load(source);
    this.#rebuild();
  }

  load(series, stepMs) {
    this.#points = series;
    this.#stepMs = stepMs;
    this.#refresh();
  }

  see(point) {
    const last = this.#points.at(-1);
    if (last && last.step === point.step) this.#points[this.#points.length - 1] = point;
    else this.#points.push(point);
    if (this.#points.length > 121) this.#points.shift();
    this.#refresh();
  }

  #refresh() {
    // once a frame at most, and never for nobody
    if (this.#waiting || document.hidden) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      // the step that still fills would draw every line down to nothing
      const points = this.#points.slice(0, -1);
      const x = points.map(point => point.step * this.#stepMs / 1000);
      for (const { plot, names } of this.#plots) plot.setData([x, ...names.map(name => points.map(point => point[name]))]);
    });
  }

  #rebuild() {
    if (!this.#uPlot) return;
    for (const { plot } of this.#plots) plot.destroy();
    const colours = readColours(this.#root);
    this.#plots = [];
    for (const element of this.#root.querySelectorAll("[data-line]")) {
      const lines = LINES[element.dataset.line];
      this.#plots.push({ element, names: lines.map(([name]) => name), plot: this.#spark(element, lines, colours) });
    }
    const chart = this.#root.querySelector("[data-chart]");
    if (chart) this.#plots.push({ element: chart, names: ["fee", "pending"], plot: this.#market(chart, colours) });
    this.#refresh();
  }

  #spark(element, lines, colours) {
    const own = lines.length > 1 && element.dataset.line !== "blocks";
    const scales = { x: { time: true } };
    lines.forEach((_, at) => {
      scales[own ? `y${at}` : "y"] = { range: (_plot, low, high) => [0, high > 0 ? high * 1.1 : 1] };
    });
    return new this.#uPlot({
      width: element.clientWidth || 120,
      height: element.clientHeight || 36,
      pxAlign: false,
      padding: [2, 1, 2, 1],
      cursor: { show: false },
      legend: { show: false },
      select: { show: false },
      axes: [{ show: false }, { show: false }],
      scales,
      series: [
        {},
        ...lines.map(([, colour], at) => ({
          // nothing went wrong: no red line
          stroke: plot => (colour === "red" && !plot.data[1].some(value => value) ? colours.line : colours[colour]),
          width: 1.5,
          scale: own ? `y${at}` : "y",
          fill: lines.length === 1 ? faint(colours[colour]) : undefined,
          points: { show: false },
        })),
      ],
    }, [[], ...lines.map(() => [])], element);
  }

  #market(element, colours) {
    const axis = { stroke: colours.quiet, grid: { stroke: colours.line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    return new this.#uPlot({
      width: element.clientWidth || 400,
      height: CHART_PX,
      padding: [8, 0, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      legend: { live: true },
      hooks: { setLegend: [newest], ready: [newest], setData: [newest] },
      axes: [
        { ...axis, space: 80, size: 30, values: (_plot, ticks) => ticks.map(tick => clock.format(tick * 1000)) },
        { ...axis, scale: "fee", size: 56, values: (_plot, ticks) => ticks.map(tick => String(Number(tick.toPrecision(4)))) },
        { ...axis, scale: "pool", side: 1, size: 48, grid: { show: false }, values: (_plot, ticks) => ticks.map(tick => (Number.isInteger(tick) ? String(tick) : "")) },
      ],
      scales: {
        fee: { range: (_plot, low, high) => (high > 0 ? [Math.max(0, low - (high - low) * 0.2 - high * 0.05), high * 1.05] : [0, 1]) },
        pool: { range: (_plot, _low, high) => [0, Math.max(5, high * 1.2)] },
      },
      series: [
        { label: "Time", value: (_plot, at) => (at === null ? "–" : clock.format(at * 1000)) },
        { label: "Base fee, gwei", value: (_plot, value) => (value == null ? "–" : String(Number(value.toPrecision(4)))), scale: "fee", stroke: colours.accent, width: 2, points: { show: false } },
        { label: "Pending, tx (right)", value: (_plot, value) => value ?? "–", scale: "pool", stroke: colours.c, fill: faint(colours.c), width: 1.5, points: { show: false } },
      ],
    }, [[], [], []], element);
  }

  #fit() {
    for (const { element, plot } of this.#plots) {
      const width = element.clientWidth;
      const height = element.dataset.chart === undefined ? element.clientHeight || 36 : CHART_PX;
      if (width && Math.abs(width - plot.width) > 1) plot.setSize({ width, height });
    }
  }
}

const faint = colour => colour.replace(/^rgb\((.*)\)$/, "rgb($1 / 0.12)").replace(/(\d+), (\d+), (\d+) \//, "$1 $2 $3 /");
