// The history of a series with zoom: the server picks readings, buckets of them or hourly values; the title says which.

import { get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { figure, hms, md, ms, number, short, unit } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { pick, say } from "../core/words.js";
import "./chart.js";
import { course } from "./course.js";
import { reading, told } from "./reading.js";
import { BEFORE_MS, usual } from "./usual.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SPANS = {
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "24h": DAY_MS,
  "7d": 7 * DAY_MS,
  "30d": 30 * DAY_MS,
  "1y": 365 * DAY_MS,
};
const POINTS = 1200; // about one for each pixel of the widest chart
const ROWS = 200; // of the table, the newest
const MOST_USUAL_MS = 7 * DAY_MS; // of a window behind which what is usual is drawn
const AGAIN_MS = MINUTE_MS; // while it reaches up to the present

/** What the address says: `span`, or `from` and `to` in seconds since 1970. */
export function window(query, present) {
  const from = Number(query.from) * 1000;
  const to = Number(query.to) * 1000;
  if (from > 0 && to > from) return { from, to, span: null };
  const span = SPANS[query.span] ? query.span : "24h";
  return { from: present - SPANS[span], to: present, span };
}

/** The history of one series after the other: `show` loads, `view` draws, `close` ends. */
export class History {
  #series = null;
  #alerts = [];
  #shown = null; // {window, found, make}
  #failed = null;
  #turn = 0;
  #loaded = 0;
  #end = everySecond((present) => this.#again(present));

  /** Show a series (as GET /series tells it, with the states of its metric) with its alerts, as the address says. */
  async show(series, query, alerts = []) {
    if (series.id !== this.#series?.id) this.#shown = null;
    this.#series = series;
    this.#alerts = alerts;
    await this.#load(query);
  }

  close() {
    this.#end();
    this.#turn++;
  }

  async #load(query) {
    const mine = ++this.#turn;
    const series = this.#series;
    this.#loaded = now();
    const part = window(query, now());
    const span = { from: new Date(part.from).toISOString(), to: new Date(part.to).toISOString() };
    try {
      const [found, band] = await Promise.all([
        get(`/series/${series.id}/readings`, { ...span, quality: "all", points: POINTS }),
        usualOf(series, part),
      ]);
      if (mine !== this.#turn) return;
      this.#shown = { part, query, found, band, make: course(found, series, band, this.#alerts) };
      this.#failed = null;
    } catch (error) {
      if (mine !== this.#turn) return;
      this.#failed = error;
    }
    redraw();
  }

  #again(present) {
    if (this.#shown?.part.span && !document.hidden && present - this.#loaded > AGAIN_MS) this.#load(this.#shown.query);
  }

  /** The panel; `latest`: the newest reading of the series, {value, time, quality}. */
  view(latest, table = false) {
    const series = this.#series;
    if (!series) return html`<section class="panel history"><p class="empty">${say("reading.none")}</p></section>`;
    const { part, found, band, make } = this.#shown ?? {};
    return html`<section class="panel history">
      <h2>
        ${pick(series.metric.title)}
        <span class="now">${reading(latest?.value, series, latest?.time, latest?.quality)}</span
        ><span class="grow"></span>${this.#tools(part, table)}
      </h2>
      ${found ? html`<p class="told">${explained(found, series, band)}</p>` : nothing}
      ${this.#failed ? html`<p class="empty">${say("frame.failed_away")}</p>` : nothing}
      ${
        !found
          ? nothing
          : table
            ? rows(found, series)
            : !found.items.length
              ? html`<p class="empty">${emptyText(latest, part)}</p>`
              : html`<city-chart
                  role="img"
                  aria-label="${spoken(series, latest)}"
                  .make=${make}
                  .zoomed=${zoomed}
                ></city-chart>`
      }
    </section>`;
  }

  #tools(part, table) {
    const step =
      (by, wider = 0) =>
      () => {
        const length = part.to - part.from;
        zoomed(part.from + by * length - wider * length, Math.min(now(), part.to + by * length + wider * length));
      };
    return html`<span class="seg" role="group" aria-label="${say("history.span")}"
        >${Object.keys(SPANS).map(
          (span) =>
            html`<button aria-pressed="${part?.span === span}" @click=${() => choose({ span, from: null, to: null })}>
              ${say(`history.${span}`)}
            </button>`,
        )}</span
      >
      <span class="seg"
        ><button title="${say("history.earlier")}" aria-label="${say("history.earlier")}" @click=${step(-0.5)}>
          ‹
        </button>
        <button title="${say("history.wider")}" aria-label="${say("history.wider")}" @click=${step(0, 0.5)}>−</button>
        <button
          title="${say("history.later")}"
          aria-label="${say("history.later")}"
          ?disabled=${part?.span != null}
          @click=${step(0.5)}
        >
          ›
        </button></span
      >
      <span class="seg"
        ><button aria-pressed="${table}" @click=${() => choose({ as: table ? null : "table" })}>
          ${say("history.table")}
        </button></span
      >`;
  }
}

/** Put what somebody zoomed to (ms) into the address. */
const zoomed = (from, to) => choose({ span: null, from: Math.floor(from / 1000), to: Math.ceil(to / 1000) });

/** What is usual in a window of at most a week, of a number that comes more often than once a day. */
async function usualOf(series, { from, to }) {
  if (series.kind !== "number" || series.interval_s >= DAY_MS / 1000 || to - from > MOST_USUAL_MS) return [];
  const span = { from: new Date(from - BEFORE_MS).toISOString(), to: new Date(to).toISOString() };
  return usual((await get(`/series/${series.id}/readings`, { ...span, resolution: "hour" })).items, from, to);
}

/** What the chart is made of, and what its grey area is. */
function explained({ items, resolution, step_s: step, from, to }, series, band) {
  const made =
    resolution === "raw"
      ? say("history.raw", { n: number(items.length) })
      : say(resolution === "bucket" ? "history.bucket" : "history.rollup", {
          step: stepText(step),
          n: number(items.length),
        });
  const grey =
    series.kind !== "number" ? null : band.length ? say("history.usual") : step ? say("history.range") : null;
  const span = say("history.window", { from: `${md(from)} ${hms(from)}`, to: `${md(to)} ${hms(to)}` });
  return [made, grey, span].filter(Boolean).join(" · ");
}

function stepText(seconds) {
  if (seconds % 86_400 === 0) return say("history.days", { n: seconds / 86_400 });
  if (seconds % 3600 === 0) return say("history.hours", { n: seconds / 3600 });
  return seconds % 60 === 0 ? say("history.minutes", { n: seconds / 60 }) : say("history.seconds", { n: seconds });
}

function emptyText(latest, part) {
  if (!latest) return say("reading.none");
  return ms(latest.time) < part.from ? say("reading.since", { time: short(latest.time, now()) }) : say("history.empty");
}

function spoken(series, latest) {
  const value = latest && `${told(latest.value, series)} ${unit(series.unit)}, ${short(latest.time, now())}`;
  return `${pick(series.metric.title)}: ${value ?? say("reading.none")}`;
}

/** The same as a table, the newest first. */
function rows({ items, step_s: step }, series) {
  const value = (item) => told(item.value ?? item.mean, series);
  const heads = step ? ["time", "mean", "low", "high", "count"] : ["time", "value", "quality"];
  return html`<div class="tall">
    <table class="grid">
      <thead>
        <tr>
          ${heads.map((name) => html`<th class="${name === "time" ? "" : "r"}">${say(`history.${name}`)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${items
          .slice(-ROWS)
          .reverse()
          .map(
            (item) =>
              html`<tr>
                <td class="num">${md(item.time)} ${hms(item.time)}</td>
                ${
                  step
                    ? html`<td class="r num">${item.mean == null ? say("no_data") : value(item)}</td>
                        <td class="r num">${figure(item.low)}</td>
                        <td class="r num">${figure(item.high)}</td>
                        <td class="r num">${number(item.n)}</td>`
                    : html`<td class="r num">${value(item)}</td>
                        <td class="r">${item.quality.map((flag) => say(`quality.${flag}`)).join(say("list"))}</td>`
                }
              </tr>`,
          )}
      </tbody>
    </table>
  </div>`;
}
