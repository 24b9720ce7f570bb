// Shapes and colours of a canvas: the same that glyphs have on the page.

import { token } from "../shell/theme.js";

const PATHS = {
  1: (context, r) => polygon(context, [[0, -1.2 * r], [1.2 * r, 0], [0, 1.2 * r], [-1.2 * r, 0]]),
  2: (context, r) => polygon(context, [[0, -1.1 * r], [1.1 * r, 0.9 * r], [-1.1 * r, 0.9 * r]]),
  3: (context, r) => context.rect(-0.9 * r, -0.9 * r, 1.8 * r, 1.8 * r),
  4: (context, r) => context.arc(0, 0, 0.95 * r, 0, 2 * Math.PI),
};
const GROWN = { 1: 1.25, 2: 1.1, 3: 1, 4: 1 }; // what is worse is larger
const HALO = 2; // px around a figure, so that it stands out from what lies beneath
const RING = 5; // px between a figure that waits to be judged and its ring

function polygon(context, corners) {
  corners.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

/** The colours in force: to be taken anew when the theme changes. */
export function palette() {
  const severities = {};
  for (const severity of [1, 2, 3, 4]) {
    severities[severity] = { fill: token(`--s${severity}`), edge: token(`--s${severity}-edge`) };
  }
  const [norm, stale, ground] = ["--norm", "--stale", "--surface"].map(token);
  const [text, accent, font] = ["--text", "--accent", "--font"].map(token);
  return { severities, norm, stale, ground, text, accent, font };
}

/**
 * Draw the figure of a severity.
 * @param options {x, y, severity, size, hollow, muted, ring}: `size` is half its width in px; `hollow`: its condition
 *   holds no longer; `muted`: shelved or in maintenance; `ring`: red that waits to be judged
 */
export function figure(context, colours, { x, y, severity, size, hollow, muted, ring }) {
  const r = size * GROWN[severity];
  const { fill, edge } = muted ? { fill: colours.norm, edge: colours.norm } : colours.severities[severity];
  const path = (radius) => {
    context.beginPath();
    PATHS[severity](context, radius);
  };
  context.save();
  context.translate(x, y);
  path(r + HALO);
  context.fillStyle = colours.ground;
  context.fill();
  path(r);
  context.fillStyle = hollow || muted ? colours.ground : fill;
  context.fill();
  context.lineWidth = hollow || muted ? 2 : 1.2;
  context.strokeStyle = edge;
  context.stroke();
  if (ring) {
    path(r + RING);
    context.lineWidth = 2;
    context.strokeStyle = fill;
    context.stroke();
  }
  context.restore();
  return r;
}
