// A value with how good and how old it is; a bare number is a defect.

import { now } from "../core/clock.js";
import { figure, short, unit } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { pick, say } from "../core/words.js";
import { about, isStale } from "./span.js";

/**
 * A reading: value, unit, quality, age.
 * @param value its number; null: there is none yet
 * @param of {unit, kind, states, interval_s, derived}: of its metric
 * @param time when it was measured (ISO 8601)
 * @param quality flags; none: it is good
 */
export function reading(value, of, time, quality = [], { age = true } = {}) {
  if (value == null || time == null) return html`<span class="stale">${say("reading.none")}</span>`;
  const stale = isStale(time, of);
  const doubtful = quality.filter((flag) => flag !== "late" && flag !== "revised");
  const look = stale ? "stale" : doubtful.length ? "uncertain" : "";
  return html`<span class="num ${look}">${doubtful.length ? "≈ " : ""}${told(value, of)}</span>${
    of.unit ? html` <small class="muted">${unit(of.unit)}</small>` : nothing}${
    doubtful.length ? html` <small class="sub">${doubtful.map((flag) => say(`quality.${flag}`)).join(say("list"))}</small>` : nothing}${
    age ? html` <small class="${stale ? "stale-age" : "muted"}">${stale ? say("reading.since", { time: short(time, now()) }) : about(time, of)}</small>` : nothing}`;
}

/** A value in words: a number, 是 or 否, the title of a state. */
export function told(value, of) {
  if (of.kind === "boolean") return say(value ? "yes" : "no");
  if (of.kind === "state") return pick(Object.values(of.states ?? {}).find((state) => state.code === value)?.title) ?? String(value);
  return figure(value);
}
