// A row for each subject, those with alerts first; each cell with what it is to be compared with.

import { figure, number, unit } from "../../core/format.js";
import { html, nothing, svg } from "../../core/lit.js";
import { at } from "../../core/router.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { amount, provenance } from "../../parts/limits.js";
import { spark } from "../../parts/spark.js";
import { age, broken, missing, valueText } from "./numbers.js";

const DAY_BAR = { step: 6, width: 4, height: 24 }; // px

export function table(panel, data, { metrics, sel }) {
  const columns = panel.columns
    .map((column, place) => ({ ...column, place, of: metrics.get(column.metric), most: mostOf(data.rows, place) }))
    .filter(({ place }) => data.rows.some(({ cells: found }) => found[place]));
  const told = [
    say("domain.subjects", { n: number(data.total) }),
    data.total > data.rows.length && say("domain.first", { n: data.rows.length }),
    say("domain.worst_first"),
    ...columns.map(daysTold),
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
                ${data.rows.map((row) => line(row, columns, sel))}
              </tbody>
            </table>`
          : html`<p class="empty">${say("domain.no_subjects")}</p>`
      }
    </div>`;
}

const mostOf = (rows, place) => Math.max(...rows.map(({ cells: found }) => Math.abs(found[place]?.value ?? 0)), 0);

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

function line(row, columns, sel) {
  const chosen = row.id === sel;
  return html`<tr data-row aria-selected="${chosen}" class="${row.unjudged ? "unjudged" : ""}">
    <td>${row.severity ? glyph(row.severity) : nothing}</td>
    <td class="name"><a href="${at({ sel: chosen ? null : row.id })}">${pick(row.title)}</a></td>
    <td class="sub place-of">${pick(row.region.title)}</td>
    ${columns.map((column) => cells(row.cells[column.place], column, row))}
    <td class="r num">${row.time ? age(row.time, shortest(columns)) : nothing}</td>
  </tr>`;
}

const shortest = (columns) => Math.min(...columns.map(({ of }) => of.interval_s ?? Infinity)) || null;

/** The cells of a column: as many as it has heads. */
function cells(cell, column, row) {
  if (column.show === "days") return cell ? days(cell, row) : html`<td colspan="3"></td>`;
  if (column.show === "bar") {
    return html`<td class="num with-bar">
      ${cell ? html`${bar(cell.value, column.most)}${value(cell, column)}` : nothing}
    </td>`;
  }
  if (column.show === "trend") return html`<td class="num">${cell ? trend(cell, column, row) : nothing}</td>`;
  const usual = cell?.usual == null ? nothing : figure(cell.usual);
  return html`<td class="r num">${cell ? value(cell, column) : nothing}</td>
    ${column.usual ? html`<td class="r num muted">${usual}</td>` : nothing}`;
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
function days({ days: found, high, low }, { severity }) {
  const last = found.findLast((day) => day != null) ?? null;
  const isOut = (day) => high != null && day != null && (day > high || day < low);
  return html`<td>${dayBars(found, { high, low, isOut, severity })}</td>
    <td class="r num ${isOut(last) ? "exceeds" : ""}">${figure(last)}</td>
    <td class="r num muted">${high == null ? say("domain.too_few") : figure(high)}</td>`;
}

function dayBars(found, { high, low, isOut, severity }) {
  const { step, width, height } = DAY_BAR;
  const size = found.length * step;
  const top = Math.max(high ?? 0, ...found.map((day) => day ?? 0)) || 1;
  const y = (value) => height - (Math.max(0, value) / top) * height;
  const band = () => svg`<rect class="band" width="${size}" y="${y(high)}" height="${Math.max(1, y(low) - y(high))}"/>`;
  const bar = (day, at) => svg`<rect class=${isOut(day) ? `out a${severity ?? ""}` : ""} x="${at * step + 1}"
    y="${y(day)}" width="${width}" height="${height - y(day)}"/>`;
  const label = `${say("domain.last")}: ${figure(found.at(-1))}, ${say("domain.bound")}: ${figure(high)}`;
  return html`<svg class="days" width="${size}" height="${height}" role="img" aria-label="${label}">
    ${high == null ? nothing : band()} ${found.map((day, at) => (day == null ? nothing : bar(day, at)))}
  </svg>`;
}
