// The domains of the wall: vital sign with its course, and open alerts by severity. Those with the worst come first.

import { now } from "../../core/clock.js";
import { figure, short, unit } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { counted } from "../../map/badges.js";
import { categoryOf } from "../../parts/aqi.js";
import { icon } from "../../parts/glyph.js";
import { spark } from "../../parts/spark.js";
import { SEVERITIES } from "../overview/summary.js";

const MOST = 5; // cards that have room; of more domains those with the worst alerts are shown

/** The cards; `overview` null: not read yet. */
export function cards(overview, alerts) {
  const domains = (overview?.domains ?? []).map((one) => ({ ...one, counts: counts(alerts, one.domain.id) }));
  if (domains.length > MOST) domains.sort((a, b) => weight(b.counts) - weight(a.counts));
  return html`<section class="wall-cards" aria-label="${say("overview.domains")}">
    ${overview ? domains.slice(0, MOST).map(card) : html`<p class="empty">${say("overview.reading")}</p>`}</section>`;
}

const counts = (alerts, domain) =>
  Object.fromEntries(SEVERITIES.map((severity) => [
    severity, alerts.filter((alert) => alert.domain === domain && alert.severity === severity).length]));

/** Of two domains that with more alerts of the worst severity weighs more. */
const weight = (found) => SEVERITIES.reduce((sum, severity) => sum * 1000 + found[severity], 0);

function card({ domain, counts: found, vital, beside }) {
  const worst = SEVERITIES.find((severity) => found[severity]) ?? null;
  return html`<article class="panel wall-card of-${domain.id} ${worst ? `k${worst}` : ""}">
    <h2>${icon(domain.id)}${pick(domain.title)}<span class="tally num">${counted(found)}</span></h2>
    ${vital ? sign(vital, worst) : html`<p class="sign label">${say("overview.not_connected")}</p>`}
    <p class="others num">${beside.map(other)}</p></article>`;
}

const sign = (vital, worst) => html`<p class="sign"><span class="label ell">${pick(vital.title)}</span>${big(vital)}</p>
  <div class="trend">${vital.number.trend ? course(vital, worst) : nothing}</div>`;

function big({ metric, unit: name, number: { value, time } }) {
  if (value == null) return html`<span class="none">${silent(time)}</span>`;
  return html`<b class="num">${figure(value)}</b> <small>${metric === "aqi" ? categoryOf(value) : unit(name)}</small>`;
}

const course = ({ title, number: { trend, band, value } }, alarm) =>
  spark(trend, { bands: band ?? [], alarm, label: `${pick(title)} ${figure(value)}` });

function other({ title, unit: name, number: { value, time } }) {
  const [told, of] = value == null ? [silent(time), ""] : [figure(value), unit(name)];
  return html`<span>${pick(title)} <b>${told}</b> ${of}</span>`;
}

const silent = (time) => (time ? say("reading.since", { time: short(time, now()) }) : say("no_data"));
