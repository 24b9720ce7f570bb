// Open alerts by severity and age; each number leads to the list of them.

import { html } from "../../core/lit.js";
import { at } from "../../core/router.js";
import { say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { AGES_MIN, SEVERITIES } from "./summary.js";

const MINUTE_MS = 60_000;
const HEADS = ["overview.age_15m", "overview.age_1h", "overview.age_4h", "overview.age_24h", "overview.age_more"];

/** The table; `now` in ms. */
export const matrix = (counts, now) => html`
  <table class="matrix num" aria-label="${say("overview.matrix")}">
    <thead><tr>
      <th scope="col">${say("overview.matrix_head")}</th>
      ${HEADS.map((head) => html`<th scope="col">${say(head)}</th>`)}
      <th scope="col">${say("overview.sum")}</th>
    </tr></thead>
    <tbody>${SEVERITIES.map((severity) => line(severity, counts, now))}</tbody>
  </table>`;

const line = (severity, { open, ages }, now) => html`<tr>
  <th scope="row">${glyph(severity)}${say(`severity.short_${severity}`)}</th>
  ${ages[severity - 1].map((count, age) => html`<td>${cell(count, { sev: severity, ...span(age, now) })}</td>`)}
  <td class="sum">${cell(open[severity], { sev: severity })}</td></tr>`;

const cell = (count, filter) =>
  count ? html`<a href="${at(filter, "/alerts")}">${count}</a>` : html`<span class="zero" aria-label="0">·</span>`;

/** When alerts of an age were raised, as the list's filter has it: to the minute; null: that side is open. */
function span(age, now) {
  const before = (minutes) => (minutes && Number.isFinite(minutes) ? minute(now - minutes * MINUTE_MS) : null);
  return { from: before(AGES_MIN[age]), to: before(AGES_MIN[age - 1]) };
}

const minute = (time) => new Date(Math.floor(time / MINUTE_MS) * MINUTE_MS).toISOString().replace(".000Z", "Z");
