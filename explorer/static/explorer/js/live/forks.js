// How far the chain was undone since a page was written, by what the light line tells of reorganisations. Pure.
const KEPT = 256;

export class Forks {
  #since = 0;
  #forks = [];

  // a snapshot tells all that the node remembers, each message after it what is new
  hear({ type, forks_since, forks }) {
    if (type === "snapshot") [this.#since, this.#forks] = [forks_since, [...forks]];
    else this.#forks.push(...forks);
    for (const [count] of this.#forks.splice(0, Math.max(0, this.#forks.length - KEPT))) this.#since = count;
  }

  // Of one who has seen so many reorganisations: the number above which blocks have left the chain since. Infinity:
  // none has; -1: it was so long ago that nobody remembers.
  since(reorgs) {
    if (reorgs < this.#since) return -1;
    return Math.min(Infinity, ...this.#forks.filter(([count]) => count > reorgs).map(([, fork]) => fork));
  }
}

// What the notice of a list says: how many things are new, and whether some of what it lists was undone.
export const notice = (count, name, isUndone, grouped = String) => {
  const told = `${grouped(count)} new ${name}${count === 1 ? "" : "s"}`;
  if (!isUndone) return told;
  return count ? `${told} · reorganised` : "Reorganised";
};
