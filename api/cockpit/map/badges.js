// One badge for each town while the whole city is shown: name, sites, open alerts. They keep clear of each other.

import { number } from "../core/format.js";
import { html } from "../core/lit.js";
import { pick, say } from "../core/words.js";
import { glyph } from "../parts/glyph.js";
import { spread } from "./crowd.js";

const SEVERITIES = [1, 2, 3, 4];
const BESIDE = 4; // px between a badge and the edge of the map

/** Counts by severity as glyphs with numbers. */
export const counted = (counts) => SEVERITIES.filter((severity) => counts[severity])
  .map((severity) => html`<span>${glyph(severity)}${counts[severity]}</span>`);

/** A badge; `place` says where. With `choose` it can be clicked. */
export function badge(town, counts, choose) {
  const name = pick(town.title);
  const found = counted(counts);
  const look = `badge ${counts[1] ? "red" : ""}`;
  const body = html`<b>${name}</b><span class="total num">${number(town.count)}</span>
    <span class="tally num">${found.length ? found : html`<span class="total">${say("map.normal")}</span>`}</span>`;
  if (!choose) return html`<div class="${look}">${body}</div>`;
  const title = say("map.go_to", { name });
  return html`<button class="${look}" title="${title}" @click=${() => choose(town.id)}>${body}</button>`;
}

/**
 * Place drawn badges over a map, each near its town's point and with a line to it.
 * @param elements of the badges
 * @param anchors {x, y} of their towns, px in the map
 * @param lines the SVG element that holds a line for each
 * @param frame where badges may lie
 */
export function place(elements, anchors, lines, frame) {
  const boxes = elements.map((element, index) => {
    const { offsetWidth: width, offsetHeight: height } = element;
    return { x: anchors[index].x, y: anchors[index].y - height / 2 - 2 * BESIDE, width, height };
  });
  spread(boxes, frame);
  boxes.forEach((box, index) => {
    Object.assign(elements[index].style, { left: `${box.x - box.width / 2}px`, top: `${box.y - box.height / 2}px` });
    const line = lines.children[index];
    const ends = { x1: anchors[index].x, y1: anchors[index].y, x2: box.x, y2: box.y };
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
  });
}

