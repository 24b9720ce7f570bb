// What was measured around an alert: its series, what is usual there, and its neighbours, kept up to the present.

import { get } from "../../core/api.js";
import { now } from "../../core/clock.js";
import { redraw } from "../../core/draw.js";
import { ignoreAway } from "./case.js";
import { neighbours } from "./neighbours.js";
import { BEFORE_MS, usual } from "../../parts/usual.js";

const HOUR_MS = 3_600_000;
const SPANS = { "1h": HOUR_MS, "6h": 6 * HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS };
const FIT = [
  ["1h", 0.25],
  ["6h", 2],
  ["24h", 12],
  ["7d", Infinity],
]; // hours since the event up to which a span fits
const LEAST_READINGS = 12; // that a span holds, if the series reports as expected
const POINTS = 600; // of one series
const AGAIN_MS = 10_000; // after which newer readings are looked for, or after a point's width of the chart

export const NAMES = Object.keys(SPANS);

/** The span that fits an event so long ago, of a series with that interval (s, or null). */
function fitting(age, interval) {
  const fits = (name, most) => age < most * HOUR_MS && SPANS[name] >= LEAST_READINGS * (interval ?? 0) * 1000;
  return (FIT.find(([name, most]) => fits(name, most)) ?? FIT.at(-1))[0];
}

/**
 * Follow what is measured.
 * @param one the case; its explanation names the series and the rule
 * @param changed called when there is more to show
 * @returns `show(span)` fills it: `site`, `series` (null: there is none), `others` (neighbours), `metrics` by id,
 *   `span`, `window` [from, to] in ms, `points` by series, `step_s` of them (null: readings), `band`, `none`
 */
export function measure(one, changed) {
  const found = {
    site: null,
    series: null,
    others: [],
    metrics: {},
    span: null,
    window: null,
    points: new Map(),
    step_s: null,
    band: [],
    none: false,
  };
  let turn = 0;
  let hourly = {};
  const prepared = prepare(one, found);

  async function show(span) {
    const mine = ++turn;
    await prepared;
    if (!found.series) {
      found.none = true;
      return redraw();
    }
    const { alert } = one;
    const name = SPANS[span] ? span : fitting(now() - Date.parse(alert.raised_at), found.series.interval_s);
    const [from, to] = frame(alert, SPANS[name]);
    const asked = { series: ids(), from: iso(from), to: iso(to), quality: "all", points: POINTS };
    const [readings, hours] = await Promise.all([get("/readings", asked), rollups(name, from, to)]);
    if (mine !== turn) return undefined;
    const points = bySeries(readings.items, readings.step_s ?? 0);
    Object.assign(found, {
      span: name,
      window: [from, to],
      points,
      step_s: readings.step_s,
      band: usual(hours, from, to),
    });
    changed();
    return redraw();
  }

  /** Hourly rollups for what is usual in a window, read once an hour. */
  function rollups(name, from, to) {
    const key = `${name} ${Math.floor(to / HOUR_MS)}`;
    if (hourly.key !== key) {
      const asked = { series: found.series.id, from: iso(from - BEFORE_MS), to: iso(to), resolution: "hour" };
      hourly = { key, items: found.series.kind === "number" ? get("/readings", asked).then(({ items }) => items) : [] };
    }
    return hourly.items;
  }

  const ids = () => [found.series.id, ...found.others.map(({ series }) => series.id)];

  /** Follow the present, while the window ends there. */
  async function follow() {
    if (document.hidden || !found.window || !one.alert.open) return;
    if (now() - found.window[1] < SPANS[found.span] / POINTS) return;
    await show(found.span).catch(ignoreAway);
  }

  const timer = setInterval(follow, AGAIN_MS);
  return Object.assign(found, { show: (span) => show(span).catch(ignoreAway), close: () => clearInterval(timer) });
}

/** The window: up to the present while the alert is open, else around what happened. */
function frame(alert, length) {
  const over = Date.parse(alert.cleared_at ?? alert.changed_at);
  const to = alert.open ? now() : Math.min(now(), Math.max(over, Date.parse(alert.raised_at)) + length / 4);
  return [to - length, to];
}

/** Which series there are to be shown. */
async function prepare(one, found) {
  const { alert } = one;
  const [site, domain, explanation] = await Promise.all(
    [
      alert.site ? get(`/sites/${alert.site}`) : null,
      get(`/domains/${alert.domain}`),
      get(`/alerts/${alert.id}/explanation`),
    ].map((asked) => Promise.resolve(asked).catch(() => null)),
  );
  found.site = site;
  found.metrics = Object.fromEntries((domain?.metrics ?? []).map((metric) => [metric.id, metric]));
  found.series = await subject(alert, explanation, site);
  if (!found.series) return;
  const along = Object.values(explanation?.definition.with ?? {}).filter(
    ({ metric }) => metric !== found.series.metric.id,
  );
  found.others = await neighbours(site, found.series, along).catch(() => []);
}

/** The series of the alert; of one about a device or site, the first that it measures. */
async function subject(alert, explanation, site) {
  const name = explanation?.series?.id;
  if (name) {
    const [region, domain, device, metric] = name.split("/");
    return (
      (await get("/series", { region, domain, device, metric })).items.find((series) => series.name === name) ?? null
    );
  }
  const measured = (site?.series ?? []).filter((series) => series.kind === "number" && !series.derived);
  return measured.find(({ device }) => device === alert.device) ?? measured[0] ?? null;
}

/** Points by series: {time (ms), value, doubtful}; of a bucket in its middle. */
function bySeries(readings, step) {
  const points = new Map();
  for (const reading of readings) {
    if (!points.has(reading.series)) points.set(reading.series, []);
    const doubtful = reading.quality?.some((flag) => flag !== "late" && flag !== "revised") ?? false;
    const value = reading.value ?? reading.mean ?? null;
    points
      .get(reading.series)
      .push({ time: Date.parse(reading.time) + step * 500, value, doubtful, quality: reading.quality ?? [] });
  }
  return points;
}

const iso = (ms) => new Date(ms).toISOString();
