// What the plans ask for: those indicators first that are off their course.

import { number, unit } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { at } from "../../core/router.js";
import { pick, say } from "../../core/words.js";
import { bullet, planState } from "../../parts/spark.js";

const SHOWN = 6;
const RANKS = ["off_course", "at_risk", "on_course", "unknown"];
const ROOM = 1.15; // of the greatest value: how far the scale goes on

/** One standing of each indicator, the worst of its regions, and the worst of all first. */
export function worst(standings) {
  const rank = (one) => RANKS.indexOf(one.verdict) * 4 + (one.actual == null ? 2 : 0) + (one.target == null ? 1 : 0);
  const found = new Map();
  for (const one of standings) {
    const known = found.get(one.indicator);
    if (!known || rank(one) < rank(known)) found.set(one.indicator, one);
  }
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

/** The panel; `standings` null: not read yet. */
export const plan = (standings) => html`<section class="panel plan" aria-label="${say("overview.plan")}">
  <h2>${say("overview.plan")} <small>${say("overview.plan_legend")}</small><span class="grow"></span>
    ${standings?.length ? every(standings.length) : nothing}</h2>
  <div class="bullets">${standings?.length ? standings.slice(0, SHOWN).map(indicator) : none(standings)}</div>
</section>`;

const every = (n) => html`<a class="sub" href="/plans">${say("overview.plan_all", { n })}</a>`;

const none = (standings) => html`<p class="empty">${say(standings ? "overview.plan_none" : "overview.reading")}</p>`;

function indicator(one) {
  const state = one.verdict === "unknown" && one.target == null ? "no_target" : one.verdict;
  const better = one.direction === "at_most" ? "low" : "high";
  const [low, high] = scale(one);
  const told = one.actual == null ? "overview.no_value" : "overview.value";
  const label = `${pick(one.title)} ${say(told, { value: exact(one.actual ?? 0), unit: unit(one.unit) })}`;
  return html`<a class="indicator" href="${at({ region: one.region.id }, `/plans/${one.indicator}`)}">
    <span class="name ell" title="${label}">${pick(one.title)} <small>${pick(one.region.title)}</small></span>
    ${planState(state)}${bullet({ ...one, low, high, better, state, label })}
    <span class="axis num">${axis(one)}</span></a>`;
}

const SIGNS = { at_most: "≤", at_least: "≥", about: "≈" };

function axis({ actual, path, target, direction, unit: name, year }) {
  const ending = year ? say("overview.year", { year }) : "";
  return html`${actual == null
      ? html`<span>${say("overview.no_value")}</span>`
      : html`<span>${say("overview.now")} <b>${exact(actual)}</b> ${unit(name)}</span>`}
    ${path == null ? nothing : html`<span>${say("overview.path")} ${exact(path)}</span>`}
    ${target == null
      ? html`<span>${say("overview.no_target")}</span>`
      : html`<span>${say("overview.target")} ${SIGNS[direction]} ${exact(target)}${ending}</span>`}`;
}

/** A number of a plan as it is printed, at most two decimals. */
const exact = (value) => number(value, [0, 1].find((decimals) => Number(value.toFixed(decimals)) === value) ?? 2);

/** From where to where the scale goes: percentages of at least something end at 100. */
function scale({ actual, path, target, unit: name, direction }) {
  const known = [actual, path, target].filter((value) => value != null);
  if (name === "%" && direction === "at_least") return [0, Math.max(100, ...known)];
  return [Math.min(0, ...known), Math.max(...known, 0) * ROOM || 1];
}
