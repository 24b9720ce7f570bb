// The newest values of a site's or device's series: value, quality and age, what is usual at this hour, 24 hours.

import { all, get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { figure, ms, unit } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { at } from "../core/router.js";
import { pick, say } from "../core/words.js";
import { glyphOf } from "./glyph.js";
import { reading } from "./reading.js";
import { spark } from "./spark.js";
import { BEFORE_MS, usual } from "./usual.js";

const HOUR_MS = 3_600_000;
const TREND_H = 24;
const MOST = 40; // series whose hours are read: 40 * 8 days * 24 h are less than a page of readings
const AGAIN_MS = 10_000; // readings come once a minute or less often, so nobody waits longer than that
const HOURS_AGAIN_MS = 300_000;

/** The newest values of some series, kept true until `close`. */
export class Values {
  latest = new Map(); // by series
  #hours = new Map(); // by series: {band, trend}
  #series;
  #filter;
  #read = [0, 0]; // ms, when latest values and hours were read last
  #end;

  /**
   * @param series as GET /series tells them, with the `states` of their metrics
   * @param filter for GET /latest that leaves just these
   */
  constructor(series, filter) {
    this.#series = series;
    this.#filter = filter;
    this.#end = everySecond((present) => this.#again(present));
  }

  async load() {
    await Promise.all([this.#readLatest(), this.#readHours()]);
  }

  close() {
    this.#end();
  }

  async #readLatest() {
    this.#read[0] = now();
    this.latest = new Map((await all("/latest", this.#filter, 5000)).map((value) => [value.series, value]));
  }

  async #readHours() {
    this.#read[1] = now();
    const numbers = this.#series
      .filter(({ kind, interval_s: s }) => kind === "number" && !(s >= 86_400))
      .slice(0, MOST);
    if (!numbers.length) return;
    const from = new Date(now() - BEFORE_MS).toISOString();
    const wanted = { series: numbers.map(({ id }) => id), from, resolution: "hour" };
    const by = new Map(numbers.map(({ id }) => [id, []]));
    for (const hour of await all("/readings", wanted, 20_000)) by.get(hour.series).push(hour);
    this.#hours = new Map(
      [...by].map(([id, hours]) => [id, { band: bandOf(hours, now()), trend: trendOf(hours, now()) }]),
    );
  }

  #again(present) {
    if (document.hidden) return;
    const due = [];
    if (present - this.#read[0] > AGAIN_MS) due.push(this.#readLatest());
    if (present - this.#read[1] > HOURS_AGAIN_MS) due.push(this.#readHours());
    if (due.length) Promise.all(due).then(redraw, () => {});
  }

  /** A table of them; `chosen` is the id of the one whose history is shown, `alerts` are the open ones there. */
  view(chosen, alerts, { devices = false } = {}) {
    if (!this.#series.length) return html`<p class="empty">${say("values.none")}</p>`;
    return html`<table class="grid values">
      <thead>
        <tr>
          <th></th>
          <th>${say("values.metric")}</th>
          <th class="r">${say("values.value")}</th>
          <th class="r">${say("values.usual")}</th>
          <th>${say("values.trend")}</th>
        </tr>
      </thead>
      <tbody>
        ${worstFirst(this.#series, alerts).map((series) => this.#row(series, series.id === chosen, alerts, devices))}
      </tbody>
    </table>`;
  }

  #row(series, chosen, alerts, devices) {
    const latest = this.latest.get(series.id);
    const { band, trend } = this.#hours.get(series.id) ?? {};
    const label = pick(series.metric.title);
    const alert = alerts.find(({ subject }) => subject === series.name);
    return html`<tr data-row aria-selected="${chosen}" class=${alert ? `k${alert.severity}` : ""}>
      <td>${alert ? glyphOf(alert) : nothing}</td>
      <td>
        <a href="${at({ series: series.id, from: null, to: null })}">${label}</a>${
          devices ? html` <small class="muted">${series.device}</small>` : nothing
        }${series.derived ? html` <span class="tag">${say("values.derived")}</span>` : nothing}${
          series.verified ? nothing : html` <span class="tag">${say("values.unverified")}</span>`
        }
      </td>
      <td class="r">${reading(latest?.value, series, latest?.time, latest?.quality)}</td>
      <td class="r num muted">${band ? `${figure(band[0])} – ${figure(band[1])} ${unit(series.unit)}` : nothing}</td>
      <td class="course-of">${trend ? spark(trend, { bands: trend.map(() => band ?? null), alarm: alert?.severity, height: 24, label }) : nothing}</td>
    </tr>`;
  }
}

/** What is usual now, [low, high]; null: nobody can say. */
function bandOf(hours, present) {
  const [found] = usual(hours, present, present + 1);
  return found ? found.slice(1) : null;
}

/** The hourly means of the last 24 hours, the present one last; null: none. */
function trendOf(hours, present) {
  const first = Math.floor(present / HOUR_MS) - TREND_H + 1;
  const trend = Array(TREND_H).fill(null);
  for (const { time, mean } of hours) {
    const at = Math.floor(ms(time) / HOUR_MS) - first;
    if (at >= 0 && at < TREND_H) trend[at] = mean;
  }
  return trend;
}

/** Series with the states that their values stand for. */
export async function withStates(series, domain) {
  if (series.every(({ kind }) => kind !== "state" && kind !== "flags")) return series;
  const metrics = new Map((await get(`/domains/${domain}`)).metrics.map((metric) => [metric.id, metric]));
  return series.map((one) => ({ ...one, states: metrics.get(one.metric.id)?.states ?? [] }));
}

/** Series with alerts before the others, which stay in their order. */
function worstFirst(series, alerts) {
  const severity = ({ name }) =>
    Math.min(9, ...alerts.filter(({ subject }) => subject === name).map((one) => one.severity));
  return [...series].sort((a, b) => severity(a) - severity(b));
}
