// Tells js/live/forks.js messages, and asks it what has been undone since; JSON on standard input and output.
import { readFileSync } from "node:fs";

const { module, steps } = JSON.parse(readFileSync(0, "utf8"));
const { Forks, notice } = await import(module);
const forks = new Forks(), said = [];
for (const step of steps) {
  if (step.hear) forks.hear(step.hear);
  // JSON knows no Infinity
  else if ("since" in step) said.push(Number.isFinite(forks.since(step.since)) ? forks.since(step.since) : null);
  else said.push(notice(...step.notice));
}
process.stdout.write(JSON.stringify({ said }) + "\n");
