// The page that stands in while the node is away: asks whether it is back, and then for what was wanted.
"use strict";
(() => {
  // a pause before the first question too: where this page comes again and again, it does not do so at once
  const FIRST_MS = 2000, GROWTH = 1.5, LONGEST_MS = 30000, ANSWER_MS = 5000;
  const NOTHING = "No answer yet.";
  const told = document.querySelector("[data-away]");
  const button = document.querySelector("[data-again]");
  let timer = 0, wait = FIRST_MS;
  const later = () => {
    clearTimeout(timer);
    // nobody looks at a hidden tab
    if (!document.hidden) timer = setTimeout(look, wait);
  };
  const look = async () => {
    clearTimeout(timer);
    try {
      // whoever answers for the node is not a proxy that has nobody behind it
      const answer = await fetch(told.dataset.health, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.ok) {
        told.textContent = "It is back.";
        return location.pathname === told.dataset.own ? location.replace("/") : location.reload();
      }
    } catch {
      // still away
    }
    // said once, not with every try
    if (told.textContent !== NOTHING) told.textContent = NOTHING;
    wait = Math.min(wait * GROWTH, LONGEST_MS);
    later();
  };
  button.addEventListener("click", () => {
    told.textContent = "Trying.";
    look();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  later();
})();
