// Before the first paint, so that a page never flashes in the wrong colours. A classic script for that reason.
"use strict";
(() => {
  let chosen = "system";
  try {
    chosen = localStorage.getItem("mds-theme") || "system";
  } catch {
    // storage is off: the system decides
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
