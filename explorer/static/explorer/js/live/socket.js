// The line to /ws/live: a snapshot, then deltas that follow each other by number. A gap heals itself, a lost line
// comes back, and a page that slept asks only for what it missed.
const BACKOFF_MS = [300, 1000, 2000, 4000, 8000, 15000];
const VERSION = 1;
// figures come every second: a longer silence means that nobody is there any more; by the clock of the wall, which goes
// on while a laptop sleeps
const SILENT_MS = 8000;
const ACK_EVERY = 32;
const HEALING_MS = 3000;

export class LiveSocket {
  #socket = null;
  #feed = "";
  #seq = -1;
  #attempt = 0;
  #timer = 0;
  #heard = 0;
  #acknowledged = 0;
  #healingSince = 0;
  #on;
  #resting = false;
  #old = false;

  // handlers: message(object), state("connecting" | "live" | "away" | "old", ms until the next attempt)
  constructor(path, handlers) {
    this.path = path;
    this.#on = handlers;
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
    addEventListener("online", () => this.#wake());
    addEventListener("pageshow", event => event.persisted && this.#wake());
    setInterval(() => this.#watch(), 2000);
    this.#connect();
  }

  get feed() {
    return this.#feed;
  }

  get seq() {
    return this.#seq;
  }

  // forget what is known: the next line begins with a snapshot
  restart() {
    this.#seq = -1;
    this.#connect();
  }

  // the node speaks another language than this page: only another page helps
  #end() {
    this.#old = true;
    this.rest();
    this.#on.state("old", 0);
  }

  // close the line for as long as nobody looks; what was missed is told when it wakes
  rest() {
    this.#resting = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  wake() {
    this.#resting = false;
    this.#wake();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#on.state("connecting", 0);
    const known = this.#seq >= 0 ? `${this.path.includes("?") ? "&" : "?"}feed=${this.#feed}&seq=${this.#seq}` : "";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}${known}`);
    this.#socket = socket;
    this.#heard = Date.now();
    this.#healingSince = 0;
    socket.onopen = () => {
      this.#heard = Date.now();
      // what is missed may be nothing at all
      if (this.#seq >= 0) this.#on.state("live", 0);
    };
    socket.onmessage = event => this.#receive(JSON.parse(event.data));
    socket.onclose = () => socket === this.#socket && this.#later();
  }

  #receive(message) {
    this.#heard = Date.now();
    if (message.v !== VERSION) return this.#end();
    if (message.type === "snapshot") {
      this.#feed = message.feed;
      this.#seq = this.#acknowledged = message.seq;
    } else if (message.seq === undefined) {
      // for this page alone, outside of the numbers
      return this.#on.message(message);
    } else {
      if (message.feed !== this.#feed || message.seq <= this.#seq) return;
      if (message.seq !== this.#seq + 1) return this.#heal();
      this.#seq = message.seq;
    }
    this.#attempt = 0;
    this.#healingSince = 0;
    this.#on.state("live", 0);
    this.#on.message(message);
    if (this.#seq - this.#acknowledged >= ACK_EVERY) this.#say("ack");
  }

  #heal() {
    const now = performance.now();
    if (this.#healingSince && now - this.#healingSince < HEALING_MS) return;
    this.#healingSince = now;
    this.#say("resume");
  }

  #say(type) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type, seq: this.#seq }));
    this.#acknowledged = this.#seq;
  }

  #later() {
    this.#drop();
    const wait = BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)] * (0.75 + Math.random() / 2);
    this.#on.state("away", wait);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #wake() {
    if (this.#resting || this.#old) return;
    this.#attempt = 0;
    if (!this.#socket || Date.now() - this.#heard > SILENT_MS / 2) this.#connect();
  }

  #watch() {
    if (!document.hidden && this.#socket && Date.now() - this.#heard > SILENT_MS) this.#later();
  }
}
