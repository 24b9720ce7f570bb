// The options of a chart of one series: its line, what is usual, limits with their source, alerts, gaps. Pure.

import { figure, hm, md, ms, parts as timeParts, unit, ymd, hms } from "../core/format.js";
import { pick, say } from "../core/words.js";
import { axis, tooltip } from "./chart.js";
import { amount, provenance } from "./limits.js";
import { told } from "./reading.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LABEL_PART = 0.06; // of the chart's width that a gap must have to be called by its name

/**
 * @param found the document of /series/{id}/readings
 * @param of the series, as GET /series tells it, with the states of its metric
 * @param usual [ms, low, high] in the order of time: what is usual; none where nobody can say
 * @param alerts of the series, raised at any time
 */
export function course(found, of, usual, alerts) {
  const from = ms(found.from);
  const to = ms(found.to);
  const points = pointsOf(found);
  const steps = of.kind !== "number";
  const gaps =
    steps || !of.interval_s
      ? []
      : gapsIn(points, from, to, Math.max(2 * of.interval_s, 1.5 * (found.step_s ?? 0)) * 1000);
  return (token) => ({
    grid: { left: 52, right: 14, top: 16, bottom: 26 },
    xAxis: timeAxis(token, from, to),
    yAxis: valueAxis(token, of),
    tooltip: tooltip(token, (marks) => pointed(marks, points, of)),
    dataZoom: [{ type: "inside", filterMode: "none", minValueSpan: 60_000 }],
    series: [
      ...area(
        token,
        ...(usual.length ? [usual, 1.5 * HOUR_MS] : [steps ? [] : ranges(found), 3000 * (found.step_s ?? 0)]),
      ),
      mainLine(token, points, gaps, { steps, of, from, to, alerts }),
      doubtful(token, points),
    ],
  });
}

/** [ms, value, item] of each point; buckets stand at their middle. */
function pointsOf({ items, step_s: step }) {
  const half = ((step ?? 0) * 1000) / 2;
  return items
    .map((item) => [ms(item.time) + half, item.value ?? item.mean ?? null, item])
    .filter(([, value]) => value != null);
}

function gapsIn(points, from, to, longest) {
  const times = [from, ...points.map(([time]) => time), to];
  const found = [];
  for (let at = 1; at < times.length; at++)
    if (times[at] - times[at - 1] > longest) found.push([times[at - 1], times[at]]);
  return found;
}

const ranges = ({ items, step_s: step }) =>
  step ? items.filter(({ low }) => low != null).map((item) => [ms(item.time) + step * 500, item.low, item.high]) : [];

/** A grey area between lows and highs, with gaps where `longest` ms are over: a line, and another stacked on it. */
function area(token, band, longest) {
  if (!band.length) return [];
  const hidden = {
    type: "line",
    stack: "band",
    stackStrategy: "all",
    symbol: "none",
    silent: true,
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
  };
  const parts = band.flatMap((one, at) =>
    at && one[0] - band[at - 1][0] > longest ? [[(one[0] + band[at - 1][0]) / 2, null, null], one] : [one],
  );
  return [
    { ...hidden, data: parts.map(([time, low]) => [time, low]) },
    {
      ...hidden,
      data: parts.map(([time, low, high]) => [time, low == null ? null : high - low]),
      areaStyle: { color: token("--band"), opacity: 1 },
    },
  ];
}

function mainLine(token, points, gaps, { steps, of, from, to, alerts }) {
  const data = points.map(([time, value]) => [time, value]);
  for (const [begin, end] of gaps) data.push([(begin + end) / 2, null]);
  if (steps && points.length) data.push([to, points.at(-1)[1]]);
  return {
    id: "main",
    type: "line",
    symbol: points.length === 1 ? "circle" : "none", // a single reading is no line
    symbolSize: 7,
    z: 5,
    connectNulls: false,
    step: steps ? "end" : undefined,
    data: data.sort((a, b) => a[0] - b[0]),
    lineStyle: { color: token("--ink"), width: 1.6 },
    itemStyle: { color: token("--ink") },
    markArea: gapArea(token, gaps, (to - from) * LABEL_PART),
    markLine: {
      silent: true,
      symbol: "none",
      animation: false,
      data: [...limitLines(token, alerts, of), ...raisedLines(token, alerts, from, to)],
    },
  };
}

const gapArea = (token, gaps, shortest) => ({
  silent: true,
  data: gaps.map(([begin, end]) => [
    {
      xAxis: begin,
      itemStyle: { color: token("--stale"), opacity: 0.12 },
      label: {
        show: end - begin > shortest,
        color: token("--stale-text"),
        fontSize: 12,
        position: "insideBottom",
        formatter: say("no_data"),
      },
    },
    { xAxis: end },
  ]),
});

/** The limits of open alerts, each once, with where they are from. */
function limitLines(token, alerts, of) {
  const known = new Map();
  for (const alert of alerts.filter(({ open }) => open)) {
    for (const limit of alert.limits)
      if (typeof limit.value === "number" && limit.unit === of.unit)
        known.set(limit.value, { ...limit, severity: alert.severity });
  }
  return [...known.values()].map((limit) => ({
    yAxis: limit.value,
    lineStyle: { color: token(`--s${limit.severity}-text`), type: "solid", width: 1.4 },
    label: {
      position: "insideStartTop",
      color: token(`--s${limit.severity}-text`),
      fontSize: 12,
      fontWeight: 600,
      formatter: limitText(limit),
    },
  }));
}

/** A limit in words: 限值 0.14 MPa · CJJ 58 3.1.3 · 可信度 B（单一来源）. */
const limitText = (limit) => `${say("history.limit")} ${amount(limit)} · ${provenance(limit)}`;

const raisedLines = (token, alerts, from, to) =>
  alerts
    .filter(({ raised_at: at }) => ms(at) > from && ms(at) < to)
    .map((alert) => ({
      xAxis: ms(alert.raised_at),
      lineStyle: { color: token(`--s${alert.severity}-text`), type: [4, 3], width: 1.2 },
      label: {
        position: "insideEndTop",
        rotate: 0,
        color: token(`--s${alert.severity}-text`),
        fontSize: 12,
        formatter: say("history.raised", { time: hm(alert.raised_at) }),
      },
    }));

const doubtful = (token, points) => ({
  type: "scatter",
  symbol: "circle",
  symbolSize: 6,
  z: 6,
  silent: true,
  tooltip: { show: false },
  data: points
    .filter(([, , { quality }]) => quality?.some((flag) => flag !== "late" && flag !== "revised"))
    .map(([time, value]) => [time, value]),
  itemStyle: { color: token("--surface"), borderColor: token("--text-3"), borderWidth: 1.2 },
});

/** An axis of time from `from` to `to` (ms), in the city's zone whatever the desk's is. */
export function timeAxis(token, from, to) {
  const days = to - from > 2 * DAY_MS;
  return {
    ...axis(token),
    type: "time",
    min: from,
    max: to,
    splitLine: { show: false },
    axisLabel: {
      ...axis(token).axisLabel,
      formatter: (time) => (days || timeParts(time).hour + timeParts(time).minute === "0000" ? md(time) : hm(time)),
    },
  };
}

function valueAxis(token, of) {
  const common = { ...axis(token), type: "value", scale: true, axisLine: { show: false } };
  if (of.kind === "number") return { ...common, axisLabel: { ...common.axisLabel, formatter: figureOf } };
  const top = Math.max(1, ...Object.values(of.states ?? {}).map(({ code }) => code));
  return {
    ...common,
    min: 0,
    max: top,
    interval: 1,
    axisLabel: { ...common.axisLabel, width: 44, overflow: "truncate", formatter: (value) => told(value, of) },
  };
}

/** A number of an axis: as short as it can be. */
export const figureOf = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

function pointed(marks, points, of) {
  const mark = marks.find(({ seriesId }) => seriesId === "main") ?? marks[0];
  const point = mark && points.find(([time]) => time === mark.value[0]);
  if (!point) return "";
  const [, value, item] = point;
  const lines = [`${ymd(item.time)} ${hms(item.time)}`, `${pick(of.metric.title)} ${told(value, of)} ${unit(of.unit)}`];
  if (item.low != null && item.n > 1)
    lines.push(say("history.between", { low: figure(item.low), high: figure(item.high), n: item.n }));
  if (item.quality?.length) lines.push(item.quality.map((flag) => say(`quality.${flag}`)).join(say("list")));
  return lines.join("\n");
}
