// Courses of the selected subject, or the means of all: a chart for each metric, one above the other.

import { figure, md, ms, short, unit } from "../../core/format.js";
import { now } from "../../core/clock.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { amount, provenance, source } from "../../parts/limits.js";
import { breaks, isEverywhere } from "./numbers.js";
import { broken, plot, ticks, times } from "./plot.js";

const DAY_S = 86_400;
const DAY_MS = DAY_S * 1000;
const BAR_PART = 0.6; // of a day that its bar is wide

export function series(panel, data, { metrics, sel, rows, all }) {
  const charts = panel.metrics
    .map((id) => [metrics.get(id), data.lines.filter(({ metric }) => metric === id)])
    .filter(([, lines]) => lines.length);
  const known = charts.filter(([, lines]) => lines.some(({ points }) => points.length));
  const cells = rows.get(sel)?.metrics ?? {};
  return html`<h2>
      ${pick(panel.title)} <small>${about(data, sel, rows)}</small
      ><span class="grow"></span>${sel ? links(sel, all) : nothing}
    </h2>
    ${known.length ? nothing : html`<p class="empty">${say("history.empty")}</p>`}
    <div class="charts">
      ${known.map(([metric, lines]) => {
        return chart(metric, lines, data, { sel, cell: cells[metric.id], titled: known.length > 1 });
      })}
    </div>`;
}

/** Whose courses these are, and what else is to be known of them. */
function about(data, sel, rows) {
  const name = sel && (pick(rows.get(sel)?.title) ?? pick(data.lines[0]?.site?.title) ?? sel);
  const told = [
    data.lines.some(({ band }) => band.length) && say("history.usual"),
    data.more && say("domain.more_lines"),
  ];
  return html`${name ? html`<b>${name}</b>` : say("domain.of_all")}${told.filter(Boolean).map((one) => ` · ${one}`)}`;
}

const links = (sel, all) =>
  html`<a class="button compact" href="/sites/${encodeURIComponent(sel)}">${say("domain.to_site")}</a>
    <a class="button compact" href="${all}">${say("domain.all")}</a>`;

/** One metric: days as bars from zero, everything else as lines; `cell`, of a table, has what is usual of days. */
function chart(metric, lines, data, { sel, cell, titled }) {
  const newest = lines
    .flatMap(({ points }) => points)
    .filter(({ value }) => value != null)
    .sort((a, b) => ms(a.time) - ms(b.time))
    .at(-1);
  const told = `${range(lines)} ${unit(metric.unit)}`;
  const limits = sel ? limitsOf(metric, newest) : [];
  const draw = metric.interval_s >= DAY_S ? bars : courses;
  return html`<div class="axes">
    <p>
      ${titled ? html`<b>${pick(metric.title)}</b>` : say("domain.last")} <span class="num">${told}</span>
      <small class="muted">${metric.interval_s >= DAY_S ? md(newest.time) : short(newest.time, now())}</small>
      ${lines.length > 1 ? html`<small class="muted">${say("domain.lines", { n: lines.length })}</small>` : nothing}
    </p>
    ${draw(metric, lines, data, { cell, limits, label: `${pick(metric.title)}: ${told}` })}
  </div>`;
}

/** The newest value of a line; of several, the lowest and the highest. */
function range(lines) {
  const newest = lines
    .map(({ points }) => points.findLast(({ value }) => value != null)?.value)
    .filter((value) => value != null);
  const [low, high] = [figure(Math.min(...newest)), figure(Math.max(...newest))];
  return low === high ? low : `${low} – ${high}`;
}

function courses(metric, lines, data, { limits, label }) {
  const from = ms(data.start);
  const to = ms(data.now);
  const found = lines.map(({ points, step_s: step }) =>
    broken(points, step, 1000 * Math.max(2 * (metric.interval_s ?? Infinity), 2 * (step ?? 0))),
  );
  const band = lines.length === 1 ? lines[0].band.map(([time, low, high]) => [ms(time) + DAY_MS / 48, low, high]) : [];
  const values = [...found.flat().map(([, value]) => value), ...band.flatMap(([, low, high]) => [low, high])].filter(
    (value) => value != null,
  );
  const near = limits.filter(({ value }) => isNear(value, values));
  return plot({
    x: [from, to],
    y: ticks(
      Math.min(...values, ...near.map(({ value }) => value)),
      Math.max(...values, ...near.map(({ value }) => value)),
    ),
    xTicks: times(from, to),
    band,
    lines: found.map((points, at) => ({
      points,
      kind: lines.length > 1 ? "other" : "",
      title: pick(lines[at].site?.title),
    })),
    limits: near,
    label,
  });
}

function bars(metric, [line], data, { cell, label }) {
  const high = cell?.high ?? null;
  const at = line.points
    .filter(({ value }) => value != null)
    .map(({ time, value }) => {
      return [
        ms(time),
        value,
        high != null && (value > high || value < cell.low) ? `a${cell.severity ?? ""} out` : "",
        `${md(time)} ${figure(value)} ${unit(metric.unit)}`,
      ];
    });
  const to = ms(data.now) + DAY_MS / 2;
  const limits =
    high == null
      ? []
      : [
          { value: high, kind: "upper", beside: 1, text: say("domain.upper", { value: figure(high) }) },
          { value: cell.median, kind: "median", beside: 10, text: say("domain.median", { value: figure(cell.median) }) },
        ];
  const values = [0, ...at.map(([, value]) => value), ...limits.map(({ value }) => value)];
  return plot({
    x: [ms(data.start), to],
    y: ticks(Math.min(...values), Math.max(...values)),
    xTicks: times(ms(data.start), to),
    bars: { at, width: DAY_MS * BAR_PART },
    limits,
    label,
  });
}

/** Of the limits that hold everywhere: the worst that the newest value breaks, and the next one. */
function limitsOf(metric, newest) {
  const ladder = metric.limits
    .filter((limit) => isEverywhere(limit) && !limit.absolute)
    .sort((a, b) => a.severity - b.severity);
  const at = ladder.findIndex((limit) => newest && breaks(newest.value, limit));
  return (at < 0 ? ladder.slice(-1) : ladder.slice(Math.max(0, at - 1), at + 1)).map((limit) => ({
    value: limit.value,
    kind: `s${limit.severity}`,
    text: `${say("history.limit")} ${amount(limit)} · ${source(limit)}`,
    title: provenance(limit),
  }));
}

/** Whether a limit is worth showing: as far away as the values reach, at most. */
function isNear(limit, values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const reach = Math.max(high - low, Math.abs(high) * 0.25);
  return limit > low - reach && limit < high + reach;
}
