// The work: open alerts, worst first, then by deadline. It stands still while somebody points at it.

import { short } from "../../core/format.js";
import { html, nothing, repeat } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyph, glyphOf } from "../../parts/glyph.js";
import { amount, heldAgainst, seen, sign } from "../../parts/limits.js";
import { matrix } from "./matrix.js";
import { silenced, total, waits } from "./summary.js";
import { deadline } from "./verdict.js";

const MOST = 60; // rows that are drawn; the list has the others
const LISTS = { all: "open", new: "waiting", late: "late" }; // and what counts them

/**
 * The queue.
 * @param rows alerts, or folds of them, in the order of the screen
 * @param acts {hold(held), apply(), choose(list), select(alert), unfold(rule)}
 */
export const queue = ({ rows, counts, changes, list, chosen, now }, acts) => html`
  <section class="panel queue" aria-label="${say("overview.queue")}">
    <h2>${say("overview.queue")} ${changes ? nothing : html`<small>${say("overview.queue_order")}</small>`}
      <span class="grow"></span>${changes ? news(changes, acts.apply) : nothing}
      ${Object.entries(LISTS).map(([name, kind]) => chip(name, total(counts[kind]), name === list, acts.choose))}</h2>
    ${matrix(counts, now)}
    <div class="rows" @mouseenter=${() => acts.hold(true)} @mouseleave=${() => acts.hold(false)}
      @focusin=${() => acts.hold(true)} @focusout=${() => acts.hold(false)}>
      ${repeat(rows.slice(0, MOST), key, (one) => (one.fold ? fold(one, acts.unfold) : row(one, chosen, now, acts.select)))}
      ${rows.length > MOST ? rest(rows.length - MOST) : nothing}${rows.length ? nothing : empty(list)}
    </div>
  </section>`;

const key = (one) => one.fold ?? one.id;

const news = (changes, apply) => html`
  <button class="chip news" @click=${apply}>${say("overview.changes", { n: changes })}</button>`;

const rest = (n) => html`<a class="rest" href="/alerts">${say("overview.rest", { n })}</a>`;

const empty = (list) => html`<p class="empty">${say(store.loaded ? `overview.empty_${list}` : "frame.connecting")}</p>`;

const chip = (name, count, pressed, choose) => html`<button class="chip" aria-pressed="${pressed}"
  @click=${() => choose(name)}>${say(`overview.list_${name}`)} <span class="num">${count}</span></button>`;

function row(alert, chosen, now, select) {
  const look = `${waits(alert) ? `n${alert.severity}` : "handled"} ${alert.gone ? "gone" : ""}`;
  return html`<a class="row ${look}" href="/alerts/${alert.id}" aria-current="${alert.id === chosen}"
    @mouseenter=${() => select(alert)} @focus=${() => select(alert)}>
    ${glyphOf(alert)}<span class="title ell">${pick(alert.title)}</span><span class="left">${left(alert, now)}</span>
    <span class="where"><span class="ell">${pick(alert.region_title)} ${pick(alert.place)}</span>
      ${evidence(alert)}</span>
    <span class="handling">${say(`handling.${alert.gone ? "closed" : alert.handling}`)}</span>
    ${alert.severity === 1 && waits(alert) && alert.advice ? advice(alert) : nothing}</a>`;
}

const advice = (alert) => html`<span class="advice"><b>${say("overview.advice")}</b> ${pick(alert.advice)}</span>`;

/** What is left until the deadline, or until when nobody is asked to do anything. */
function left(alert, now) {
  if (alert.gone) return nothing;
  if (!silenced(alert)) return alert.due_at ? deadline(alert) : nothing;
  const [key, until] = alert.shelved_until
    ? ["overview.shelved", alert.shelved_until]
    : ["overview.maintained", alert.maintained_until];
  return html`<small>${say(key, { time: short(until, now) })}</small>`;
}

/** The reading that raised it, and the limit that it is held against. */
function evidence(alert) {
  const found = seen(alert);
  if (!found) return nothing;
  const against = heldAgainst(alert);
  const limit = against ? `${sign(against.operator)} ${amount(against.limit)}` : found.unit;
  return html`<span class="seen num">${found.text} <span class="muted">${limit}</span></span>`;
}

const fold = ({ fold: rule, severity, title, count, isOpen }, unfold) => html`
  <button class="row handled" aria-expanded="${isOpen}" @click=${() => unfold(rule)}>
    ${glyph(severity)}<span class="title ell">${say("alerts.folded", { n: count, title: pick(title) })}</span>
    <span class="left">${isOpen ? "▾" : "›"}</span><span class="where">${say("overview.folded")}</span></button>`;
