// The picture: lanes, edges, the selected chain, blocks. Everything of one style is one path, so that a thousand blocks
// cost a few calls.
const LANES = [null, { top: 0, share: 0.24 }, { top: 0.24, share: 0.34 }, { top: 0.58, share: 0.42 }];
const RADIUS = [8, 10, 6.5, 4];
const BIRTH_MS = 260;
const PULSE_MS = 700;
export const REORG_MS = 2600;
const TURN = Math.PI * 2;
const DENSE = 5; // pixels a score; below it blocks are dots and edges straight

const COLOURS = {
  card: "--card", line: "--line", strong: "--line-strong", text: "--text", quiet: "--quiet", accent: "--accent",
  red: "--red", a: "--stream-a", b: "--stream-b", c: "--stream-c",
};

export const readColours = element => {
  const probe = document.createElement("i");
  probe.hidden = true;
  element.append(probe);
  const found = {};
  for (const [name, property] of Object.entries(COLOURS)) {
    probe.style.color = `var(${property})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  found.streams = [found.accent, found.a, found.b, found.c];
  return found;
};

// vertical place of a block in pixels
export const yOf = (block, view) => {
  if (!block.stream) return view.height / 2;
  const lane = LANES[block.stream];
  const middle = (lane.top + lane.share / 2) * view.height;
  const room = lane.share * view.height / 2 - 10;
  const step = Math.min(RADIUS[block.stream] * 2.4, room / 4);
  return middle + Math.max(-room, Math.min(room, block.slot * step));
};

export const sizeOf = (block, view) => RADIUS[block.stream] * Math.max(0.3, Math.min(1, view.scale / 14));

const shape = (context, block, x, y, r) => {
  if (block.stream === 3) {
    context.rect(x - r, y - r, r * 2, r * 2);
  } else {
    context.moveTo(x + r, y);
    context.arc(x, y, r, 0, TURN);
  }
};

const edge = (context, x1, y1, x2, y2) => {
  context.moveTo(x1, y1);
  if (Math.abs(y1 - y2) < 1) {
    context.lineTo(x2, y2);
  } else {
    const bend = (x2 - x1) / 2;
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  }
};

// Strokes edges in portions: without a graphics card one path of thousands of them costs far more than many of a few.
class Pen {
  #count = 0;

  constructor(context, straight) {
    this.context = context;
    this.straight = straight;
    context.beginPath();
  }

  edge(x1, y1, x2, y2) {
    if (this.straight) {
      this.context.moveTo(x1, y1);
      this.context.lineTo(x2, y2);
    } else {
      edge(this.context, x1, y1, x2, y2);
    }
    if (++this.#count === 48) this.end();
  }

  end() {
    this.context.stroke();
    this.context.beginPath();
    this.#count = 0;
  }
}

export class Painter {
  colours = null;
  #canvas;
  #context;
  #ratio = 1;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: true });
    this.colours = readColours(canvas.parentElement);
  }

  resize(width, height) {
    this.#ratio = Math.min(2, devicePixelRatio || 1);
    this.#canvas.width = Math.round(width * this.#ratio);
    this.#canvas.height = Math.round(height * this.#ratio);
  }

  // state: { now, still, hover, lit (Set or null), chosen, pulse {id, since}, reorg {gone, come, since} }
  // true while something in the picture still moves
  paint(dag, view, state) {
    const context = this.#context, colours = this.colours;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    const [from, to] = dag.range(view.low - 40 / view.scale, view.high + 40 / view.scale);
    const seen = dag.sorted;
    // ---- edges ----
    const dense = view.scale < DENSE;
    context.lineWidth = 1;
    context.strokeStyle = colours.strong;
    context.globalAlpha = dense ? 0.45 : 0.75;
    const pen = new Pen(context, dense);
    const chain = [];
    for (let at = from; at < to; at++) {
      const block = seen[at], x = view.x(block.score), y = yOf(block, view);
      for (const id of block.parents) {
        const parent = dag.blocks.get(id);
        if (!parent) continue;
        if (block.number !== null && id === block.selectedParent) {
          chain.push(x, y, view.x(parent.score), yOf(parent, view));
          continue;
        }
        // consecutive blocks of one lane are joined by their places already when they are this close
        if (dense && parent.stream === block.stream && parent.slot === block.slot) continue;
        pen.edge(x, y, view.x(parent.score), yOf(parent, view));
      }
    }
    pen.end();
    // ---- the selected chain ----
    context.globalAlpha = 1;
    context.lineWidth = dense ? 1.5 : 2.25;
    context.strokeStyle = colours.accent;
    for (let at = 0; at < chain.length; at += 4) pen.edge(chain[at], chain[at + 1], chain[at + 2], chain[at + 3]);
    pen.end();
    // ---- blocks, and over them what a reorganisation did ----
    let moving = this.#blocks(context, seen, from, to, view, state);
    moving = this.#reorg(context, dag, view, state) || moving;
    moving = this.#marks(context, dag, view, state) || moving;
    return moving;
  }

  #blocks(context, seen, from, to, view, state) {
    const { card, red, streams, accent } = this.colours;
    const filled = [[], [], [], []], waiting = [[], [], [], []], reds = [], young = [];
    for (let at = from; at < to; at++) {
      const block = seen[at];
      if (block.born && !state.still && state.now - block.born < BIRTH_MS) young.push(block);
      else if (block.blue === false) reds.push(block);
      else (block.blue === null ? waiting : filled)[block.stream].push(block);
    }
    const all = (list, grow = 0) => {
      context.beginPath();
      for (const block of list) {
        shape(context, block, view.x(block.score), yOf(block, view), sizeOf(block, view) + grow);
      }
    };
    const dim = state.lit ? 0.28 : 1;
    if (view.scale < DENSE) {
      this.#dots(context, view, filled, waiting, reds, dim);
      context.globalAlpha = 1;
      return this.#young(context, view, state, young, dim);
    }
    const raised = view.scale > 9;
    for (let stream = 0; stream < 4; stream++) {
      const list = filled[stream];
      if (list.length) {
        if (raised) {
          // those of the chain stand a little above the rest: a gap, then a rim
          const chain = list.filter(block => block.number !== null);
          context.globalAlpha = 1;
          context.fillStyle = card;
          all(chain, 3.5);
          context.fill();
          context.globalAlpha = 0.55 * dim;
          context.strokeStyle = stream ? streams[stream] : accent;
          context.lineWidth = 1.25;
          all(chain, 3);
          context.stroke();
        }
        context.globalAlpha = dim;
        context.fillStyle = streams[stream];
        all(list);
        context.fill();
      }
      if (waiting[stream].length) {
        context.globalAlpha = 1;
        context.fillStyle = card;
        all(waiting[stream]);
        context.fill();
        context.globalAlpha = 0.5 * dim;
        context.fillStyle = streams[stream];
        context.fill();
      }
    }
    if (reds.length) {
      context.globalAlpha = 1;
      context.fillStyle = card;
      all(reds);
      context.fill();
      context.globalAlpha = dim;
      context.strokeStyle = red;
      context.lineWidth = view.scale < DENSE ? 1 : 2;
      all(reds, view.scale < DENSE ? 0 : -1);
      context.stroke();
    }
    return this.#young(context, view, state, young, dim);
  }

  // so small that a circle is a square
  #dots(context, view, filled, waiting, reds, dim) {
    const dot = (block, r) => context.fillRect(view.x(block.score) - r, yOf(block, view) - r, r * 2, r * 2);
    for (const [lists, alpha] of [[waiting, 0.5], [filled, 1]]) {
      context.globalAlpha = dim * alpha;
      lists.forEach((list, stream) => {
        context.fillStyle = this.colours.streams[stream];
        for (const block of list) dot(block, sizeOf(block, view));
      });
    }
    context.globalAlpha = dim;
    context.fillStyle = this.colours.red;
    for (const block of reds) dot(block, sizeOf(block, view) + 0.6);
    context.fillStyle = this.colours.card;
    for (const block of reds) dot(block, sizeOf(block, view) - 0.6);
  }

  #young(context, view, state, young, dim) {
    const { red, streams } = this.colours;
    for (const block of young) {
      const grown = Math.min(1, (state.now - block.born) / BIRTH_MS);
      const r = sizeOf(block, view) * (1 - (1 - grown) ** 3);
      context.globalAlpha = dim * (0.3 + 0.7 * grown);
      context.beginPath();
      shape(context, block, view.x(block.score), yOf(block, view), r);
      if (block.blue === false) {
        context.strokeStyle = red;
        context.lineWidth = 2;
        context.stroke();
      } else {
        context.fillStyle = streams[block.stream];
        context.fill();
      }
    }
    context.globalAlpha = 1;
    return young.length > 0;
  }

  #marks(context, dag, view, state) {
    const { accent, red, text, streams } = this.colours;
    let moving = false;
    if (state.lit) {
      for (const id of state.lit) {
        const block = dag.blocks.get(id);
        if (!block) continue;
        context.beginPath();
        shape(context, block, view.x(block.score), yOf(block, view), sizeOf(block, view));
        if (block.blue === false) {
          context.strokeStyle = red;
          context.lineWidth = 2.5;
          context.stroke();
        } else {
          context.fillStyle = streams[block.stream];
          context.fill();
        }
      }
    }
    for (const [id, width] of [[state.chosen, 2.5], [state.hover, 1.5]]) {
      const block = id === null ? null : dag.blocks.get(id);
      if (!block) continue;
      context.strokeStyle = text;
      context.lineWidth = width;
      context.beginPath();
      shape(context, block, view.x(block.score), yOf(block, view), sizeOf(block, view) + 5.5);
      context.stroke();
    }
    const sink = state.pulse && dag.blocks.get(state.pulse.id);
    if (sink) {
      const x = view.x(sink.score), y = yOf(sink, view), r = sizeOf(sink, view);
      const age = state.still ? 1 : Math.min(1, (state.now - state.pulse.since) / PULSE_MS);
      context.strokeStyle = accent;
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x, y, r + 6, 0, TURN);
      context.stroke();
      if (age < 1) {
        moving = true;
        context.globalAlpha = (1 - age) ** 2;
        context.lineWidth = 3;
        context.beginPath();
        context.arc(x, y, r + 6 + 26 * (1 - (1 - age) ** 2), 0, TURN);
        context.stroke();
        context.globalAlpha = 1;
      }
    }
    return moving;
  }

  // the old path fades, the new one is drawn over it from the fork on; without motion the old one stays for a while
  #reorg(context, dag, view, state) {
    const reorg = state.reorg;
    if (!reorg) return false;
    const age = (state.now - reorg.since) / REORG_MS;
    if (age >= 1) return false;
    const segments = list => {
      context.beginPath();
      for (const id of list) {
        const block = dag.blocks.get(id), parent = block && dag.blocks.get(block.selectedParent);
        if (parent) edge(context, view.x(parent.score), yOf(parent, view), view.x(block.score), yOf(block, view));
      }
    };
    context.lineWidth = 3;
    context.strokeStyle = this.colours.red;
    context.globalAlpha = state.still ? 0.8 : (1 - age) ** 1.5;
    context.setLineDash([6, 5]);
    segments(reorg.gone);
    context.stroke();
    context.setLineDash([]);
    context.strokeStyle = this.colours.accent;
    context.globalAlpha = state.still ? 1 : Math.min(1, (1 - age) * 2);
    context.lineWidth = 4;
    segments(reorg.come.slice(0, state.still ? undefined : Math.ceil(reorg.come.length * Math.min(1, age * 3))));
    context.stroke();
    context.globalAlpha = 1;
    return true;
  }
}

// the block under a point, nearest first; null where there is none
export const blockAt = (dag, view, x, y) => {
  const reach = Math.max(14, 8 / view.scale);
  const [from, to] = dag.range(view.score(x - reach), view.score(x + reach));
  let best = null, least = Infinity;
  for (let at = from; at < to; at++) {
    const block = dag.sorted[at];
    const distance = Math.hypot(view.x(block.score) - x, yOf(block, view) - y) - sizeOf(block, view);
    if (distance < least) [best, least] = [block, distance];
  }
  return least <= 8 ? best : null;
};
