// What the chart of an alert draws: lines, limits, the event, what is usual, and where nothing was measured.

import { hm } from "../../core/format.js";
import { say } from "../../core/words.js";
import { amount, confidence, source } from "../../parts/limits.js";
import { token } from "../../shell/theme.js";
import { broken, gapsOf } from "./gaps.js";

const TEXT = 16; // px of a line of text
const ROOMY = 520; // px from which a limit says how sure it is

/** What is usual, as two lines of which the second stands on the first. */
export function bandOf(band, { band: colour }) {
  if (!band.length) return [];
  const part = {
    type: "line",
    stack: "band",
    stackStrategy: "all",
    symbol: "none",
    silent: true,
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
  };
  return [
    { ...part, data: band.map(([time, low]) => [time, low]) },
    { ...part, data: band.map(([time, low, high]) => [time, high - low]), areaStyle: { color: colour, opacity: 1 } },
  ];
}

/** The reading of the alert, with limits, event, gaps and newest point; `size`: width in px, what a pixel is worth. */
export function mainOf(measured, alert, lines, colours, size) {
  const { series } = measured;
  const { alarm, ink } = colours;
  const found = measured.points.get(series.id) ?? [];
  const gaps = gapsOf(found, series, measured);
  const newest = found.findLast(({ value }) => value != null);
  return {
    id: "main",
    type: "line",
    data: broken(found, series, measured),
    symbol: "none",
    lineStyle: { color: ink, width: 1.8 },
    itemStyle: { color: ink },
    z: 5,
    step: series.kind === "number" ? false : "end",
    markLine: {
      silent: true,
      symbol: "none",
      animation: false,
      data: [...limitLines(lines, newest?.value ?? 0, colours, size), raisedLine(alert, colours, measured.window)],
    },
    markArea: { silent: true, data: gaps.map(([from, to]) => gapArea(from, to, measured, colours)) },
    markPoint: newest
      ? {
          symbol: "circle",
          symbolSize: 8,
          animation: false,
          silent: true,
          label: { show: false },
          data: [{ coord: [newest.time, newest.value], itemStyle: { color: alert.raised ? alarm : ink } }],
        }
      : undefined,
  };
}

/** A limit carries its text, on the side where the reading is not; the second of a pair in short, if there is room. */
function limitLines(lines, value, { alarmText, font }, { width, pixel }) {
  return lines.map(({ at, limit }, index) => {
    const other = lines.slice(0, index).find((line) => line.limit === limit);
    const parts = other ? [] : [source(limit), width > ROOMY && confidence(limit)];
    const text = [`${say("alert.limit")} ${amount({ ...limit, value: at })}`, ...parts].filter(Boolean).join("  ·  ");
    return {
      yAxis: at,
      lineStyle: { color: alarmText, type: "solid", width: 1.5 },
      label: {
        show: !other || Math.abs(other.at - at) > 2 * TEXT * pixel,
        position: value > at ? "insideStartBottom" : "insideStartTop",
        distance: 3,
        formatter: text,
        color: alarmText,
        fontSize: 12,
        fontWeight: 600,
        fontFamily: font,
      },
    };
  });
}

/** When it was raised; with its word, in the window that it must stay within, or without. */
function raisedLine(alert, { alarmText, font }, window) {
  const time = Date.parse(alert.raised_at);
  const line = { xAxis: time, lineStyle: { color: alarmText, type: [4, 3], width: 1.2 } };
  if (!window) return { ...line, label: { show: false } };
  const share = (time - window[0]) / (window[1] - window[0]);
  const align = share > 0.85 ? "right" : share < 0.15 ? "left" : "center";
  const formatter = say("alert.raised_mark", { time: hm(time) });
  return {
    ...line,
    label: { position: "end", formatter, align, color: alarmText, fontSize: 12, fontFamily: font, distance: 3 },
  };
}

/** Doubtful readings stand out as crosses. */
export function doubtsOf({ series, points }, { staleText }) {
  const doubts = (points.get(series.id) ?? []).filter(({ doubtful, value }) => doubtful && value != null);
  const cross = "path://M0 0L8 8M8 0L0 8";
  return doubts.length
    ? [
        {
          type: "scatter",
          data: doubts.map(({ time, value }) => [time, value]),
          symbol: cross,
          symbolSize: 7,
          itemStyle: { color: "transparent", borderColor: staleText, borderWidth: 1.3 },
          z: 6,
          silent: true,
          tooltip: { show: false },
        },
      ]
    : [];
}

/** A neighbour, in the colour of its own alert. */
export function smallOf(series, measured, index, alarm, alert, colours) {
  const colour = alarm ? token(alarm === 3 ? "--s3-edge" : `--s${alarm}`) : colours.faint;
  return {
    id: `small ${series.id}`,
    type: "line",
    xAxisIndex: index,
    yAxisIndex: index,
    data: broken(measured.points.get(series.id) ?? [], series, measured),
    symbol: "none",
    lineStyle: { color: colour, width: 1.3 },
    itemStyle: { color: colour },
    markLine: { silent: true, symbol: "none", animation: false, data: [raisedLine(alert, colours, null)] },
  };
}

function gapArea(from, to, { window: [begin, end] }, { stale, staleText, font }) {
  const wide = (to - from) / (end - begin) > 0.06;
  const label = {
    show: wide,
    position: "insideBottom",
    formatter: say("no_data"),
    color: staleText,
    fontSize: 12,
    fontFamily: font,
  };
  return [{ xAxis: from, itemStyle: { color: hatch(stale) }, label }, { xAxis: to }];
}

/** Hatching: said by its pattern, not by colour alone. */
function hatch(colour) {
  const size = 7;
  const image = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const brush = image.getContext("2d");
  brush.strokeStyle = colour;
  brush.globalAlpha = 0.45;
  brush.beginPath();
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
  }
  brush.stroke();
  return { image, repeat: "repeat" };
}
