// What a reading's time means: an instant, or, of a mean or a sum, the span that it is about.

import { now } from "../core/clock.js";
import { hm, md, ms, short, span } from "../core/format.js";
import { say } from "../core/words.js";

const HOUR_S = 3600;
const DAY_S = 86_400;
/**
 * Whether a reading is too old: two of its intervals have passed. What is computed has the time at which its span begins,
 * and comes when that, or the hour that holds several, is over.
 */
export function isStale(time, { interval_s: interval, derived }) {
  if (!interval) return false;
  const longest = derived ? Math.max(3 * interval, HOUR_S + 2 * interval) : 2 * interval;
  return now() - ms(time) > 1000 * longest;
}

/** Whether a reading's time is the start of an hour or a day that it is about. */
const isSpan = ({ interval_s: interval, derived }) => derived && interval >= HOUR_S;

/** How old a reading is: 12 分前; of what is computed of an hour or a day, which one: 21:00–22:00, 11-21. */
export function about(time, of) {
  if (!isSpan(of)) return say("ago", { age: span(now() - ms(time)) });
  if (of.interval_s >= DAY_S) return say("span.of_day", { day: md(time) });
  const hours = `${short(time, now())}–${hm(ms(time) + 1000 * of.interval_s)}`;
  return say("span.of_hour", { hours });
}
