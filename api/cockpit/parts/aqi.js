// The category of an air quality index: its colour only as a small swatch, for yellow means good there.

import { html } from "../core/lit.js";
import { say } from "../core/words.js";

const ABOVE = [50, 100, 150, 200, 300]; // HJ 633, table 2: the highest index of each category but the last

/** 1 (excellent) to 6 (severe pollution). */
const category = (index) => ABOVE.filter((highest) => index > highest).length + 1;

/** Swatch and word. */
export function categoryOf(index) {
  const found = category(index);
  return html`<i class="swatch aqi-${found}"></i>${say(`aqi.${found}`)}`;
}
