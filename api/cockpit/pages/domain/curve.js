// A metric over another one: what was in each hour, where each subject stands now, and what it should be.

import { figure, hm, md, unit } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { plot, ticks } from "./plot.js";

const MARGIN = 0.04; // of the span of x, left and right
const PARTS = 16; // of the span of x, in each of which the reference is one point

export function curve(panel, data, { metrics, sel, rows }) {
  const [y, x] = panel.metrics.map((id) => metrics.get(id));
  const head = html`<h2>
    ${pick(panel.title)}
    <small
      >${sel ? html`<b>${pick(rows.get(sel)?.title) ?? sel}</b>` : say("domain.of_all")} ·
      ${say("domain.curve", { days: panel.hours / 24 })}</small
    >
  </h2>`;
  const all = [...data.hours, ...data.newest];
  if (!all.length)
    return html`${head}
      <p class="empty">${say("history.empty")}</p>`;
  const xs = all.map((point) => point.x);
  const ys = all.flatMap((point) => [point.y, point.reference]);
  const margin = (Math.max(...xs) - Math.min(...xs) || 1) * MARGIN;
  const span = [Math.min(...xs) - margin, Math.max(...xs) + margin];
  const away = (point) => {
    const sign = point.y < point.reference ? "−" : "+";
    return `${figure(point.y)} ${unit(y.unit)} (${sign}${figure(Math.abs(point.y - point.reference))})`;
  };
  return html`${head}
    <div class="charts">
      <div class="axes">
        <p>
          <span class="key line"></span>${say("domain.reference")} <span class="key hour"></span>${say("domain.hours")}
          <span class="key now"></span>${say("domain.newest")} <span class="grow"></span
          ><small class="muted">${pick(y.title)} ${unit(y.unit)} / ${pick(x.title)} ${unit(x.unit)}</small>
        </p>
        ${plot({
          x: span,
          y: ticks(Math.min(...ys), Math.max(...ys)),
          xTicks: ticks(...span)
            .filter((value) => value > span[0] && value < span[1])
            .map((value) => [value, figureOf(value)]),
          lines: [{ points: smooth(data.reference, span), kind: "reference" }],
          marks: [
            ...data.hours.map((point) => [
              point.x,
              point.y,
              "hour",
              `${md(point.time)} ${hm(point.time)} ${away(point)}`,
            ]),
            ...data.newest.map((point) => [
              point.x,
              point.y,
              `now ${point.site?.id === sel ? "sel" : ""}`,
              `${pick(point.site?.title)} ${away(point)}`,
            ]),
          ],
          label: spoken(data, y),
        })}
      </div>
    </div>`;
}

/** What y should be over x, as means of narrow parts of x: hours of different regions lie apart at the same x. */
function smooth(reference, [low, high]) {
  const parts = Array.from({ length: PARTS }, () => []);
  for (const point of reference)
    parts[Math.min(PARTS - 1, Math.floor(((point[0] - low) / (high - low)) * PARTS))].push(point);
  const mean = (points, at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  return parts.filter((points) => points.length).map((points) => [mean(points, 0), mean(points, 1)]);
}

const figureOf = (value) => String(value).replace("-", "−");

/** In words: where the newest stand, on the mean, against what they should be. */
function spoken({ newest }, y) {
  if (!newest.length) return say("no_data");
  const mean = (pickOne) => newest.reduce((sum, point) => sum + pickOne(point), 0) / newest.length;
  return say("domain.spoken", {
    value: figure(mean((point) => point.y)),
    reference: figure(mean((point) => point.reference)),
    unit: unit(y.unit),
  });
}
