// Follows the shown log over the operator's socket; lines are text, never markup.
import { onMessage, onOpen, send } from "./live.js";

const list = document.querySelector("[data-log]");
const button = document.querySelector("[data-log-follow]");
const MOST = 2000;
let following = false;

function ask() {
  if (following) send({ type: "follow", log: list.dataset.log, level: list.dataset.level, text: list.dataset.text });
}

if (list && button) {
  list.scrollTop = list.scrollHeight;
  button.addEventListener("click", () => {
    following = !following;
    button.setAttribute("aria-pressed", String(following));
    button.classList.toggle("on", following);
    button.textContent = following ? "Following" : "Follow";
    if (following) { ask(); list.scrollTop = list.scrollHeight; } else send({ type: "unfollow" });
  });
  // a socket that was away follows again
  onOpen(ask);
  onMessage("log", (message) => {
    if (!following || message.log !== list.dataset.log) return;
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 24;
    for (const [level, text] of message.lines) {
      const line = document.createElement("li");
      line.dataset.level = level;
      line.textContent = text;
      list.append(line);
    }
    while (list.childElementCount > MOST) list.firstElementChild.remove();
    document.querySelector("[data-log-empty]")?.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  });
}

document.querySelector("[data-log-form]")?.addEventListener("change", (event) => {
  if (event.target.matches("select")) event.currentTarget.requestSubmit();
});
