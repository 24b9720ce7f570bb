// Small charts in SVG, without a library: a line over its normal band, and the bullet of a plan's indicator.

import { html, nothing, svg } from "../core/lit.js";
import { say } from "../core/words.js";

const MARGIN = 0.08; // of the height, above and below

/**
 * A line of equally spaced values (null: none there) over a band.
 * @param bands for each value [low, high] of what is normal then, or null: not known
 * @param alarm severity of the worst open alert, which colours the last point where it leaves the band
 */
export function spark(values, { bands = [], alarm = null, width = 118, height = 60, label = "" } = {}) {
  const known = values.filter((value) => value != null);
  if (!known.length) return nothing;
  const edges = bands.flatMap((band) => band ?? []);
  const low = Math.min(...known, ...edges);
  const high = Math.max(...known, ...edges);
  const y = (value) => height - (MARGIN + ((value - low) / (high - low || 1)) * (1 - 2 * MARGIN)) * height;
  const x = (index) => (index / Math.max(1, values.length - 1)) * width;
  let path = "";
  values.forEach((value, index) => {
    if (value != null) path += `${index && values[index - 1] != null ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  const last = values.findLastIndex((value) => value != null);
  const now = bands[last];
  const outside = now && (values[last] > now[1] || values[last] < now[0]);
  const point = `left:${((x(last) / width) * 100).toFixed(2)}%;top:${((y(values[last]) / height) * 100).toFixed(2)}%`;
  const step = width / Math.max(1, values.length - 1);
  const hour = (band, at) => (band ? svg`<rect x="${x(at) - step / 2}" y="${y(band[1])}" width="${step}" height="${Math.max(1, y(band[0]) - y(band[1]))}"/>` : nothing);
  return html`<span class="spark"><svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">
    <g class="band">${bands.map(hour)}</g>
    <path class="line" d="${path}" vector-effect="non-scaling-stroke"/></svg><i class="last ${outside && alarm ? `a${alarm}` : ""}" .style=${point}></i></span>`;
}

/**
 * The bullet of an indicator: bar = actual, tick = today's path, diamond = target, grey zone = meets the target.
 * @param state on_course, at_risk, off_course or unknown
 * @param better "low" or "high": on which side of the target the good values are
 */
export function bullet({ actual, path, target, low, high, better, state, label }) {
  const at = (value) => Math.max(0, Math.min(100, ((value - low) / (high - low || 1)) * 100));
  const zone = target == null ? null : better === "low" ? [0, at(target)] : [at(target), 100];
  return html`<svg class="bullet ${state}" role="img" aria-label="${label}">
    <rect class="ground" x="0" y="15%" width="100%" height="70%"/>
    ${zone ? svg`<rect class="zone" x="${zone[0]}%" y="15%" width="${zone[1] - zone[0]}%" height="70%"/>` : nothing}
    ${actual != null ? svg`<rect class="bar" x="0" y="36%" width="${at(actual)}%" height="28%"/>` : nothing}
    ${path != null ? svg`<line class="path" x1="${at(path)}%" x2="${at(path)}%" y1="0" y2="100%"/>` : nothing}
    ${target != null ? svg`<svg class="target" x="${at(target)}%" y="50%"><polygon points="0,-6 5,0 0,6 -5,0"/></svg>` : nothing}</svg>`;
}

/** The words of a plan's state, such as ▽ 有风险. */
export const planState = (state) => html`<span class="state ${state}">${{ on_course: "✓", at_risk: "▽", off_course: "✕" }[state] ?? "？"} ${say(`plan.${state}`)}</span>`;
