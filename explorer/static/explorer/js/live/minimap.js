// The last hour in one strip: how many blocks of each stream, red ticks above, a frame around what the picture shows.
const TURNED_UP = 4; // a step with so many times the mean fills the strip

export class Minimap {
  colours = null;
  steps = new Map(); // step → {blocks, reds, low, high}
  stepMs = 15000;
  #canvas;
  #context;
  #ratio = 1;
  width = 1;
  height = 1;
  last = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  resize(width, height) {
    this.#ratio = Math.min(2, devicePixelRatio || 1);
    [this.width, this.height] = [width, height];
    this.#canvas.width = Math.round(width * this.#ratio);
    this.#canvas.height = Math.round(height * this.#ratio);
  }

  load(steps, stepMs, serverMs) {
    this.steps.clear();
    this.stepMs = stepMs;
    for (const step of steps) this.see(step);
    this.last = Math.floor(serverMs / stepMs);
  }

  see(step) {
    this.steps.set(step.step, step);
    this.last = Math.max(this.last, step.step);
    this.steps.delete(this.last - this.count);
  }

  get count() {
    return Math.round(3600000 / this.stepMs);
  }

  // horizontal place of a blue score, null before the hour
  x(score) {
    let best = null;
    for (const step of this.steps.values()) {
      if (step.low <= score && (!best || step.step > best.step)) best = step;
    }
    if (!best) return null;
    const part = Math.min(1, Math.max(0, (score - best.low) / Math.max(1, best.high - best.low)));
    return (best.step - (this.last - this.count) + part - 1) / this.count * this.width;
  }

  // blue score at a horizontal place
  score(x) {
    const at = this.last - this.count + 1 + Math.max(0, Math.min(0.9999, x / this.width)) * this.count;
    const step = Math.floor(at);
    for (let away = 0; away < this.count; away++) {
      const found = this.steps.get(step - away) ?? this.steps.get(step + away);
      if (found?.high) return found.low + (found.high - found.low) * (found.step === step ? at - step : 0.5);
    }
    return 0;
  }

  // whether a place is the strip's end, which is now however far the newest step reaches: as wide as a step, or a hand
  isNow(x) {
    return x >= this.width - Math.max(4, this.width / this.count);
  }

  paint(low, high) {
    const context = this.#context, { line, quiet, red, text, streams } = this.colours;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const wide = this.width / this.count, base = this.height - 1, room = this.height - 8;
    let sum = 0, most = 1;
    for (const step of this.steps.values()) {
      const blocks = step.blocks[0] + step.blocks[1] + step.blocks[2];
      sum += blocks;
      most = Math.max(most, blocks);
    }
    const full = Math.min(most, Math.max(20, sum / Math.max(1, this.steps.size) * TURNED_UP));
    context.fillStyle = line;
    context.fillRect(0, base, this.width, 1);
    for (const stream of [3, 2, 1]) {
      context.fillStyle = streams[stream];
      for (const step of this.steps.values()) {
        // stacked: A at the foot
        let under = 0;
        for (let other = 1; other < stream; other++) under += step.blocks[other - 1];
        const top = Math.min(full, under + step.blocks[stream - 1]) / full * room, foot = Math.min(full, under) / full * room;
        if (top > foot) context.fillRect(this.#left(step, wide), base - top, Math.max(1, wide - 0.5), top - foot);
      }
    }
    context.fillStyle = red;
    for (const step of this.steps.values()) {
      if (step.reds) context.fillRect(this.#left(step, wide), 1, Math.max(2, wide - 0.5), 3);
    }
    const left = this.x(low) ?? 0, right = this.x(high) ?? 0;
    context.strokeStyle = text;
    context.lineWidth = 1.5;
    context.strokeRect(Math.max(1, left), 1, Math.max(4, Math.min(this.width - 1, right) - Math.max(1, left)), this.height - 2);
    context.fillStyle = quiet;
  }

  #left(step, wide) {
    return (step.step - (this.last - this.count + 1)) * wide;
  }
}
