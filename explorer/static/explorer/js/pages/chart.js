// A line chart by uPlot from figures in the page; without script the numbers above it say the same.
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// custom properties hold light-dark(): an element resolves which
const resolved = (place, name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  place.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value || colour(name);
};

const load = (tag, attributes) =>
  new Promise((done, failed) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.onload = done;
    node.onerror = failed;
    document.head.append(node);
  });

const fromZero = (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1];

// room for the longest of an axis's labels, in pixels; a digit of 12 px takes less than 7.5
const roomFor = (_plot, labels) => 16 + 7.5 * Math.max(2, ...(labels ?? []).map(label => label.length));
// while nobody points, the legend tells the newest point
const newest = plot => {
  if (plot.cursor.idx == null && plot.data[0].length) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
};

// where the chain stood still there are no points: a line stops there and does not lead across
const withGaps = data => {
  const step = Math.min(...data.x.slice(1).map((x, at) => x - data.x[at]));
  const x = [], columns = data.series.map(() => []);
  data.x.forEach((time, at) => {
    if (at && time - data.x[at - 1] > step * 1.5) {
      x.push(data.x[at - 1] + step);
      columns.forEach(column => column.push(null));
    }
    x.push(time);
    columns.forEach((column, which) => column.push(data.series[which].values[at]));
  });
  return [x, ...columns];
};

const draw = place => {
  const data = JSON.parse(document.getElementById(place.dataset.chartFrom).textContent);
  place.replaceChildren();
  if (data.x.length < 2) {
    place.textContent = "Nothing to draw yet.";
    return null;
  }
  const names = ["--accent", "--warn", "--stream-c"];
  const days = data.x.at(-1) - data.x[0] > 2 * 86400;
  const clock = new Intl.DateTimeFormat(undefined, days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const count = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });
  const number = value => (value == null ? "–" : count.format(value).replaceAll(",", "\u202f"));
  const axis = { stroke: resolved(place, "--quiet"), grid: { stroke: resolved(place, "--line"), width: 1 }, ticks: { show: false } };
  const second = data.series.find(series => series.scale);
  const plot = new window.uPlot(
    {
      width: place.clientWidth,
      height: 260,
      padding: [12, second ? 0 : 16, 0, 0],
      hooks: { setLegend: [newest], ready: [newest], setData: [newest] },
      scales: { y: { range: fromZero }, ...(second ? { [second.scale]: { range: fromZero } } : {}) },
      series: [
        { label: "Time", value: (_plot, at) => (at == null ? "–" : clock.format(at * 1000)) },
        ...data.series.map((series, at) => ({
          label: series.scale ? `${series.label} (right)` : series.label, scale: series.scale ?? "y", stroke: resolved(place, series.colour ?? names[at]), width: 2, points: { size: 4 }, value: (_plot, value) => number(value),
        })),
      ],
      axes: [
        { ...axis, space: 80, size: 30, incrs: days ? [1, 2, 7, 14, 30, 61, 91].map(step => step * 86400) : [60, 300, 600, 1200, 3600, 7200, 14400, 21600], values: (_plot, ticks) => ticks.map(tick => clock.format(tick * 1000)) },
        { ...axis, size: roomFor, values: (_plot, ticks) => ticks.map(number) },
        ...(second ? [{ ...axis, scale: second.scale, side: 1, size: roomFor, grid: { show: false }, values: (_plot, ticks) => ticks.map(number) }] : []),
      ],
    },
    withGaps(data),
    place,
  );
  return plot;
};

for (const place of document.querySelectorAll("[data-chart-from]")) {
  await Promise.all([load("script", { src: place.dataset.library }), load("link", { rel: "stylesheet", href: place.dataset.style })]);
  let plot = draw(place);
  addEventListener("mds:theme", () => {
    plot?.destroy();
    plot = draw(place);
  });
  // newer figures in the page: the same lines, gone on
  let drawn = document.getElementById(place.dataset.chartFrom).textContent;
  addEventListener("mds:parts", () => {
    const text = document.getElementById(place.dataset.chartFrom).textContent;
    if (text === drawn) return;
    drawn = text;
    const data = JSON.parse(text);
    if (plot) plot.setData(withGaps(data));
    else plot = draw(place);
  });
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: 260 })).observe(place);
}
