// What the map's signs mean, and whose its outlines are.

import { html, nothing } from "../core/lit.js";
import { pick, say } from "../core/words.js";
import { glyph } from "../parts/glyph.js";

/** The signs. */
export const legend = () => html`<div class="legend">
  ${[1, 2, 3, 4].map((severity) => html`<span>${glyph(severity)}${say(`severity.short_${severity}`)}</span>`)}
  <span><i class="dot"></i>${say("map.normal")}</span>
  <span><i class="cross" aria-hidden="true">×</i>${say("no_data")}</span></div>`;

/** The number of approval of the outlines, or that they are a sketch. */
export function approval(sources) {
  if (!sources?.length) return nothing;
  const numbers = [...new Set(sources.map((source) => source.approval))];
  const title = sources.map((source) => `${pick(source.source)} (${source.licence})`).join("; ");
  const told = numbers.map((number) => (number ? say("map.approval", { number }) : say("map.sketch")));
  return html`<span class="approval" title="${title}">${told.join(" ")}</span>`;
}
