// What is usual at an hour: the band in which the same hours of the last seven days lay, without their extremes.

const HOUR_MS = 3_600_000;
const DAYS = 7;
const LEAST_DAYS = 3; // of fewer nobody can say what is usual

/** How far before a window its usual hours begin, in ms. */
export const BEFORE_MS = DAYS * 24 * HOUR_MS;

/**
 * The band over a window.
 * @param hours hourly rollups [{time, low, high}], from `BEFORE_MS` before the window on
 * @param from, to the window in ms
 * @returns [[ms, low, high]] at the middle of each hour and at both ends; low and high are the 10th percentile of the
 *   hours' lowest readings and the 90th of their highest; [] where less than three days are known
 */
export function usual(hours, from, to) {
  const known = new Map(hours.filter(({ low }) => low != null).map((hour) => [Date.parse(hour.time), hour]));
  const band = [];
  for (let hour = Math.floor(from / HOUR_MS) * HOUR_MS; hour < to; hour += HOUR_MS) {
    const same = Array.from({ length: DAYS }, (_, day) => known.get(hour - (day + 1) * 24 * HOUR_MS)).filter(Boolean);
    if (same.length < LEAST_DAYS) continue;
    band.push([hour + HOUR_MS / 2, quantile(same.map(({ low }) => low), 0.1), quantile(same.map(({ high }) => high), 0.9)]);
  }
  if (!band.length) return band;
  const [, ...first] = band[0];
  const [, ...last] = band.at(-1);
  return [[from, ...first], ...band.filter(([time]) => time > from && time < to), [to, ...last]];
}

/** By linear interpolation between the two values around it. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}
