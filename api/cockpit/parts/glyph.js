// Severity is always shape, word and colour; icons of domains and buttons are lines.

import { html, svg } from "../core/lit.js";
import { say } from "../core/words.js";

const SHAPES = {
  1: svg`<polygon points="7,.3 13.7,7 7,13.7 .3,7"/>`,
  2: svg`<polygon points="7,.8 13.6,12.8 .4,12.8"/>`,
  3: svg`<rect x="1.4" y="1.4" width="11.2" height="11.2"/>`,
  4: svg`<circle cx="7" cy="7" r="5.7"/>`,
};

const LINES = {
  water: "M12 3c3.5 4.2 6 7.3 6 10.5a6 6 0 0 1-12 0C6 10.3 8.5 7.2 12 3z",
  heating: "M5 20V9a3 3 0 0 1 6 0v8a3 3 0 0 0 6 0V4M3 20h4M15 4h4",
  air: "M3 9h11a3 3 0 1 0-3-3M3 13h15a3 3 0 1 1-3 3M3 17h7",
  sentinel: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 4v5M12 15v5M4 12h5M15 12h5",
  other: "M4 12h16M12 4v16M6 6l12 12M18 6L6 18",
  sound: "M5 10v4h3l4 4V6L8 10zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  silent: "M5 10v4h3l4 4V6L8 10zM16 9l5 6M21 9l-5 6",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  wall: "M3 5h18v11H3zM8 20h8M12 16v4",
  leave: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
  paused: "M8 5v14M16 5v14",
  works: "M14 6a4 4 0 0 0-5 5L4 16l4 4 5-5a4 4 0 0 0 5-5l-3 3-3-1-1-3z",
};

/** A severity; `hollow`: its condition holds no longer; `pulse`: it waits to be judged and is red. */
export const glyph = (severity, { hollow = false, pulse = false } = {}) =>
  html`<svg class="g g${severity} ${hollow ? "hollow" : ""} ${pulse ? "pulse" : ""}" viewBox="0 0 14 14" role="img" aria-label="${say(`severity.${severity}`)}">${SHAPES[severity]}</svg>`;

/** That of an alert as it stands. */
export const glyphOf = (alert) => glyph(alert.severity, { hollow: !alert.raised, pulse: alert.severity === 1 && alert.handling === "new" });

/** A line icon; a domain without one of its own has the common one. */
export const icon = (name) =>
  html`<svg class="ic" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${LINES[name] ?? LINES.other}"/></svg>`;
