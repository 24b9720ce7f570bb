// Where an indicator comes from, how it is measured, what it takes to catch up, and which regions are furthest behind.

import { html, nothing } from "../../core/lit.js";
import { at } from "../../core/router.js";
import { pick, say } from "../../core/words.js";
import { apart, wanted, yearly } from "./amounts.js";

const SHOWN = 3; // regions that are furthest behind

/** Four facts side by side; `here` are its standings in all regions. */
export const facts = (indicator, plan, said, here, region) =>
  html`<section class="panel facts-of" aria-label="${say("plans.facts")}">
    <div>
      <label>${say("plans.source")}</label><b>${pick(plan?.title) ?? indicator.plan}${indicator.clause}</b>
      <small
        >${[pick(plan?.issuer), plan?.issued, say(`plans.binding_${indicator.binding}`)]
          .filter(Boolean).join(" · ")}</small
      >
    </div>
    <div>
      <label>${say("plans.method")}</label><b>${say(indicator.measure ? "plans.measured" : "plans.by_people")}</b>
      <small title="${pick(indicator.note) ?? ""}"
        >${[say(`plans.kind_${indicator.kind}`), indicator.measure, pick(indicator.note)].filter(Boolean).join(" · ")}</small
      >
    </div>
    <div><label>${say("plans.needed")}</label>${needed(indicator, said)}</div>
    <div><label>${say("plans.behind")}</label>${behind(indicator, here, region)}</div>
  </section>`;

function needed(indicator, { needed: change, slope }) {
  if (change == null)
    return html`<b>${say("no_data")}</b
      ><small>${say(indicator.target.value == null ? "plans.no_target" : "plans.needs_value")}</small>`;
  return html`<span>${yearly(change, indicator)}</span>
    <small
      >${slope == null ? say("plans.no_slope") : html`${say("plans.at_present")} ${yearly(slope, indicator)}`}</small
    >`;
}

/** Regions by how far they are short; that of the whole city says nothing about where it comes from. */
function behind(indicator, here, region) {
  const short = here
    .filter((one) => one.region.id !== region && one.shortfall > 0)
    .sort((a, b) => b.shortfall - a.shortfall);
  if (!short.length)
    return html`<b>${say("none")}</b
      ><small>${say(here.length > 1 ? "plans.nobody_behind" : "plans.one_region")}</small>`;
  return html`${short
    .slice(0, SHOWN)
    .map(
      (one) =>
        html`<a href="${at({ region: one.region.id })}"
          >${pick(one.region.title)}
          <span class="num">${say("plans.short_by", { by: apart(one.shortfall, indicator) })}</span></a
        >`,
    )}
  ${indicator.target.value == null ? nothing
    : html`<small>${say("plans.target")} ${wanted(indicator.target.value, indicator)}</small>`}`;
}
