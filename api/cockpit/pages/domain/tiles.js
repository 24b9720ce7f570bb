// A tile for each subject: a value large, its last 24 hours, and what else says what it means.

import { figure, number, unit } from "../../core/format.js";
import { html, nothing, svg } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { amount, source } from "../../parts/limits.js";
import { age, broken, isCoded, missing, valueText } from "./numbers.js";

const SWATCHED = "aqi_category"; // the state whose standard gives it colours (HJ 633, table 2), 1 to 6
const BARS = { step: 5, width: 4, height: 26 }; // px

export function tiles(panel, data, { metrics, sel, way }) {
  const columns = panel.columns.map((column) => ({ ...column, of: metrics.get(column.metric) }));
  const told = [
    say("domain.subjects", { n: number(data.total) }),
    data.total > data.rows.length && say("domain.first", { n: data.rows.length }),
    say("domain.worst_first"),
    say("domain.bars_from_zero"),
  ];
  return html`<h2>${pick(panel.title)} <small>${told.filter(Boolean).join(" · ")}</small></h2>
    <div class="tall">
      ${data.rows.length ? nothing : html`<p class="empty">${say("domain.no_subjects")}</p>`}
      <div class="tile-grid">${data.rows.map((row) => tile(row, columns, row.id === sel, way(row)))}</div>
    </div>`;
}

function tile(row, columns, chosen, href) {
  const [main] = row.cells;
  const { of, title } = columns[0];
  const also = columns
    .slice(1)
    .map((column, place) => [column, row.cells[place + 1]])
    .filter(([, cell]) => cell);
  const limit = main?.value != null ? broken(main.value, of) : null;
  return html`<a data-row class="tile" aria-current=${chosen} href="${href}">
    <span class="head"
      >${row.severity ? glyph(row.severity) : nothing}<b
        class="ell"
        title="${pick(row.title)}, ${pick(row.region.title)}"
        >${pick(row.title)}</b
      >${main?.time ? age(main.time, of) : nothing}</span
    >
    ${large(main, of, also)} ${hours(main?.trend ?? [], pick(title))}
    <span class="also">${also.filter(([{ of }]) => of.kind === "number").map(small)}</span>
    ${limit ? html`<small class="tail">${say("history.limit")} ${amount(limit)} · ${source(limit)}</small>` : nothing}
  </a>`;
}

function large(main, of, also) {
  if (!main) return html`<span class="figure stale">${say("reading.none")}</span>`;
  if (main.value == null) return html`<span class="figure stale">${missing(main)}</span>`;
  const words = also.filter(([column, cell]) => isCoded(column.of) && cell.states.length);
  return html`<span class="figure"
    ><b class="num">${valueText(main, of)}</b><small>${unit(of.unit)}</small>${words.map(
      ([column, cell]) => html`<span>${swatch(column, cell)}${valueText(cell, column.of)}</span>`,
    )}</span
  >`;
}

const swatch = ({ metric }, { value }) =>
  metric === SWATCHED && value ? html`<i class="swatch aqi-${value}"></i>` : nothing;

const small = ([column, { value }]) =>
  html`<span><small class="muted">${pick(column.title)}</small> <span class="num">${figure(value)}</span></span>`;

/** 24 hours as bars from zero; an hour without data has none. */
function hours(trend, label) {
  const { step, width, height } = BARS;
  const most = Math.max(...trend.map((value) => value ?? 0), 1);
  const bar = (value, hour) => {
    if (value == null) return nothing;
    const size = (Math.max(0, value) / most) * height;
    const title = `${say("domain.hours_ago", { n: trend.length - 1 - hour })}: ${figure(value)}`;
    return svg`<rect x="${hour * step}" y="${height - size}" width="${width}" height="${size}">
      <title>${title}</title></rect>`;
  };
  return html`<svg
    class="hours"
    viewBox="0 0 ${trend.length * step || 1} ${height}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label} ${say("values.trend")}"
  >
    ${trend.map(bar)}
  </svg>`;
}
