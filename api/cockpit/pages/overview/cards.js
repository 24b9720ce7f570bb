// One card for each domain: its vital sign with its course, what stands beside it, who is heard, and what is worst.

import { now } from "../../core/clock.js";
import { figure, number, short, unit } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { counted } from "../../map/badges.js";
import { categoryOf } from "../../parts/aqi.js";
import { icon } from "../../parts/glyph.js";
import { spark } from "../../parts/spark.js";
import { SEVERITIES } from "./summary.js";

const CARDS = 4; // more domains than these: the worst three have cards, the others rows
const WORST = 3;
const COUNTED = 2; // severities that a row has room for, the worst ones

/** All domains; `overview` null: not read yet. */
export function cards(overview) {
  if (!overview) return html`<section class="domains"><p class="empty">${say("overview.reading")}</p></section>`;
  const domains = overview.domains.map((one) => ({ ...one, counts: counts(one) }));
  const many = domains.length > CARDS;
  if (many) domains.sort((a, b) => weight(b.counts) - weight(a.counts));
  const rest = html`<div class="panel domain-lines">${domains.slice(WORST).map(line)}</div>`;
  return html`<section class="domains ${many ? "many" : ""}" aria-label="${say("overview.domains")}">
    ${domains.slice(0, many ? WORST : CARDS).map(card)}${many ? rest : nothing}</section>`;
}

/** Open alerts of a domain by severity: as the stream keeps them, or, until they are read, as they were counted. */
function counts({ domain, alerts }) {
  const found = Object.fromEntries(alerts.map(({ severity, open }) => [severity, store.loaded ? 0 : open]));
  for (const alert of store.alerts.values()) if (alert.domain === domain.id) found[alert.severity] += 1;
  return found;
}

const worstOf = (found) => SEVERITIES.find((severity) => found[severity]) ?? null;

/** Of two domains that with more alerts of the worst severity weighs more. */
const weight = (found) => SEVERITIES.reduce((sum, severity) => sum * 1000 + Math.min(found[severity], 999), 0);

function card({ domain, counts: found, devices, vital, beside, worst }) {
  const severity = worstOf(found);
  return html`<a class="card of-${domain.id} ${severity ? `k${severity}` : ""}" href="/domains/${domain.id}">
    <div class="card-head">${icon(domain.id)}<span class="ell">${pick(domain.title)}</span>
      <span class="tally num">${counted(found)}</span></div>
    ${vital ? sign(vital, severity) : html`<p class="card-sign label">${say("overview.not_connected")}</p>`}
    <div class="card-others num">${vital ? usual(vital) : nothing}${beside.map(other)}</div>
    <div class="card-tail"><span class="num">${heard(devices)}</span>
      <span class="word ell">${severity && worst ? pick(worst.title) : say("overview.well")}</span></div></a>`;
}

const line = ({ domain, counts: found, vital }) => html`
  <a class="domain-line of-${domain.id}" href="/domains/${domain.id}">
    ${icon(domain.id)}<span class="ell">${pick(domain.title)}</span>
    <span class="tally num">${counted(found).slice(0, COUNTED)}</span>
    <span class="num">${vital?.number.value == null ? nothing : plain(vital)}</span>
    <span class="trend">${vital ? course(vital, worstOf(found)) : nothing}</span></a>`;

const plain = ({ unit: name, number: { value } }) => `${figure(value)} ${unit(name)}`;

const sign = (vital, severity) => html`
  <div class="card-sign"><span class="label ell">${pick(vital.title)}</span>${big(vital)}</div>
  <div class="trend">${course(vital, severity)}</div>`;

/** The number itself; without a fresh one since when there is none. */
function big({ metric, unit: name, number: { value, time, place } }) {
  if (value == null) return html`<span class="big none">${time ? silent(time) : say("overview.no_vital")}</span>`;
  const beside = metric === "aqi" ? categoryOf(value) : unit(name);
  const where = pick(place?.title) ?? "";
  return html`<span class="big num" title="${where}">${figure(value)}<small>${beside}</small></span>`;
}

const silent = (time) => say("reading.since", { time: short(time, now()) });

function course({ title, number: { trend, band, value } }, severity) {
  if (!trend) return nothing;
  return spark(trend, { bands: band ?? [], alarm: severity, label: `${pick(title)} ${figure(value)}` });
}

const usual = ({ number: { usual: value } }) =>
  value == null ? nothing : html`<span>${say("overview.usual")} <b>${figure(value)}</b></span>`;

/** A figure beside it; of a share the limit that it keeps is told. */
function other({ title, unit: name, keeps, number: { value, time } }) {
  const limit = keeps ? [pick(keeps.rule_title), keeps.source, keeps.clause].filter(Boolean).join(" ") : "";
  const told = value == null ? (time ? silent(time) : say("no_data")) : figure(value);
  return html`<span title="${limit}">
    ${pick(title)} <b>${told}</b> ${value == null ? nothing : unit(name)}</span>`;
}

function heard({ total, heard: online }) {
  if (!total) return say("overview.not_connected");
  return say("overview.online", { online: number(online), total: number(total) });
}
