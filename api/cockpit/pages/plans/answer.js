// The sentence that answers whether a target will be met, and what it rests on.

import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { amount, apart, wanted } from "./amounts.js";
import { stateOf } from "./list.js";

const MARKS = { on_course: "✓", at_risk: "▽", off_course: "✕" };

/** The answer to an indicator; `said` is its outlook. */
export function answer(indicator, standing, said) {
  const state = standing ? stateOf(standing) : "unknown";
  return html`<section class="panel answer ${state}">
    <h1>${MARKS[state] ?? "？"} ${say(`plan.${state}`)}${say("plans.colon")}${sentence(indicator, standing, said)}</h1>
    <p>${grounds(indicator, standing)}</p>
  </section>`;
}

function sentence(indicator, standing, { projected, end, met }) {
  const { target } = indicator;
  const actual = standing?.actual ?? null;
  if (target.value == null)
    return (
      target.words ??
      say(actual == null ? "plans.neither" : "plans.untold", { value: actual == null ? "" : amount(actual, indicator) })
    );
  const when = target.year == null ? say("plans.in_time") : say("plans.in_year", { year: target.year });
  const words = { when, target: wanted(target.value, indicator) };
  if (actual == null) return say(indicator.measure ? "plans.unmeasured" : "plans.not_entered", words);
  if (projected != null && met != null) {
    const missing = met ? "" : apart(projected - target.value, indicator);
    return say(met ? "plans.will" : "plans.will_not", { ...words, value: amount(projected, indicator), missing });
  }
  const missing = apart(actual - target.value, indicator);
  if (end == null || met != null)
    return say((met ?? standing.verdict === "on_course") ? "plans.has" : "plans.has_not", {
      ...words,
      value: amount(actual, indicator),
      missing,
    });
  return say("plans.no_trend", { ...words, value: amount(actual, indicator) });
}

function grounds(indicator, standing) {
  const name = html`${pick(indicator.title)}${standing ? ` · ${pick(standing.region.title)}` : ""}`;
  if (standing?.actual == null) return name;
  const { actual, path, day, as_of: of } = standing;
  return html`${name} ·
  ${say(of ? "plans.entered_of" : "plans.measured_of", { value: amount(actual, indicator), day: of ?? day })}${
    path == null
      ? nothing
      : html` · ${say("plans.path_today")} ${amount(path, indicator)}${difference(actual - path, indicator)}`
  }`;
}

function difference(by, indicator) {
  if (Math.abs(by) < 0.005) return nothing;
  return `${say("plans.comma")}${say(by > 0 ? "plans.above" : "plans.below", { by: apart(by, indicator) })}`;
}
