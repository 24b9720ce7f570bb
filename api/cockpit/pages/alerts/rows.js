// The table of alerts: one line each, which stays where it is while what it says changes.

import { now } from "../../core/clock.js";
import { hm, short, span } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyph, glyphOf, icon } from "../../parts/glyph.js";
import { amount, heldAgainst, provenance, seen, sign, source } from "../../parts/limits.js";
import { due, since } from "../../parts/time.js";
import { soon } from "../alert/head.js";

const COLUMNS = [
  ["select", "left"],
  ["level"],
  ["alert"],
  ["site"],
  ["region"],
  ["domain", "wide-only"],
  ["reading", "r"],
  ["limit"],
  ["raised"],
  ["lasting"],
  ["handling"],
  ["crew", "wide-only"],
  ["due", "r"],
];

/**
 * The table.
 * @param rows alerts, or folds of them, in order
 * @param here index of the line that keys work on
 * @param selected ids
 * @param acts {select(id), open(row), here(index)}
 */
export function table(rows, here, selected, acts) {
  const heading = ([name, look = ""]) => html`<th class="${look}" scope="col">
    <span class="${name === "select" ? "sr" : ""}">${say(`alerts.${name}`)}</span></th>`;
  const lines = rows.map((one, index) =>
    one.fold ? fold(one, index, index === here, acts) : row(one, index, index === here, selected.has(one.id), acts),
  );
  return html`<table aria-multiselectable="true" role="grid"><caption class="sr">${say("alerts.title")}</caption>
    <thead><tr>${COLUMNS.map(heading)}</tr></thead>
    <tbody>${lines}</tbody></table>`;
}

const WIDE = COLUMNS.filter(([, look]) => look === "wide-only"); // not there on narrow screens
const NONE = html`<span class="muted">—</span>`;

function row(alert, index, isHere, isSelected, acts) {
  const unjudged = alert.handling === "new" ? "unjudged" : "";
  const red = unjudged && alert.severity === 1 ? "red" : "";
  const open = (event) => !event.target.closest("a, input") && acts.open(alert);
  const domain = store.domains?.find(({ id }) => id === alert.domain);
  return html`<tr class="${unjudged} ${red} ${isHere ? "here" : ""}" aria-selected="${isSelected}"
    tabindex="${isHere ? 0 : -1}" @click=${open} @focusin=${() => acts.here(index)}>
    <td class="left"><input type="checkbox" tabindex="-1" aria-label="${say("alerts.select")}"
      .checked=${isSelected} @change=${() => acts.select(alert.id)}></td>
    <td>${glyphOf(alert)} <span class="lvl t${alert.severity}">${say(`severity.${alert.severity}`)}</span></td>
    <td><a href="/alerts/${alert.id}" tabindex="-1" title="${pick(alert.title)}">${pick(alert.title)}</a></td>
    <td class="sub" title="${pick(alert.place)}">${pick(alert.place)}</td>
    <td class="sub">${pick(alert.region_title) ?? NONE}</td>
    <td class="sub wide-only">${pick(domain?.title) ?? alert.domain}</td>${measured(alert)}
    <td class="num sub">${short(alert.raised_at, now())}</td><td class="num sub">${lasting(alert)}</td>
    <td>${standing(alert, unjudged)}</td><td class="sub wide-only">${pick(alert.crew_title) ?? alert.crew ?? NONE}</td>
    <td class="r">${alert.due_at ? due(alert.due_at, soon(alert.severity)) : NONE}</td></tr>`;
}

/** In a flood the alerts of a rule in one row, which opens. */
const fold = (one, index, isHere, acts) => html`<tr class="fold ${isHere ? "here" : ""}" aria-expanded="${one.isOpen}"
  tabindex="${isHere ? 0 : -1}" @click=${() => acts.open(one)} @focusin=${() => acts.here(index)}>
  <td></td><td>${glyph(one.severity)} <span class="lvl t${one.severity}">${say(`severity.${one.severity}`)}</span></td>
  <td colspan="${COLUMNS.length - WIDE.length - 2}">${say("alerts.folded", { n: one.count, title: pick(one.title) })}
    ${one.isOpen ? "▾" : "›"} <span class="muted">${say("overview.folded")}</span></td>${WIDE.map(
    () => html`<td class="wide-only"></td>`)}</tr>`;

/** The reading, and the limit with where it comes from. */
function measured(alert) {
  const reading = seen(alert);
  const value = reading ? html`${reading.text} <span class="muted">${reading.unit}</span>` : NONE;
  const against = heldAgainst(alert);
  if (!against) return html`<td class="r num">${value}</td>${composed(alert)}`;
  const { limit, operator } = against;
  return html`<td class="r num">${value}</td><td class="num sub" title="${provenance(limit)}">
    ${sign(operator)} ${amount(limit)} <span class="muted">${source(limit)}</span></td>`;
}

/** A formula compares more than a reading and a limit: a factor by itself would say nothing. */
function composed({ limits }) {
  if (!limits.length) return html`<td>${NONE}</td>`;
  const sources = [...new Set(limits.map(source))].join(say("list"));
  return html`<td class="sub">${say("alerts.composed")} <span class="muted">${sources}</span></td>`;
}

const lasting = (alert) =>
  alert.raised
    ? since(alert.raised_at)
    : html`${span(Date.parse(alert.cleared_at) - Date.parse(alert.raised_at))} ${say("condition.cleared")}`;

/** How far its handling is, and what keeps it quiet. */
function standing(alert, unjudged) {
  const mark = (until, name, key) =>
    until ? html` <span title="${say(key, { time: hm(until) })}">${icon(name)}</span>` : nothing;
  return html`<span class="standing ${unjudged}">${say(`handling.${alert.handling}`)}</span>${mark(
    alert.shelved_until, "paused", "alert.shelved_until")}${mark(
    alert.maintained_until, "works", "alert.maintained_until")}`;
}
