// A row for each subject, those with alerts first; each cell with what it is to be compared with.

import { figure, ms, number, unit } from "../../core/format.js";
import { html, nothing, svg } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { amount, provenance } from "../../parts/limits.js";
import { spark } from "../../parts/spark.js";
import { age, away, broken, missing, valueText } from "./numbers.js";

const DAY_BAR = { step: 6, width: 4, height: 24 }; // px

export function table(panel, data, { metrics, sel, way }) {
  const columns = panel.columns
    .map((column, place) => ({ ...column, place, of: metrics.get(column.metric), most: mostOf(data.rows, place) }))
    .filter(({ place }) => data.rows.some(({ cells: found }) => found[place]));
  const told = [
    say("domain.subjects", { n: number(data.total) }),
    data.total > data.rows.length && say("domain.first", { n: data.rows.length }),
    say("domain.worst_first"),
    ...columns.map(daysTold),
    columns.map(usualTold).find(Boolean),
  ];
  return html`<h2>${pick(panel.title)} <small>${told.filter(Boolean).join(" · ")}</small></h2>
    <div class="tall">
      ${
        data.rows.length
          ? html`<table class="grid subjects">
              <thead>
                <tr>
                  <th></th>
                  <th>${say("domain.subject")}</th>
                  <th class="place-of">${say("sites.region")}</th>
                  ${columns.map(heads)}
                  <th class="r">${say("domain.age")}</th>
                </tr>
              </thead>
              <tbody>
                ${data.rows.map((row) => line(row, columns, row.id === sel, way(row)))}
              </tbody>
            </table>`
          : html`<p class="empty">${say("domain.no_subjects")}</p>`
      }
    </div>`;
}

const mostOf = (rows, place) => Math.max(...rows.map(({ cells: found }) => Math.abs(found[place]?.value ?? 0)), 0);

const usualTold = ({ usual, sigmas }) => usual && say("domain.far", { sigmas });

const daysTold = ({ show, days, sigmas }) => show === "days" && say("domain.band_of_days", { days, sigmas });

function heads({ title, of, show, usual }) {
  const head = html`${pick(title)} <small>${unit(of.unit)}</small>`;
  if (show === "days")
    return html`<th>${head}</th>
      <th class="r">${say("domain.last")}</th>
      <th class="r">${say("domain.bound")}</th>`;
  if (show === "value")
    return html`<th class="r">${head}</th>
      ${usual ? html`<th class="r">${say("domain.usually")}</th>` : nothing}`;
  return html`<th>${head}</th>`;
}

function line(row, columns, chosen, href) {
  const newest = newestOf(row, columns);
  return html`<tr data-row aria-selected="${chosen}" class="${row.unjudged ? "unjudged" : ""}">
    <td>${row.severity ? glyph(row.severity) : nothing}</td>
    <td class="name"><a href="${href}">${pick(row.title)}</a></td>
    <td class="sub place-of">${pick(row.region.title)}</td>
    ${columns.map((column) => cells(row.cells[column.place], column, row))}
    <td class="r num">${newest ? age(newest.time, newest.of) : nothing}</td>
  </tr>`;
}

/** The time of the newest reading of a row, and of which metric it is; null: there never was one. */
function newestOf(row, columns) {
  const found = columns.map(({ of, place }) => ({ of, time: row.cells[place]?.time })).filter(({ time }) => time);
  return found.sort((a, b) => ms(b.time) - ms(a.time))[0] ?? null;
}

/** The cells of a column: as many as it has heads. */
function cells(cell, column, row) {
  if (!cell) return unmeasured(column);
  if (column.show === "days") return days(cell, row);
  if (column.show === "bar")
    return html`<td class="num with-bar">${bar(cell.value, column.most)}${value(cell, column)}</td>`;
  if (column.show === "trend") return html`<td class="num">${trend(cell, column, row)}</td>`;
  const usual = cell.usual == null ? say("domain.too_few") : figure(cell.usual);
  return html`<td class="r num">${column.usual ? mark(cell.value, cell, row) : nothing} ${value(cell, column)}</td>
    ${column.usual ? html`<td class="r num muted">${usual}</td>` : nothing}`;
}

/** Nothing of the kind is measured at a subject: that is said, for an empty cell could mean anything. */
const unmeasured = ({ show, usual }) =>
  html`<td
    class="muted ${show === "value" ? "r" : ""}"
    colspan=${show === "days" ? 3 : show === "value" && usual ? 2 : 1}
    title=${say("domain.unmeasured")}
  >
    –
  </td>`;

/** On which side of what is usual a value lies, by shape and word; nothing where it is usual. */
function mark(value, cell, { severity }) {
  const side = away(value, cell);
  if (!side) return nothing;
  const told = say(`domain.bounds`, { low: figure(cell.low), high: figure(cell.high) });
  return html`<small class="far ${severity ? `t${severity}` : ""}" title=${told}
    >${side > 0 ? "↑" : "↓"} ${say(side > 0 ? "domain.above" : "domain.below")}</small
  >`;
}

function trend(cell, column, row) {
  const course = cell.trend && spark(cell.trend, { height: 22, alarm: row.severity, label: pick(column.title) });
  return html`<span class="with-trend">${course ?? nothing}${value(cell, column)}</span>`;
}

function value(cell, { of }) {
  if (cell.value == null) return html`<span class="stale" title=${missing(cell)}>${say("no_data")}</span>`;
  const limit = broken(cell.value, of);
  return html`<span
    class=${limit ? `t${limit.severity} exceeds` : ""}
    title=${limit ? `${say("history.limit")} ${amount(limit)} · ${provenance(limit)}` : nothing}
    >${valueText(cell, of)}</span
  >`;
}

/** A bar from zero, as long as its part of the largest. */
const bar = (value, most) =>
  html`<svg class="share" aria-hidden="true">
    <rect width="${most ? (Math.max(0, value ?? 0) / most) * 100 : 0}%" height="8" />
  </svg>`;

/** Bars of days over the band of what is usual, the last value, and the bound that it broke or keeps. */
function days(cell, row) {
  const last = cell.days.findLast((day) => day != null) ?? null;
  return html`<td class="days-of">${dayBars(cell, row)}</td>
    <td class="r num">${mark(last, cell, row)} ${figure(last)}</td>
    <td class="r num muted">${cell.high == null ? say("domain.too_few") : figure(cell.high)}</td>`;
}

function dayBars(cell, { severity }) {
  const { days: found, high, low } = cell;
  const { step, width, height } = DAY_BAR;
  const size = found.length * step;
  const top = Math.max(high ?? 0, ...found.map((day) => day ?? 0)) || 1;
  const y = (value) => height - (Math.max(0, value) / top) * height;
  const band = () => svg`<rect class="band" width="${size}" y="${y(high)}" height="${Math.max(1, y(low) - y(high))}"/>`;
  const bound = () => svg`<line class="upper" x2="${size}" y1="${y(high)}" y2="${y(high)}"/>`;
  const bar = (day, at) => svg`<rect class=${away(day, cell) ? `out a${severity ?? ""}` : ""} x="${at * step + 1}"
    y="${y(day)}" width="${width}" height="${height - y(day)}"/>`;
  const label = `${say("domain.last")}: ${figure(found.at(-1))}, ${say("domain.bound")}: ${figure(high)}`;
  return html`<svg
    class="days"
    viewBox="0 0 ${size} ${height}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    ${high == null ? nothing : band()} ${found.map((day, at) => (day == null ? nothing : bar(day, at)))}
    ${high == null ? nothing : bound()}
  </svg>`;
}
