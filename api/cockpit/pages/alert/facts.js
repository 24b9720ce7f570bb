// Why the alert is one: its rule, the condition in words, limits with their source, the readings that raised it.

import { figure, hm, short, unit } from "../../core/format.js";
import { now } from "../../core/clock.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { language, pick, say } from "../../core/words.js";
import { amount, provenance } from "../../parts/limits.js";
import { duration, inWords } from "./condition.js";

const BEFORE_MS = 6 * 3_600_000; // of the board before the alert, and after it
const SHOWN = 4; // readings up to the one that raised it

/**
 * The panel.
 * @param titles {name: {zh, en}} of what the condition names besides limits
 */
export function facts({ alert, explanation }, titles) {
  if (!explanation)
    return html`<section class="panel facts"><h2>${say("alert.facts")}</h2><p
      class="muted pad">${say("alert.reading")}</p></section>`;
  const { judged, limits } = explanation;
  const told = (key) => judged[key] && inWords(judged[key], limits, titles);
  const rows = [
    [
      "rule",
      html`<a class="link" href="/rules/${alert.rule}"><code>${alert.rule}</code></a>
        ${say("alert.version", { version: alert.version })}`,
    ],
    [
      "condition",
      silence(explanation.definition) ??
        [told("raise"), judged.for && say("alert.held", { span: duration(judged.for) })]
          .filter(Boolean)
          .join(say("alert.and")),
    ],
    ...limits.map((limit) => ["limit", html`<b class="num">${amount(limit)}</b> ${provenance(limit)}`]),
    ["clear", clearing(judged, told)],
    ["readings", readings(explanation, alert)],
    ["silent", alert.silent_since && say("alert.heard", { time: short(alert.silent_since, now()) })],
    ["due", due(explanation.deadline)],
    ["told", explanation.untold && pick(explanation.untold)],
    ["board", store.me.grafana && html`<a class="link" target="_blank" rel="noopener" href="${board(store.me.grafana, alert)}">Grafana ↗</a>`],
  ];
  return html`<section class="panel facts"><h2>${say("alert.facts")}</h2><dl>${rows.map(([name, value]) =>
    value ? html`<dt>${say(`alert.fact.${name}`)}</dt><dd>${value}</dd>` : nothing,
  )}</dl></section>`;
}

/** The board of the domain, at the site of the alert, from before it was raised until it was over, or until now. */
function board(grafana, { domain, region, site, raised_at, cleared_at }) {
  const url = new URL(`${grafana}/d/citybrain-domain-${domain}-${language}`);
  url.searchParams.set("from", Date.parse(raised_at) - BEFORE_MS);
  url.searchParams.set("to", Math.min(cleared_at ? Date.parse(cleared_at) + BEFORE_MS : Infinity, now()));
  url.searchParams.set("var-region", region);
  if (site) url.searchParams.set("var-site", site);
  return url;
}

/** Rules on silence have no condition: nothing was heard for so long. */
const silence = (definition) => (definition.silent ? say("alert.silence", { span: duration(definition.after) }) : null);

function clearing(judged, told) {
  if (!judged.raise) return null;
  const condition = told("clear") ?? say("alert.no_longer");
  return [condition, judged.keep && say("alert.held", { span: duration(judged.keep) })]
    .filter(Boolean)
    .join(say("alert.and"));
}

/** Those up to the one that raised it, which is bold. */
function readings({ readings: all, series }, alert) {
  const raised = Date.parse(alert.raised_at);
  const shown = all.filter(({ time }) => Date.parse(time) <= raised).slice(-SHOWN);
  if (!shown.length) return null;
  return html`<span class="num">${shown.map(({ time, value, good }, index) => {
    const text = html`${hm(time)} ${good ? "" : "≈ "}${figure(value)}`;
    return html`${index ? " · " : ""}${Date.parse(time) === raised ? html`<b>${text}</b>` : text}`;
  })} ${unit(series?.unit)}</span>`;
}

/** Who says until when the next step is due. */
function due(deadline) {
  if (!deadline) return null;
  return say("alert.due_by", {
    step: pick(deadline.title),
    source: provenance({ source: deadline.source, confidence: deadline.confidence }),
  });
}
