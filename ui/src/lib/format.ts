/** Formats numbers, sizes and times. Units are decimal, as registries and disks use them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(n: number): string {
  return whole.format(n);
}

/** `3 pictures`, `1 picture`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function scaled(n: number, units: readonly string[]): string {
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`.trim();
}

export function bytes(n: number): string {
  return scaled(n, ["B", "kB", "MB", "GB", "TB"]);
}

/** `5.8 of 9.3 MB`; a shared unit is written once. */
export function bytesOf(done: number, total: number): string {
  const right = bytes(total);
  const left = bytes(done);
  const unit = right.split(" ")[1];
  return left.endsWith(` ${unit}`) ? `${left.split(" ")[0]} of ${right}` : `${left} of ${right}`;
}

/** A count in compact notation: `4.7 M`. */
export function compact(n: number): string {
  return scaled(n, ["", "K", "M", "B"]);
}

export function byteRate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/**
 * A score: a percentage after softmax or sigmoid, else a plain number. Where scores are rounded to
 * decimal digits, it has those and no more.
 */
export function score(value: number, isShare: boolean, digits?: number | null): string {
  if (digits == null) return isShare ? percent(value) : value.toPrecision(4);
  return isShare ? percent(value, Math.max(0, digits - 2)) : value.toFixed(digits);
}

export function milliseconds(ms: number): string {
  return ms >= 99.5 ? ms.toFixed(0) : ms >= 0.95 ? ms.toFixed(1) : ms.toFixed(2);
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
}

/** A digest shortened in the middle: `sha256:8f21a0…c04e`. */
export function shortDigest(text: string): string {
  const [algorithm, hex] = text.split(":");
  return hex && hex.length > 14 ? `${algorithm}:${hex.slice(0, 6)}…${hex.slice(-4)}` : text;
}

/** `today 14:03` or `21 Nov 2026`, in the local time zone. */
export function relativeDate(rfc3339: string, now = new Date()): string {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.getTime())) return rfc3339;
  if (at.toDateString() === now.toDateString()) {
    return `today ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
  }
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}
