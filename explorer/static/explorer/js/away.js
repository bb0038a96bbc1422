// The page that stands in while the node is away: asks whether it is back, and then for what was wanted.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const told = document.querySelector("[data-away]");
  const button = document.querySelector("[data-again]");
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    try {
      // whoever answers for the node is not a proxy that has nobody behind it
      const answer = await fetch(told.dataset.health, { cache: "no-store" });
      if (answer.ok) {
        told.textContent = "It is back.";
        return location.pathname === told.dataset.own ? location.replace("/") : location.reload();
      }
    } catch {
      // still away
    }
    timer = setTimeout(look, EVERY_MS);
  };
  button.addEventListener("click", () => {
    told.textContent = "Trying.";
    look();
  });
  look();
})();
