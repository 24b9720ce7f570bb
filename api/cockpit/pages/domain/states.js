// How many sites of each kind are in which state, and those that are not as they should be.

import { now } from "../../core/clock.js";
import { number, short, span } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { stateTitle } from "./numbers.js";

const ALERT = "alert_"; // with the severity after it

export function states(panel, data, { metrics }) {
  const metric = metrics.get(panel.metrics[0]) ?? null;
  const kinds = new Map(data.counts.map(({ kind }) => [kind.id, kind]));
  const countsOf = (id) => data.counts.filter((count) => count.kind.id === id);
  const total = sum(data.counts);
  const bad = sum(data.counts.filter(({ normal }) => !normal));
  return html`<h2>
      ${pick(panel.title)} <small>${say("domain.states", { n: number(total), bad: number(bad) })}</small>
    </h2>
    <ul class="kinds">
      ${[...kinds].map(([id, kind]) => kindOf(kind, countsOf(id), metric))}
    </ul>
    <div class="tall">
      ${data.abnormal.length ? list(data.abnormal, metric, bad) : nothing}
      ${data.abnormal.length ? nothing : html`<p class="empty">${say("domain.all_normal")}</p>`}
    </div>`;
}

const sum = (counts) => counts.reduce((total, { sites }) => total + sites, 0);

/** A kind: how many there are, and how many of them are in each state that is not normal. */
function kindOf(kind, counts, metric) {
  const abnormal = counts.filter(({ normal }) => !normal).sort((a, b) => (a.state < b.state ? -1 : 1));
  return html`<li>
    <span class="ell" title="${pick(kind.title)}">${pick(kind.title)}</span><b class="num">${number(sum(counts))}</b> ${
      abnormal.length
        ? abnormal.map(
            ({ state, sites }) =>
              html`<span class="abnormal-of"
                >${isAlert(state) ? glyph(severityOf(state)) : nothing} ${word(state, metric)}
                <b class="num">${number(sites)}</b></span
              >`,
          )
        : html`<span class="muted">${say("domain.normal")}</span>`
    }
  </li>`;
}

const isAlert = (state) => state.startsWith(ALERT);

const severityOf = (state) => Number(state.slice(ALERT.length));

/** A state in words; its shape, where it is a severity, stands before them. */
function word(state, metric) {
  if (isAlert(state)) return say(`severity.short_${severityOf(state)}`);
  if (state === "silent" || state === "unheard" || state === "normal") return say(`domain.${state}`);
  if (state === "true") return pick(metric.title);
  return state === "false" ? say("domain.not", { title: pick(metric.title) }) : stateTitle(state, metric);
}

const list = (sites, metric, total) =>
  html`<table class="grid abnormal">
    <thead>
      <tr>
        <th></th>
        <th>
          ${say("domain.abnormal")}${total > sites.length ? ` · ${say("domain.first", { n: sites.length })}` : nothing}
        </th>
        <th>${say("sites.state")}</th>
        <th class="r">${say("domain.since")}</th>
      </tr>
    </thead>
    <tbody>
      ${sites.map((site) => line(site, metric))}
    </tbody>
  </table>`;

const line = (site, metric) =>
  html`<tr data-row>
    <td>${site.severity ? glyph(site.severity) : nothing}</td>
    <td class="name">
      <a href="/sites/${encodeURIComponent(site.id)}">${pick(site.title)}</a>
      <small class="muted">${pick(site.kind.title)} · ${pick(site.region.title)}</small>
    </td>
    <td>${word(site.state, metric)}</td>
    <td class="r num">${site.since ? since(site.since) : nothing}</td>
  </tr>`;

const since = (time) => html`${short(time, now())} <small class="muted">${span(now() - Date.parse(time))}</small>`;
