// The sentence that is seen first: is the city well? Beside it how many alerts are open, by severity.

import { now } from "../../core/clock.js";
import { hm, short } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { due } from "../../parts/time.js";
import { SEVERITIES, total, waits } from "./summary.js";

const SOON_MIN = { 1: 5, 2: 5, 3: 30, 4: 30 }; // minutes left from which a deadline is pressing, by severity

/** The deadline of an alert. */
export const deadline = (alert) => due(alert.due_at, SOON_MIN[alert.severity]);

/**
 * The verdict.
 * @param counts as summary.js makes them
 * @param alerts open ones, in the order of the queue
 * @param flood of GET /overview; null: not read yet
 * @param closed when an alert was closed last; null: never, or not read yet
 */
export const verdict = (counts, alerts, flood, closed = null) => html`
  <section class="verdict ${counts.worst ? `k${counts.worst}` : ""}">
    <div class="say">
      ${store.loaded ? sentence(counts, alerts, closed) : html`<h1>${say("frame.connecting")}</h1>`}
    </div>
    <nav class="boxes" aria-label="${say("overview.by_severity")}">
      ${SEVERITIES.map((severity) => box(severity, counts))}
    </nav>
    ${flood ? rate(flood) : nothing}
  </section>`;

function sentence(counts, alerts, closed) {
  const { worst } = counts;
  if (!worst) return calm(total(counts.open), closed);
  const first = alerts.find((alert) => alert.severity === worst && waits(alert));
  const waiting = counts.waiting[worst];
  const color = say(`overview.color_${worst}`);
  const words = say(waiting === 1 ? "overview.waits_one" : "overview.waits", { n: waiting, color });
  const where = whereabouts(first);
  return html`${glyph(worst, { pulse: worst === 1 })}
    <div>
      <h1><span aria-live="polite">${words}</span>${first.due_at ? limit(first) : nothing}</h1>
      <p><a href="/alerts/${first.id}" title="${where}">${where}</a></p>
    </div>`;
}

/** Until when it is to be judged, or for how long it should have been. */
function limit(alert) {
  const isOver = Date.parse(alert.due_at) < now();
  return html`${say(isOver ? "overview.over" : "overview.until")} ${deadline(alert)}`;
}

function calm(open, closed) {
  const last = !open && closed ? say("alerts.closed_at", { time: short(closed, now()) }) : "";
  return html`<div>
    <h1 aria-live="polite">${say("overview.calm")}</h1>
    <p>${say(open ? "overview.calm_open" : "alerts.none_open", { n: open })} ${last}</p></div>`;
}

/** Domain, region with site, and title of an alert. */
function whereabouts(alert) {
  const domain = store.domains.find(({ id }) => id === alert.domain);
  const place = [pick(alert.region_title), pick(alert.place)].filter(Boolean).join(" ");
  return [pick(domain?.title) ?? say("overview.platform"), place, pick(alert.title)].join(" · ");
}

function box(severity, { open, waiting, late }) {
  const label = say("overview.box", { word: say(`severity.${severity}`), n: open[severity] });
  const unjudged = say("overview.unjudged", { n: waiting[severity] });
  const overdue = html` · <b class="t1">${say("overview.late", { n: late[severity] })}</b>`;
  return html`<a href="/alerts?sev=${severity}" class="${open[severity] ? "" : "zero"}" aria-label="${label}">
    ${glyph(severity)}<span class="count num">${store.loaded ? open[severity] : "–"}</span>
    <span class="word">${say(`overview.level_${severity}`)}</span>
    <small class="num">${waiting[severity] ? html`<b class="t${severity}">${unjudged}</b>` : unjudged}${
      late[severity] ? overdue : nothing}</small></a>`;
}

function rate({ rate: count, begins, since }) {
  const words = since ? say("overview.flood", { time: hm(since) }) : say("overview.no_flood", { limit: begins });
  return html`<div class="rate ${since ? "flood" : ""}"><span><b class="num">${count}</b> ${say("overview.rate")}</span>
    <small>${words}</small></div>`;
}
