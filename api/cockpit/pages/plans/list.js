// All indicators, the worst first, each with its bullet.

import { html, nothing } from "../../core/lit.js";
import { at, choose } from "../../core/router.js";
import { pick, say } from "../../core/words.js";
import { bullet, planState } from "../../parts/spark.js";
import { amount, wanted } from "./amounts.js";

const ROOM = 1.15; // of the greatest value: how far the scale goes on

/**
 * The list.
 * @param rows one standing of each indicator, the worst first
 * @param plans as GET /plans tells them
 * @param chosen id of the indicator that is shown
 * @param query state in the address: `of` (a plan), `q`
 */
export function list(rows, plans, chosen, { of, q }) {
  const wantedText = (q ?? "").trim().toLowerCase();
  const shown = rows.filter((row) => (!of || row.indicator.startsWith(`${of}/`)) && matches(row, wantedText));
  return html`<section class="panel plan-list" aria-label="${say("plans.list")}">
    <h2>${say("plans.list")} <small>${say("plans.worst_first", { n: shown.length })}</small></h2>
    <div class="filters">
      <input
        class="field"
        type="search"
        .value=${q ?? ""}
        placeholder="${say("plans.search")}"
        aria-label="${say("plans.search")}"
        @input=${(event) => choose({ q: event.target.value })}
      />
      <select class="field" aria-label="${say("plans.plan")}" @change=${(event) => choose({ of: event.target.value })}>
        <option value="">${say("plans.every_plan")}</option>
        ${plans.map(({ id, title }) => html`<option value="${id}" ?selected=${id === of}>${pick(title)}</option>`)}
      </select>
    </div>
    <div class="tall">
      ${shown.length ? shown.map((row) => line(row, chosen)) : html`<p class="empty">${say("plans.nothing")}</p>`}
    </div>
  </section>`;
}

const matches = ({ title, indicator, region }, text) =>
  !text || [title.zh, title.en, indicator, pick(region.title)].some((one) => one?.toLowerCase().includes(text));

function line(row, chosen) {
  const name = `${pick(row.title)} ${row.actual == null ? say("no_data") : amount(row.actual, row)}`;
  const state = stateOf(row);
  const better = row.direction === "at_most" ? "low" : "high";
  return html`<a
    class="indicator"
    data-row
    href="${at({ region: row.region.id, of: inAddress("of"), q: inAddress("q") }, `/plans/${row.indicator}`)}"
    aria-current=${row.indicator === chosen ? "true" : nothing}
  >
    <span class="name ell" title="${name}">${pick(row.title)} <small>${pick(row.region.title)}</small></span
    >${planState(state)} ${bullet({ ...row, ...scale(row), better, state, label: name })}
    <span class="axis num"
      >${row.actual == null ? say("plans.no_value")
        : html`<span>${say("plans.now")} <b>${amount(row.actual, row)}</b></span>`}
      <span
        >${row.target == null ? say("plans.no_target") : `${say("plans.target")} ${wanted(row.target, row)}${
          row.year ? say("overview.year", { year: row.year }) : ""
        }`}</span
      ></span
    ></a
  >`;
}

const inAddress = (name) => new URLSearchParams(location.search).get(name);

/** The state of a standing: that there is no target is told apart from that there are no data. */
export const stateOf = ({ verdict, target }) => (verdict === "unknown" && target == null ? "no_target" : verdict);

/** From where to where the scale goes: percentages of at least something end at 100. */
function scale({ actual, path, target, unit, direction }) {
  const known = [actual, path, target].filter((value) => value != null);
  if (unit === "%" && direction === "at_least") return { low: Math.min(0, ...known), high: Math.max(100, ...known) };
  return { low: Math.min(0, ...known), high: Math.max(0, ...known) * ROOM || 1 };
}
