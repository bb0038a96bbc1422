// Where the picture looks: a blue score at its middle and pixels a score. It follows the newest block until somebody
// travels, and comes back when told.
const MOST_SCORES = 2000; // in one view
const SMOOTH_MS = 160;
const LEAD_PX = 84; // room on the right of the newest block, for its pulse and what comes

export class View {
  center = 0;
  scale = 20;
  width = 1;
  height = 1;
  following = true;
  newest = 0;
  inset = 0; // pixels on the right that something else covers
  #aim = null;

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.scale = Math.max(this.scale, this.leastScale);
  }

  get leastScale() {
    return this.width / MOST_SCORES;
  }

  get low() {
    return this.center - this.width / 2 / this.scale;
  }

  get high() {
    return this.center + this.width / 2 / this.scale;
  }

  x(score) {
    return (score - this.center) * this.scale + this.width / 2;
  }

  score(x) {
    return this.center + (x - this.width / 2) / this.scale;
  }

  // the middle that shows the newest block at its place
  get livePlace() {
    return this.newest - (this.width / 2 - LEAD_PX - this.inset) / this.scale;
  }

  zoom(factor, x) {
    const still = this.following ? this.newest : this.score(x);
    const at = this.following ? this.width - LEAD_PX - this.inset : x;
    this.scale = Math.min(90, Math.max(this.leastScale, this.scale * factor));
    this.center = still - (at - this.width / 2) / this.scale;
    this.#aim = null;
  }

  pan(pixels) {
    this.following = false;
    this.#aim = null;
    this.center = this.#within(this.center + pixels / this.scale);
    // pulled back to the newest block: that is being live again
    if (this.center >= this.livePlace) this.live();
  }

  travel(score) {
    this.following = false;
    this.#aim = this.#within(score);
  }

  // let a score be seen beside what covers the right
  reveal(score) {
    // where it will stand once the view has come to rest
    const rest = this.following ? this.livePlace : this.#aim ?? this.center;
    const x = (score - rest) * this.scale + this.width / 2, room = this.width - this.inset;
    if (x < 24 || x > room - 24) this.travel(score + this.inset / 2 / this.scale);
  }

  live() {
    this.following = true;
    this.#aim = null;
  }

  jump() {
    this.center = this.livePlace;
  }

  // one step towards where it should be; true while it is not there yet
  step(ms, still) {
    const aim = this.following ? this.livePlace : this.#aim;
    if (aim === null) return false;
    const rest = aim - this.center;
    // far away, gliding would only blur
    if (still || Math.abs(rest) * this.scale < 0.5 || Math.abs(rest) * this.scale > this.width * 4) {
      this.center = aim;
      this.#aim = null;
      return false;
    }
    this.center += rest * (1 - Math.exp(-ms / SMOOTH_MS));
    return true;
  }

  #within(score) {
    return Math.min(this.livePlace, Math.max(Math.min(0, this.livePlace), score));
  }
}
