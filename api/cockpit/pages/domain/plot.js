// Small charts with axes in SVG, without a library: lines, bands, bars, marks and limits on one pair of axes.

import { hm, md, ms, parts } from "../../core/format.js";
import { html, nothing, svg } from "../../core/lit.js";

const WIDTH = 1000; // of the paths' own coordinates, which are stretched to the chart's size
const HEIGHT = 200;
const TICKS = 3; // of the values, about: charts are low
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEPS_MS = [1, 2, 4, 6, 12, 24, 48, 168].map((hours) => hours * HOUR_MS);
const MOST_TIMES = 7; // ticks
const TOP = 0.12; // of the height: a limit there is named below its line
const CLOSE = 0.001; // of the width: as good as inside

/** Round numbers that hold `low` and `high`: about three steps of 1, 2 or 5 times a power of ten. */
export function ticks(low, high) {
  const rough = (high - low || Math.abs(high) || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((one) => one >= rough);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** Round times of the city's zone between two (ms), each with its text. */
export function times(from, to) {
  const step = STEPS_MS.find((one) => (to - from) / one <= MOST_TIMES) ?? STEPS_MS.at(-1);
  const { hour, minute, second } = parts(from);
  const midnight = from - ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 - (from % 1000);
  const found = [];
  for (let time = midnight; time <= to; time += step) if (time >= from) found.push(time);
  return found.map((time) => [time, step >= DAY_MS || parts(time).hour === "00" ? md(time) : hm(time)]);
}

/** [ms, value] of a line's points, broken where more than `longest` ms lie between two; spans stand at their middle. */
export function broken(points, step, longest) {
  const found = [];
  for (const { time, value } of points) {
    const at = ms(time) + ((step ?? 0) * 1000) / 2;
    if (found.length && at - found.at(-1)[0] > longest) found.push([at - 1, null]);
    found.push([at, value]);
  }
  return found;
}

/**
 * A chart. What it holds is drawn in this order, in the coordinates of the axes.
 * @param x [from, to]
 * @param y ticks
 * @param xTicks [value, text] each
 * @param band [x, low, high] each
 * @param bars {at: [x, y, class, title] each, width: in x}
 * @param lines {points: [x, y or null] each, kind: class, title} each
 * @param limits {value, text, title, kind: class, beside: px by which the text stands lower,
 *   right of the chart} each
 * @param marks [x, y, class, title] each
 * @param label what it says, in words
 */
export function plot({ x, y, xTicks, band = [], bars = null, lines = [], limits = [], marks = [], label }) {
  const on = {
    x: (value) => (value - x[0]) / (x[1] - x[0] || 1),
    y: (value) => 1 - (value - y[0]) / (y.at(-1) - y[0] || 1),
  };
  const isInside = ([at]) => on.x(at) >= -CLOSE && on.x(at) <= 1 + CLOSE;
  return html`<svg class="plot ${limits.some(({ beside }) => beside) ? "margined" : ""}" role="img" aria-label="${label}">
    ${stretched(segments(band).map((part) => area(part, on)))} ${y.map((value) => rule(value, on))}
    ${xTicks.map(([value, text]) => svg`<text class="x" x="${percent(on.x(value))}" y="100%" dy="17">${text}</text>`)}
    ${bars ? bars.at.filter(isInside).map((one) => bar(one, bars.width, on)) : nothing}
    ${stretched(lines.map((line) => course(line, on)))} ${limits.map((limit) => limitOf(limit, on))}
    ${marks.filter(isInside).map((one) => mark(one, on))}
  </svg>`;
}

const percent = (part) => `${(part * 100).toFixed(2)}%`;

const stretched = (paths) =>
  svg`<svg class="paths" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${paths}</svg>`;

const rule = (value, on) => svg`
  <line class="rule" x1="0" x2="100%" y1="${percent(on.y(value))}" y2="${percent(on.y(value))}"/>
  <text class="y" x="-6" y="${percent(on.y(value))}" dy="4">${tickText(value)}</text>`;

const tickText = (value) => value.toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "−");

function bar([at, value, kind, title], width, on) {
  const left = on.x(at - width / 2);
  const height = Math.abs(on.y(value) - on.y(0));
  return svg`<rect class="bar ${kind}" x="${percent(left)}" width="${percent(on.x(at + width / 2) - left)}"
    y="${percent(on.y(Math.max(value, 0)))}" height="${percent(height)}"><title>${title}</title></rect>`;
}

const course = ({ points, kind, title }, on) =>
  svg`<path class="course ${kind ?? ""}" d="${pathOf(points, on)}"><title>${title}</title></path>`;

function area(part, on) {
  const there = pathOf(
    part.map(([at, low]) => [at, low]),
    on,
  );
  const back = pathOf(
    [...part].reverse().map(([at, , high]) => [at, high]),
    on,
  );
  return svg`<path class="band" d="${there}${back.replace("M", "L")}Z"/>`;
}

function limitOf({ value, text, title, kind, beside }, on) {
  const at = percent(on.y(value));
  const [x, dx, dy] = beside ? ["100%", 6, beside] : ["0", 4, on.y(value) < TOP ? 13 : -4];
  return svg`<line class="limit ${kind}" x1="0" x2="100%" y1="${at}" y2="${at}"/>
    <text class="limit ${kind}" x="${x}" dx="${dx}" y="${at}" dy="${dy}">${text}<title>${title ?? text}</title></text>`;
}

const mark = ([at, value, kind, title], on) =>
  svg`<circle class="mark ${kind}" cx="${percent(on.x(at))}" cy="${percent(on.y(value))}" r="3.5">
    <title>${title}</title></circle>`;

function pathOf(points, on) {
  let path = "";
  let pen = "M";
  for (const [at, value] of points) {
    if (value != null) path += `${pen}${(on.x(at) * WIDTH).toFixed(1)} ${(on.y(value) * HEIGHT).toFixed(1)}`;
    pen = value == null ? "M" : "L";
  }
  return path;
}

/** Parts of a band that follow one another, hour by hour. */
function segments(band) {
  const found = [];
  for (const one of band) {
    if (found.length && one[0] - found.at(-1).at(-1)[0] <= 1.5 * HOUR_MS) found.at(-1).push(one);
    else found.push([one]);
  }
  return found.filter((part) => part.length > 1);
}
