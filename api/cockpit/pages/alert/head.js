// The head of an alert: how severe, what, where, since when, until when, and how far its handling is.

import { hm, hms, md } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyphOf, icon } from "../../parts/glyph.js";
import { due, since } from "../../parts/time.js";
import { allowance, brief } from "./allowance.js";

const STEPS = ["judge", "dispatch", "accept", "start", "feed_back", "verify", "close"];
const DONE_BY = {
  judge: ["confirm", "refute"],
  dispatch: ["dispatch", "reassign"],
  accept: ["accept"],
  start: ["start"],
  feed_back: ["feed_back"],
  verify: ["close"],
  close: ["close"],
};
const SOON_MIN = { 1: 5, 2: 5, 3: 30, 4: 30 }; // minutes before a deadline at which it turns orange, by severity

export const soon = (severity) => SOON_MIN[severity];

/** The head with the stepper below it. */
export function head({ alert, events }) {
  return html`<section class="alert-head s${alert.severity}">
    <div class="level t${alert.severity}">${glyphOf(alert)}<span>${say(`severity.${alert.severity}`)}</span></div>
    <div class="what"><h1
      class="${alert.handling === "new" ? "unjudged" : ""}">${pick(alert.title)}</h1>${where(alert)}</div>
    ${deadline(alert)}${stepper(alert, events)}</section>`;
}

function where(alert) {
  const domain = store.domains?.find(({ id }) => id === alert.domain);
  const area = [pick(domain?.title) ?? alert.domain, pick(alert.region_title)];
  const place = html`<b>${pick(alert.place)}</b>`;
  return html`<div class="where"><span>${alert.site ? html`<a href="/sites/${alert.site}">${place}</a>` : place}</span>
    <span>${icon(alert.domain)} ${area.filter(Boolean).join(" · ")}</span>
    <span>${condition(alert)}</span>
    <span class="num">${say("alert.raised_at", { time: `${md(alert.raised_at)} ${hms(alert.raised_at)}` })}</span>
    <span class="num muted">${say("alert.number", { id: alert.id })}</span>${quiet(alert)}</div>`;
}

/** Whether it still holds, and for how long it did. */
const condition = (alert) =>
  alert.raised
    ? html`${say("condition.raised")} <b>${since(alert.raised_at)}</b>`
    : html`${say("condition.cleared")} <b class="num">${hm(alert.cleared_at)}</b>`;

/** What keeps it from being announced. */
function quiet(alert) {
  const marks = [];
  if (alert.shelved_until) marks.push(["paused", say("alert.shelved_until", { time: hm(alert.shelved_until) })]);
  if (alert.maintained_until)
    marks.push(["works", say("alert.maintained_until", { time: hm(alert.maintained_until) })]);
  return marks.map(([name, text]) => html`<span class="quiet">${icon(name)} ${text}</span>`);
}

function deadline(alert) {
  if (!alert.due_at) return html`<div class="deadline"><b>${say(`handling.${alert.handling}`)}</b></div>`;
  const step = say(`step.${alert.due_step}`);
  return html`<div class="deadline"><small>${say("alert.due", { step, time: hms(alert.due_at) })}</small>
    ${due(alert.due_at, soon(alert.severity))}</div>`;
}

/** The way from judging to closing: when each step was done, or is due, and how long those to come may take. */
function stepper(alert, events) {
  const over = ["closed", "false"].includes(alert.handling);
  const present = over ? STEPS.length : STEPS.indexOf(alert.due_step ?? "judge");
  const done = (step) => events?.findLast(({ kind }) => DONE_BY[step].includes(kind));
  const step = (name, index) => {
    const event = index < present ? done(name) : null;
    const state = index === present ? "now" : event ? "done" : "";
    const time = event ? hm(event.at) : index < present ? nothing : ahead(alert, name, index === present);
    return html`<li class="${state}"
      aria-current=${index === present ? "step" : nothing}><b>${event ? "✓ " : ""}${say(`step.${name}`)}</b><span
        class="num">${time}</span></li>`;
  };
  return html`<ol class="stepper" aria-label="${say("alert.progress")}">${STEPS.map(step)}</ol>`;
}

/** Until when the present step is due, or how long one to come may take. */
function ahead(alert, step, isPresent) {
  if (isPresent) return alert.due_at ? say("alert.until", { time: hm(alert.due_at) }) : say("alert.under_way");
  const found = allowance(alert, step);
  return found ? say("alert.within", { span: brief(found.seconds) }) : nothing;
}
