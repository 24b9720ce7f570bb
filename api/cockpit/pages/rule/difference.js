// What a dry run found beside the version in force: alerts by day, and those that differ.

import { hm, md, number } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { exact } from "../../parts/limits.js";

/** Alerts of each day, with other limits and as it is. */
export function days(all) {
  if (!all.length) return html`<p class="notice">${say("rule.none_raised")}</p>`;
  const most = Math.max(...all.map((day) => Math.max(day.alerts, day.in_force)), 1);
  const bar = (n, kind) =>
    html`<svg class="share ${kind}" aria-hidden="true"><rect height="100%" width="${(100 * n) / most}%" /></svg>`;
  return html`<table class="grid by-day">
    <thead>
      <tr>
        <th>${say("rule.day")}</th>
        <th colspan="2">${say("rule.with")}</th>
        <th colspan="2">${say("rule.at_present")}</th>
      </tr>
    </thead>
    <tbody>
      ${all.map(
        (day) =>
          html`<tr>
            <td class="num">${day.day}</td>
            <td class="r num">${number(day.alerts)}</td>
            <td>${bar(day.alerts, "tried")}</td>
            <td class="r num">${number(day.in_force)}</td>
            <td>${bar(day.in_force, "")}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** The alerts that only one of both would have raised, or raised otherwise. */
export function differences(tried, inForce) {
  const keyed = (alerts) => new Map(alerts.map((alert) => [`${alert.subject} ${alert.raised_at}`, alert]));
  const [here, there] = [keyed(tried), keyed(inForce)];
  const rows = [
    ...[...here].filter(([key]) => !there.has(key)).map(([, alert]) => ["added", alert]),
    ...[...there].filter(([key]) => !here.has(key)).map(([, alert]) => ["gone", alert]),
    ...[...here]
      .filter(([key, alert]) => there.has(key) && isOther(alert, there.get(key)))
      .map(([, alert]) => ["moved", alert]),
  ];
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("rule.difference")}</th>
        <th></th>
        <th>${say("rule.subject")}</th>
        <th>${say("rule.raised")}</th>
        <th>${say("rule.cleared")}</th>
        <th class="r">${say("rule.value")}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.sort((a, b) => b[1].raised_at.localeCompare(a[1].raised_at)).map(row)}
    </tbody>
  </table>`;
}

const isOther = (one, other) => one.cleared_at !== other.cleared_at || one.severity !== other.severity;
const when = (time) => `${md(time)} ${hm(time)}`;

const row = ([what, alert]) =>
  html`<tr>
    <td><b>${{ added: "＋", gone: "－", moved: "≠" }[what]}</b> ${say(`rule.${what}`)}</td>
    <td>${glyph(alert.severity)}</td>
    <td>${alert.subject}</td>
    <td class="num">${when(alert.raised_at)}</td>
    <td class="num">${alert.cleared_at ? when(alert.cleared_at) : say("condition.raised")}</td>
    <td class="r num">${exact(alert.values.value)}</td>
  </tr>`;
