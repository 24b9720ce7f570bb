// What would lie on each other on a map: badges are pushed apart, figures become one with a count. Pure.

import { CLEARED, SILENCED } from "./states.js";

const APART = 6; // px between two boxes
const ROUNDS = 200; // at most; a dozen boxes lie apart after ten or so

/**
 * Push boxes apart until none lies on another, within a frame.
 * @param boxes {x, y: its middle, width, height}, in px; moved in place
 * @param frame {left, top, right, bottom}
 */
export function spread(boxes, frame) {
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    boxes.forEach((a, index) => {
      for (const b of boxes.slice(index + 1)) moved = push(a, b) || moved;
      a.x = clamp(a.x, frame.left + a.width / 2, frame.right - a.width / 2);
      a.y = clamp(a.y, frame.top + a.height / 2, frame.bottom - a.height / 2);
    });
    if (!moved) return;
  }
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Move two boxes away from each other, along the axis on which they overlap least; whether they did. */
function push(a, b) {
  const x = (a.width + b.width) / 2 + APART - Math.abs(a.x - b.x);
  const y = (a.height + b.height) / 2 + APART - Math.abs(a.y - b.y);
  if (x <= 0 || y <= 0) return false;
  const [axis, by] = x < y ? ["x", x] : ["y", y];
  const way = a[axis] < b[axis] ? -by / 2 : by / 2;
  a[axis] += way;
  b[axis] -= way;
  return true;
}

/** Figures at least a cell apart, worst first: each stands for those around it that are no worse, and counts them. */
export function gather(found, cell) {
  const rank = ({ state, severity }) => (state & SILENCED ? 10 : 0) + severity + (state & CLEARED ? 0.5 : 0);
  const kept = [];
  for (const one of [...found].sort((a, b) => rank(a) - rank(b))) {
    const near = kept.find((other) => Math.abs(other.x - one.x) < cell && Math.abs(other.y - one.y) < cell);
    if (near) near.count++;
    else kept.push(one);
  }
  return kept;
}
