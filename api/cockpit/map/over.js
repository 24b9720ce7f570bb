// What lies over a map: the choice of towns, their badges, the legend, and what the pointer is at.

import { html, nothing, svg } from "../core/lit.js";
import { pick, say } from "../core/words.js";
import { glyph } from "../parts/glyph.js";
import { badge } from "./badges.js";
import { approval, legend } from "./legend.js";
import { NO_DATA, SEVERITY, STALE } from "./states.js";

/** All of it; see CityMap. */
export function over({ failed, geography, town, counts, states, tip, titles, zoom, choose, signs, interactive }) {
  if (failed) return html`<p class="map-failed">${say("map.failed")}</p>`;
  if (!geography) return nothing;
  const { towns, outlines, sites } = geography;
  return html`${counts ? badges(towns, counts, choose) : nothing}
    ${choose && towns.length > 1 ? choice(towns, town, choose) : nothing}
    ${signs ? html`<div class="foot-line">${legend()}${approval(outlines.sources)}</div>` : nothing}
    ${interactive && zoom ? buttons(zoom) : nothing}
    ${tip ? pointed(tip, sites, titles, states[tip.site]) : nothing}`;
}

const badges = (towns, counts, choose) => html`
  <svg class="leads" aria-hidden="true">${towns.map(() => svg`<line/>`)}</svg>
  <div class="badges">${towns.map((town) => badge(town, counts.get(town.id), choose))}</div>`;

const choice = (towns, chosen, choose) => html`
  <div class="choice" role="group" aria-label="${say("map.extent")}">
    <button aria-pressed="${chosen === null}" @click=${() => choose(null)}>${say("map.whole")}</button>
    ${towns.map(({ id, title }) => html`
      <button aria-pressed="${chosen === id}" @click=${() => choose(id)}>${pick(title)}</button>`)}</div>`;

const buttons = (zoom) => html`<div class="zoom">
  ${button("map.closer", "+", () => zoom(0.5))}${button("map.farther", "−", () => zoom(-0.5))}</div>`;

const button = (key, sign, act) => html`
  <button title="${say(key)}" aria-label="${say(key)}" @click=${act}>${sign}</button>`;

/** What a site is called and how it is, beside the pointer. */
function pointed({ site, count, x, y }, sites, titles, state) {
  const title = titles ? pick({ zh: titles.zh[site], en: titles.en[site] }) : sites.id[site];
  return html`<div class="tip" .style=${`left:${x}px;top:${y}px`}><b>${title}</b> <span>${word(state)}</span>
    ${count > 1 ? html`<span>${say("map.together", { count })}</span>` : nothing}</div>`;
}

function word(state) {
  const severity = state & SEVERITY;
  if (severity) return html`${glyph(severity)} ${say(`severity.${severity}`)}`;
  return say(state & (STALE | NO_DATA) ? "no_data" : "map.normal");
}
