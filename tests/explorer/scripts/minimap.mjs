// Asks js/live/minimap.js about places of the strip; JSON on standard input and output.
import { readFileSync } from "node:fs";

const { module, width, steps, step_ms, server_ms, places } = JSON.parse(readFileSync(0, "utf8"));
const { Minimap } = await import(module);
const strip = new Minimap({ getContext: () => null });
globalThis.devicePixelRatio = 1;
strip.resize(width, 40);
strip.load(steps, step_ms, server_ms);
process.stdout.write(JSON.stringify({ said: places.map(x => [strip.isNow(x), strip.score(x)]) }) + "\n");
