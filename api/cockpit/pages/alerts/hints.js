// Between the filters and the list: how many there are, what is new, the keys, or what may be done with those selected.

import { now } from "../../core/clock.js";
import { number, short } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { choose } from "../../core/router.js";
import { say } from "../../core/words.js";
import { city } from "../../shell/city.js";
import { buttons } from "./bulk.js";
import { cleared, isFiltered, order } from "./filter.js";

const KEYS = { "J K": "move", Enter: "open", X: "select", "/": "search", "?": "keys" };

/**
 * The bar.
 * @param state of the list
 * @param marked the alerts that are selected
 * @param acts {act(action), shelve(), unselect(), read()}
 */
export const hints = (state, marked, acts) =>
  html`<div class="hints">${marked.length ? selection(marked, acts) : overview(state, acts)}</div>`;

const selection = (marked, acts) => html`<b class="num">${say("alerts.selected", { n: number(marked.length) })}</b>
  ${buttons(marked, acts)}<span class="grow"></span>
  <button class="button" @click=${acts.unselect}>${say("alerts.unselect")} <kbd>Esc</kbd></button>`;

function overview(state, acts) {
  const count = say(state.next ? "alerts.count_more" : "alerts.count", { n: number(state.alerts.length) });
  const news = say("alerts.news", { n: number(state.news.size) });
  return html`<b class="num">${count}</b>${order(state.query)}
    ${state.news.size ? html`<button class="chip" @click=${acts.read}>${news}</button>` : nothing}
    ${isFiltered(state.query) ? html`${clear("chip")}<span class="muted">${say("alerts.share")}</span>` : nothing}
    <span class="grow"></span>${Object.entries(KEYS).map(key)}`;
}

const clear = (look) =>
  html`<button class="${look}" @click=${() => choose(cleared())}>${say("alerts.clear")}</button>`;

const key = ([names, what]) =>
  html`<span>${names.split(" ").map((name) => html`<kbd>${name}</kbd> `)}${say(`alerts.help.${what}`)}</span>`;

/** What stands where there is nothing to list: a calm night, or filters that leave nothing. */
export function nothingHere({ query }) {
  if (isFiltered(query)) return html`<p class="list-end">${say("alerts.empty")} ${clear("button")}</p>`;
  const closed = city.overview?.closed_at;
  const last = closed ? say("alerts.closed_at", { time: short(closed, now()) }) : nothing;
  return html`<p class="list-end">${say("alerts.none_open")} ${last}</p>`;
}
