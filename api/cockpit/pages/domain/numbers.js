// Numbers of panels with their context: a value of a metric, and the limit that it breaks.

import { now } from "../../core/clock.js";
import { figure, number, short, unit } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { about, isStale } from "../../parts/span.js";

const BREAKS = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };
const SHARE_DECIMALS = 1;

/** Whether a limit is a number that holds for each series of its metric, wherever; others can't be judged here. */
export const isEverywhere = ({ value, where, series_where: some }) => value != null && !where && !some;

/** Whether a value breaks a limit. */
export const breaks = (value, limit) =>
  BREAKS[limit.operator]?.(limit.absolute ? Math.abs(value) : value, limit.value) ?? false;

/** The worst limit of a metric that a value breaks; null: none. */
export function broken(value, metric) {
  const found = metric.limits.filter((limit) => isEverywhere(limit) && breaks(value, limit));
  return found.sort((a, b) => a.severity - b.severity)[0] ?? null;
}

/** Whether the values of a metric stand for states. */
export const isCoded = ({ kind }) => kind === "state" || kind === "flags";

/** A number of a panel in words, without its unit. */
export function valueText(found, metric, across) {
  if (found.value == null) return say("no_data");
  if (across === "share") return number(found.value, SHARE_DECIMALS);
  if (isCoded(metric)) return found.states.map((id) => stateTitle(id, metric)).join(say("list")) || say("none");
  if (metric.kind === "boolean") return say(found.value ? "yes" : "no");
  return figure(found.value);
}

/** The title of a state, by its id. */
export const stateTitle = (id, metric) => pick(metric.states.find((state) => state.id === id)?.title) ?? id;

/** The unit of a figure: of a share per cent. */
export const unitText = (metric, across) => (across === "share" ? "%" : unit(metric.unit));

/** Since when nothing fresh has come, of a number without a value. */
export const missing = ({ time }) => (time ? say("reading.since", { time: short(time, now()) }) : say("domain.none"));

/** How old the newest reading of a metric is, or which span it is about; one that is too old looks stale. */
export const age = (time, of) =>
  time ? html`<small class="${isStale(time, of) ? "stale-age" : "muted"}">${about(time, of)}</small>`
    : html`<small class="stale-age">${say("domain.never")}</small>`;

/** 1 above what is usual of a value, -1 below it, else 0; a spread of nothing says nothing. */
export function away(value, { low, high }) {
  if (value == null || high == null || high <= low) return 0;
  return value > high ? 1 : value < low ? -1 : 0;
}

/** A limit's side and where it is from: ≥ 0.14 MPa keeps it. */
export const opposite = (operator) => ({ "<": "≥", "<=": ">", ">": "≤", ">=": "<" })[operator] ?? "";
