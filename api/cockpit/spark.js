// The line of 24 hours.

import { h } from "./dom.js";

const WIDTH = 100, HEIGHT = 40, MARGIN = 4;

/** A line through `values`, null where there is a gap; the last point is marked where there is one. */
export function spark(values, label) {
  const known = values.filter((value) => value != null);
  const low = Math.min(...known), range = Math.max(...known) - low || 1;
  const x = (i) => MARGIN + (i / (values.length - 1)) * (WIDTH - 2 * MARGIN);
  const y = (value) => HEIGHT - MARGIN - ((value - low) / range) * (HEIGHT - 2 * MARGIN);
  const at = (i) => `${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
  let line = "";
  values.forEach((value, i) => {
    // A lone hour is a line of no length, which its round cap makes a dot.
    if (value != null) line += values[i - 1] == null ? `M${at(i)}L${at(i)}` : `L${at(i)}`;
  });
  const last = values.length - 1;
  return h("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    line && h("path", { d: line }),
    values[last] != null && h("path", { class: "end", d: `M${at(last)}L${at(last)}` }));
}
