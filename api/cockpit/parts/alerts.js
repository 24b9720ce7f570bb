// The alerts of a place or a device, as short rows: open ones first, then those that are done with.

import { get } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { on } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyphOf } from "./glyph.js";
import { exact, heldAgainst, provenance, seen, sign } from "./limits.js";
import { due } from "./time.js";

const MOST = 50;

/** Alerts that a filter of GET /alerts leaves, kept true until `close`; `concerns` says whether one is among them. */
export class Alerts {
  items = [];
  #filter;
  #end;

  constructor(filter, concerns) {
    this.#filter = filter;
    this.#end = on("alert", (alert) => concerns(alert) && this.load().then(redraw, () => {}));
  }

  async load() {
    const { items } = await get("/alerts", { ...this.#filter, open: false, sort: "-raised_at", limit: MOST });
    this.items = items.sort((a, b) => b.open - a.open || (a.open ? a.severity - b.severity : 0));
  }

  close() {
    this.#end();
  }

  get open() {
    return this.items.filter(({ open }) => open);
  }

  view() {
    if (!this.items.length) return html`<p class="empty">${say("site.no_alerts")}</p>`;
    return html`<table class="grid">
      <thead>
        <tr>
          <th></th>
          <th>${say("site.alert")}</th>
          <th>${say("site.reading")}</th>
          <th>${say("site.raised_at")}</th>
          <th>${say("site.handling")}</th>
          <th class="r">${say("site.due")}</th>
        </tr>
      </thead>
      <tbody>
        ${this.items.map(row)}
      </tbody>
    </table>`;
  }
}

const row = (alert) =>
  html`<tr data-row class=${alert.open ? "" : "done"}>
    <td>${glyphOf(alert)}</td>
    <td><a href="/alerts/${alert.id}">${pick(alert.title)}</a></td>
    <td class="num">${reading(alert)}</td>
    <td class="num">${short(alert.raised_at, now())}</td>
    <td>
      ${say(`handling.${alert.handling}`)}
      ${alert.raised ? nothing : html`<small class="muted">${say("condition.cleared")}</small>`}
    </td>
    <td class="r num">${alert.due_at && alert.open ? due(alert.due_at) : nothing}</td>
  </tr>`;

/** What was seen, beside its limit: 0.071 MPa < 0.14. */
function reading(alert) {
  const value = seen(alert);
  const held = heldAgainst(alert);
  return html`${value?.text} ${value?.unit} ${held ? limit(held) : nothing}`;
}

const limit = (held) =>
  html`<small class="muted" title="${provenance(held.limit)}"
    >${sign(held.operator)} ${exact(held.limit.value)}</small
  >`;
