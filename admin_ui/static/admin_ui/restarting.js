// Waits for a node that was told to begin anew: until its web process is younger than this page.
const page = document.querySelector("[data-restarting]");
const text = page.querySelector("[data-text]");
const opened = performance.now();

async function look() {
  try {
    const found = await (await fetch("/health", { cache: "no-store" })).json();
    if (found.uptime_s + 2 < (performance.now() - opened) / 1000) {
      location.replace(page.dataset.goal);
      return;
    }
  } catch {
    text.textContent = "It is away, and comes back in some seconds.";
  }
  setTimeout(look, 1000);
}

look();
