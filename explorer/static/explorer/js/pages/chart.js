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

const draw = place => {
  const data = JSON.parse(document.getElementById(place.dataset.chartFrom).textContent);
  place.replaceChildren();
  if (data.x.length < 2) {
    place.textContent = "Nothing to draw yet.";
    return null;
  }
  const names = ["--accent", "--warn"];
  const axis = { stroke: resolved(place, "--quiet"), grid: { stroke: resolved(place, "--line"), width: 1 }, ticks: { show: false } };
  const second = data.series.find(series => series.scale);
  const plot = new window.uPlot(
    {
      width: place.clientWidth,
      height: 260,
      scales: { y: { range: [0, null] }, ...(second ? { [second.scale]: { range: [0, null] } } : {}) },
      series: [{}, ...data.series.map((series, at) => ({ label: series.label, scale: series.scale ?? "y", stroke: resolved(place, names[at]), width: 2 }))],
      axes: [axis, { ...axis, size: 64 }, ...(second ? [{ ...axis, scale: second.scale, side: 1, grid: { show: false } }] : [])],
    },
    [data.x, ...data.series.map(series => series.values)],
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
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: 260 })).observe(place);
}
