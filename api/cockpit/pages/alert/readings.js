// The panel of readings: the present value with its age, the chart with its neighbours, or the same as a table.

import { now } from "../../core/clock.js";
import { figure, hms, md, short, unit } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { at } from "../../core/router.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { amount } from "../../parts/limits.js";
import { told } from "../../parts/reading.js";
import { since } from "../../parts/time.js";
import { far } from "./distance.js";
import { NAMES } from "./measured.js";

const LOW = matchMedia("(max-height: 700px)"); // there the alert's own chart comes before its neighbours
const FEW = 2;
const ROWS = 200; // of the table, the newest

/**
 * The panel.
 * @param measured as measured.js fills it
 * @param lines levels of limits, [{limit, at}]
 * @param element in which the chart is drawn
 * @param table whether to show the table instead
 */
export function readings(one, measured, lines, element, table) {
  const { series } = measured;
  return html`<section class="panel readings"><h2>${title(one.alert, measured)}<span class="grow"></span>
    ${
      series
        ? html`<a class="chip"
          href="${at({ view: table ? null : "table" })}">${say(table ? "alert.as_chart" : "alert.as_table")}</a>
      <span class="segments" role="group" aria-label="${say("alert.window")}">${NAMES.map(
        (name) => html`<a href="${at({ span: name })}"
        aria-current=${measured.span === name ? "true" : nothing}>${say(`alert.span_name.${name}`)}</a>`,
      )}</span>`
        : nothing
    }</h2>
    ${body(one.alert, measured, lines, element, table)}</section>`;
}

function body(alert, measured, lines, element, table) {
  if (measured.none) return html`<p class="empty">${say("alert.no_series")}</p>`;
  if (!measured.window) return html`<p class="empty">${say("alert.reading")}</p>`;
  if (table) return rows(measured);
  return html`<div class="curves"><div class="drawn" role="img"
    aria-label="${inWords(alert, measured, lines)}">${element}</div>${legend(measured)}</div>`;
}

/** The neighbours for which there is room. */
export const shown = (measured) => (LOW.matches ? measured.others.slice(0, FEW) : measured.others);

const newest = (measured, series) =>
  (measured.points.get(series.id) ?? []).findLast(({ value }) => value != null) ?? null;

const meaning = (measured, series) => ({
  ...series,
  states: Object.fromEntries((measured.metrics[series.metric.id]?.states ?? []).map((state) => [state.id, state])),
});

const quality = ({ doubtful, quality: flags }) =>
  doubtful ? flags.map((flag) => say(`quality.${flag}`)).join(say("list")) : say("alert.good");

/** The present value in the colour of the severity, with unit, age and how good it is. */
function title(alert, measured) {
  const { series } = measured;
  if (!series) return say("alert.readings");
  const last = newest(measured, series);
  if (!last) return html`${pick(series.metric.title)} <small>${say("alert.none_in_window")}</small>`;
  const late = series.interval_s && alert.open && now() - last.time > 2000 * series.interval_s;
  const look = late ? "stale" : alert.raised ? `t${alert.severity}` : "";
  const age = late
    ? html`<span class="stale-age">${say("reading.since", { time: short(last.time, now()) })}</span>`
    : html`${say("alert.ago")}${since(last.time)}`;
  return html`${pick(series.metric.title)}
    <b class="value num ${look}">${last.doubtful ? "≈ " : ""}${told(last.value, meaning(measured, series))}</b>
    <small>${unit(series.unit)} ${age} · ${quality(last)}</small>`;
}

/** Names, values and distances beside the chart, in its rows. */
function legend(measured) {
  const unknown = measured.series.kind === "number" ? say("alert.no_band") : nothing;
  return html`<ol class="beside">
    <li><b>${say("alert.here")}</b><small>${measured.band.length ? say("alert.band") : unknown}</small></li>
    ${shown(measured).map((other) => neighbour(other, measured))}</ol>`;
}

function neighbour({ series, title: name, metres }, measured) {
  const last = newest(measured, series);
  const alarm = alarmOf(series);
  const value = last
    ? html`<b class="num ${alarm ? `t${alarm}` : ""}">${figure(last.value)}</b> ${unit(series.unit)}`
    : html`<span class="stale">${say("no_data")}</span>`;
  const text = html`<span class="ell">${name}</span><small
    class="num">${value} · ${metres === null ? say("alert.same_place") : far(metres)}</small>`;
  return html`<li>${series.site ? html`<a href="/sites/${series.site.id}" title="${name}">${text}</a>` : text}</li>`;
}

/** Severity of an open alert of that series. */
const alarmOf = (series) =>
  [...store.alerts.values()].find(({ subject, raised }) => raised && subject === series.name)?.severity ?? null;

/** Severity by series, of those that have an open alert. */
export const alarms = (measured) => new Map(shown(measured).map(({ series }) => [series.name, alarmOf(series)]));

/** What the chart shows, for those who do not see it. */
function inWords(alert, measured, lines) {
  const last = newest(measured, measured.series);
  return say("alert.chart_text", {
    metric: pick(measured.series.metric.title),
    value: last ? `${told(last.value, measured.series)} ${unit(measured.series.unit)}` : say("no_data"),
    limit: lines.map(({ limit }) => amount(limit)).join(say("list")) || say("none"),
    time: `${md(alert.raised_at)} ${hms(alert.raised_at)}`,
  });
}

function rows(measured) {
  const { series, points } = measured;
  const name = pick(series.metric.title);
  const value = (point) => (point.value == null ? say("no_data") : told(point.value, meaning(measured, series)));
  const found = (points.get(series.id) ?? []).slice(-ROWS).reverse();
  return html`<div class="table"><table class="grid"><caption class="sr">${name}</caption>
    <thead><tr><th>${say("alert.time")}</th><th class="r">${name} ${unit(series.unit)}</th>
      <th>${say("alert.quality")}</th></tr></thead>
    <tbody>${found.map(
      (point) => html`<tr><td class="num">${md(point.time)} ${hms(point.time)}</td>
        <td class="r num">${value(point)}</td><td class="sub">${quality(point)}</td></tr>`,
    )}</tbody></table></div>`;
}
