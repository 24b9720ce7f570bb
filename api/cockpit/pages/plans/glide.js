// The options of an indicator's chart: its course, the path, where the trend leads, what meets the target. Pure.

import { ymd } from "../../core/format.js";
import { say } from "../../core/words.js";
import { axis, tooltip } from "../../parts/chart.js";
import { figureOf } from "../../parts/course.js";
import { amount, wanted } from "./amounts.js";
import { meets, yearEnd } from "./outlook.js";

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
const LABELS = 136; // px right of the lines, for what they come to
const ROOM = 0.12; // of the values' range, above and below
const LEAST_SPAN = 0.5; // of the greatest value: what is almost the same shall look so
const COLORS = { at_risk: "--s3-text", off_course: "--s2-text" };

/**
 * @param points of `known`
 * @param said the outlook
 * @param state of the standing
 * @param present in ms
 */
export function glide(indicator, points, said, state, present) {
  const way = wayOf(indicator, present);
  const ahead =
    said.projected == null
      ? []
      : [
          [present, points.at(-1)[1]],
          [said.end, said.projected],
        ];
  const values = [...points, ...way, ...ahead].map(([, value]) => value);
  if (!values.length) return null;
  const [low, high] = range(values);
  const times = [...points, ...way, ...ahead, [present]].map(([time]) => time);
  const [from, to] = [Math.min(...times, present - YEAR_MS / 2), Math.max(...times, present + YEAR_MS / 4)];
  const percent = indicator.unit === "%" ? " %" : "";
  return (token) => ({
    grid: { left: 58, right: LABELS, top: 26, bottom: 26 },
    xAxis: {
      ...axis(token),
      type: "time",
      minInterval: to - from > 2 * YEAR_MS ? 360 * DAY_MS : 0,
      min: from,
      max: to,
      axisLabel: { ...axis(token).axisLabel, formatter: (time) => dated(time, to - from) },
    },
    yAxis: {
      ...axis(token),
      type: "value",
      min: low,
      max: high,
      axisLine: { show: false },
      axisLabel: {
        ...axis(token).axisLabel,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value) => `${figureOf(value)}${percent}`,
      },
    },
    tooltip: tooltip(token, (marks) => pointed(marks, indicator)),
    dataZoom: [{ type: "inside", filterMode: "none", minValueSpan: 30 * DAY_MS }],
    series: [
      zone(token, indicator, low, high),
      line(token, way, {
        color: token("--text"),
        width: 1.5,
        end:
          indicator.target.value == null
            ? null
            : `◇ ${say("plans.target")} ${wanted(indicator.target.value, indicator)}`,
      }),
      {
        ...line(token, points, { id: "actual", color: token("--ink"), width: 2.4 }),
        ...now(token, points, indicator, present),
      },
      line(token, ahead, {
        color: token(COLORS[state] ?? "--text-2"),
        width: 2,
        dash: [6, 4],
        end: ahead.length ? say("plans.so", { value: amount(said.projected, indicator) }) : null,
      }),
    ],
  });
}

/** The way that the plan asks for: from the baseline to the target, or the target all the time. */
function wayOf(indicator, present) {
  const { target } = indicator;
  if (target.value == null) return [];
  const end = target.year == null ? present + YEAR_MS / 4 : yearEnd(target.year);
  const after = end < present ? [[present, target.value]] : [];
  const start = startOf(indicator) ?? [Math.min(present - YEAR_MS / 2, end - YEAR_MS), target.value];
  return [start, [end, target.value], ...after];
}

/** Where the way begins, [ms, value]; null where there is none, as the server judges it, too: see rules/plans. */
function startOf({ baseline, target, kind, direction }) {
  if (kind === "yearly_average" || baseline?.year == null || target.year == null) return null;
  const value = kind === "cumulative" ? 0 : baseline.value;
  if (value == null || (direction !== "about" && meets(value, target.value, direction))) return null;
  return [yearEnd(baseline.year), value];
}

function range(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (Math.max(most - least, Math.abs(most) * LEAST_SPAN) || 1) * ROOM;
  const step = 10 ** Math.floor(Math.log10(room));
  const low = Math.floor((least - room) / step) * step;
  return [least >= 0 ? Math.max(0, low) : low, Math.ceil((most + room) / step) * step];
}

function line(token, data, { id, color, width, dash = "solid", end = null }) {
  return {
    id,
    type: "line",
    data,
    symbol: "none",
    z: id ? 5 : 4,
    lineStyle: { color, width, type: dash },
    itemStyle: { color },
    endLabel: {
      show: end !== null,
      formatter: () => end,
      color,
      fontSize: 12,
      fontWeight: 600,
      width: LABELS - 10,
      overflow: "break",
    },
    labelLayout: { moveOverlap: "shiftY" },
  };
}

function zone(token, { target, direction }, low, high) {
  if (target.value == null || direction === "about") return { type: "line", data: [] };
  const [from, to] = direction === "at_most" ? [low, target.value] : [target.value, high];
  return {
    type: "line",
    data: [],
    markArea: { silent: true, itemStyle: { color: token("--band") }, data: [[{ yAxis: from }, { yAxis: to }]] },
  };
}

function now(token, points, indicator, present) {
  const today = {
    xAxis: present,
    lineStyle: { color: token("--text-3"), type: [3, 3] },
    label: { formatter: say("plans.today"), color: token("--text-3"), fontSize: 12 },
  };
  const label = {
    show: true,
    position: "top",
    formatter: () => amount(points.at(-1)[1], indicator),
    color: token("--text"),
    fontSize: 12,
    fontWeight: 600,
  };
  return {
    markLine: { silent: true, symbol: "none", animation: false, data: [today] },
    markPoint: points.length
      ? {
          symbol: "circle",
          symbolSize: 8,
          silent: true,
          data: [{ coord: points.at(-1), label }],
          itemStyle: { color: token("--ink") },
        }
      : undefined,
  };
}

/** A tick of the axis in words: by the middle of its day, which is that day in every time zone. */
const dated = (time, width) => ymd(time + DAY_MS / 2).slice(0, width > 2 * YEAR_MS ? 4 : 7);

const pointed = (marks, indicator) =>
  marks.length
    ? [ymd(marks[0].value[0]), ...new Set(marks.map(({ value }) => amount(value[1], indicator)))].join("\n")
    : "";
