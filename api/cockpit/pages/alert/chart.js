// The chart of an alert: its reading over what is usual, against its limit, and neighbours on the same axis of time.

import { hm, hms, md, unit } from "../../core/format.js";
import { pick, say } from "../../core/words.js";
import { told } from "../../parts/reading.js";
import { token } from "../../shell/theme.js";
import { nearest, patience } from "./gaps.js";
import { bandOf, doubtsOf, mainOf, smallOf } from "./strokes.js";

const LEFT = 48; // px for the figures of the axis
const TOP = 20; // px for the word at the line of the event
const AXIS = 22; // px for the times below
const SMALL = 42; // px of a neighbour's chart, as in styles/alerts.css
const PADDED = 0.12; // of the range, above and below: room for the text of a limit
const DAY_MS = 86_400_000;

/**
 * What ECharts draws.
 * @param measured as measured.js gives it
 * @param alert, lines [{at, limit}] levels of its limits
 * @param width, height px of the element
 * @param alarms severity of an open alert by the name of its series
 */
export function option(measured, alert, lines, { width, height, alarms }) {
  const colours = palette(alert.severity);
  const scale = range(measured, lines);
  const rows = [measured.series, ...measured.others.map(({ series }) => series)];
  const large = height - TOP - AXIS - measured.others.length * SMALL;
  const grid = rows.map((_, index) => ({
    left: LEFT,
    right: 12,
    top: index ? TOP + large + (index - 1) * SMALL + 8 : TOP,
    height: index ? SMALL - 12 : large - 4,
  }));
  const last = rows.length - 1;
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid,
    xAxis: rows.map((_, index) => timeAxis(measured.window, index, index === last, colours)),
    yAxis: rows.map((series, index) =>
      index ? smallAxis(series, index, measured.series, scale) : valueAxis(scale, colours),
    ),
    series: [
      ...bandOf(measured.band, colours),
      mainOf(measured, alert, lines, colours, { width, pixel: (scale[1] - scale[0]) / large }),
      ...doubtsOf(measured, colours),
      ...measured.others.map(({ series }, index) =>
        smallOf(series, measured, index + 1, alarms.get(series.name), alert, colours),
      ),
    ],
    axisPointer: {
      link: [{ xAxisIndex: "all" }],
      lineStyle: { color: colours.faint },
      label: { color: colours.surface, backgroundColor: colours.ink, fontSize: 12 },
    },
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontSize: 12 },
      formatter: (items) => tip(items, measured, rows),
    },
    dataZoom: [
      {
        type: "inside",
        xAxisIndex: "all",
        filterMode: "none",
        zoomOnMouseWheel: "ctrl",
        moveOnMouseMove: false,
        moveOnMouseWheel: false,
      },
    ],
  };
}

const palette = (severity) => ({
  text: token("--text"),
  faint: token("--text-3"),
  line: token("--line"),
  ink: token("--ink"),
  band: token("--band"),
  surface: token("--surface"),
  alarm: token(`--s${severity}`),
  alarmText: token(`--s${severity}-text`),
  stale: token("--stale"),
  staleText: token("--stale-text"),
  font: token("--font"),
});

function timeAxis([min, max], gridIndex, isLast, { line, faint }) {
  const label = (time) => (max - min > DAY_MS * 2 ? md(time) : hm(time));
  return {
    type: "time",
    gridIndex,
    min,
    max,
    axisTick: { show: false },
    axisLine: { show: gridIndex === 0 || isLast, onZero: false, lineStyle: { color: line } },
    splitLine: { show: gridIndex === 0, lineStyle: { color: line, opacity: 0.6 } },
    axisLabel: { show: isLast, color: faint, fontSize: 12, hideOverlap: true, formatter: label },
    axisPointer: {
      show: true,
      snap: false,
      label: {
        show: isLast,
        formatter: ({ value }) => (max - min > DAY_MS ? `${md(value)} ${hm(value)}` : hms(value)),
      },
    },
  };
}

/** From the lowest to the highest of readings, limits and what is usual; from 0 where nothing is below it. */
function range({ series, points, band }, lines) {
  const values = (points.get(series.id) ?? []).map(({ value }) => value).filter((value) => value != null);
  const all = [...values, ...lines.map(({ at }) => at), ...band.flatMap(([, low, high]) => [low, high])];
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = (high - low || Math.abs(high) || 1) * PADDED;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

/** The same metric has the same scale, so that noise does not look like an event; any other has its own. */
const smallAxis = ({ metric }, gridIndex, main, [min, max]) => {
  const scaled = metric.id === main.metric.id ? { min, max } : { scale: true };
  return { type: "value", gridIndex, show: false, ...scaled };
};

const valueAxis = ([min, max], { line, faint }) => ({
  type: "value",
  gridIndex: 0,
  min,
  max,
  splitNumber: 4,
  axisLine: { show: false },
  axisTick: { show: false },
  axisLabel: {
    color: faint,
    fontSize: 12,
    showMinLabel: min === 0,
    showMaxLabel: false,
    hideOverlap: true,
    formatter: (value) => String(value).replace("-", "−"),
  },
  splitLine: { lineStyle: { color: line } },
});

/** What stands at the pointer, as a list of texts. */
function tip(items, measured, rows) {
  const box = document.createElement("div");
  const time = items[0]?.axisValue;
  box.append(time ? `${md(time)} ${hms(time)}` : "");
  for (const series of rows) {
    const found = nearest(measured.points.get(series.id) ?? [], time, patience(series, measured));
    const line = document.createElement("div");
    const other = measured.others.find((one) => one.series === series);
    const value = found ? `${told(found.value, series)} ${unit(series.unit)}` : say("no_data");
    line.textContent = `${other?.title ?? pick(series.metric.title)}  ${value}`;
    box.append(line);
  }
  return box;
}
