// Numbers as explorer/amounts.py writes them, so that a page does not change its manners once it is live.
const THIN = "\u202f";
const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

export const grouped = value => String(typeof value === "bigint" ? value : Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, THIN);

export const scaled = (value, unit = "") => {
  let size = Math.abs(value), prefix = 0;
  while (size >= 999.5 && prefix < PREFIXES.length - 1) {
    size /= 1000;
    prefix++;
  }
  const digits = size >= 99.95 || (prefix === 0 && Number.isInteger(value)) ? 0 : size >= 9.995 ? 1 : 2;
  return `${value < 0 ? "-" : ""}${size.toFixed(digits)} ${PREFIXES[prefix]}${unit}`.trimEnd();
};

// exact decimal of an integer amount given as text or BigInt
export const decimal = (wei, digits = 18, most = 6) => {
  const value = BigInt(wei), one = 10n ** BigInt(digits);
  const fraction = String(value % one).padStart(digits, "0").replace(/0+$/, "");
  const kept = fraction.slice(0, most).replace(/0+$/, "");
  const cut = fraction.length > most;
  const tail = cut ? (kept || "0".repeat(most)) + "…" : kept;
  return grouped(Number(value / one)) + (tail ? `.${tail}` : "");
};

export const gwei = wei => decimal(wei, 9, 4);

export const shortened = (text, head = 10, tail = 8) =>
  text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;

export const spanText = seconds => {
  if (seconds < 10) return seconds >= 0.05 ? `${seconds.toFixed(1)} s` : "0 s";
  const whole = Math.floor(seconds);
  for (const [name, size, next, nextSize] of [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]]) {
    if (whole >= size) {
      const first = Math.floor(whole / size), second = Math.floor((whole % size) / nextSize);
      return second && first < 10 ? `${first} ${name} ${second} ${next}` : `${first} ${name}`;
    }
  }
  return `${whole} s`;
};

export const agoText = ms => (ms <= -1000 ? `in ${spanText(-ms / 1000)}` : `${spanText(Math.abs(ms) / 1000)} ago`);
