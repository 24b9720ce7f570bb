// Alerts in large rows, worst first. What finds no room is not drawn half: it wraps beyond the edge.

import { html, nothing, repeat } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyphOf } from "../../parts/glyph.js";
import { seen } from "../../parts/limits.js";
import { silenced, waits } from "../overview/summary.js";
import { deadline } from "../overview/verdict.js";

const MOST = 24; // more than any wall has room for

/** The panel; `alerts` in the order of the queue, `empty` is said where there are none. */
export const list = (title, alerts, empty) => html`<section class="panel wall-list">
  <h2>${title} <span class="num">${alerts.length}</span> <small>${say("overview.queue_order")}</small></h2>
  <div class="rows">${repeat(alerts.slice(0, MOST), ({ id }) => id, row)}</div>
  ${alerts.length ? nothing : html`<p class="empty">${store.loaded ? empty : say("frame.connecting")}</p>`}</section>`;

function row(alert) {
  const found = seen(alert);
  return html`<div class="alert ${waits(alert) ? `n${alert.severity}` : "handled"}">
    ${glyphOf(alert)}<span class="title ell">${pick(alert.title)}</span>
    ${alert.due_at && !silenced(alert) ? deadline(alert) : html`<span></span>`}
    <span class="where"><span class="ell">${pick(alert.region_title)} ${pick(alert.place)}</span>
      ${found ? html`<span class="seen num">${found.text} ${found.unit}</span>` : nothing}</span>
    <span class="handling">${say(handling(alert))}</span></div>`;
}

function handling(alert) {
  if (alert.shelved_until) return "condition.shelved";
  return alert.maintained_until ? "condition.maintenance" : `handling.${alert.handling}`;
}
