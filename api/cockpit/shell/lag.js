// How long it takes until what happens to an alert is on the screen: from its commit, as the event says, to the paint.

import { now } from "../core/clock.js";
import { on } from "../core/store.js";
import { quantile } from "../parts/usual.js";

const MOST = 200; // newest events that are counted
const MISSED_MS = 30_000; // older events were missed while the connection was lost, which the frame says

const begun = new Map(); // when the newest event of an alert was committed, in ms, until it is painted
const lags = []; // in ms, the newest last

/** The lag in ms that 95 of 100 events stay below; null: none was heard yet. */
export const lag = () => (lags.length ? quantile(lags, 0.95) : null);

function painted(id) {
  const length = now() - begun.get(id);
  begun.delete(id);
  if (length > MISSED_MS) return;
  lags.push(Math.max(0, length));
  if (lags.length > MOST) lags.shift();
}

/** Drawing waits for the next frame: right after that it is painted. */
const afterPaint = (then) => requestAnimationFrame(() => setTimeout(then));

// A page that nobody sees is not painted.
on("happened", ({ at, alert }) => document.hidden || begun.set(alert.id, Date.parse(at)));
on("alert", ({ id }) => begun.has(id) && afterPaint(() => begun.has(id) && painted(id)));
on("alerts", () => afterPaint(() => [...begun.keys()].forEach(painted)));
