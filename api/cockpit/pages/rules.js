// The rules in force: what each judges, by which limits and from where, and what it has raised that is open.

import { all } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { short, span } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph, icon } from "../parts/glyph.js";
import { amount, source } from "../parts/limits.js";
import { rowKeys } from "../parts/rows.js";

const MODES = ["live", "shadow", "off"];
const SHOWN_LIMITS = 2; // of a rule in its row; its page has all

export async function open(_, query) {
  const rules = await all("/rules", { limit: 500 }, 2000);
  let chosen = query;
  return {
    keys: { ...rowKeys, "/": () => document.querySelector("#content input[type=search]")?.focus() },
    title: () => say("frame.rules"),
    changed: (next) => {
      chosen = next;
      redraw();
    },
    view: () => list(rules, chosen),
  };
}

function list(rules, chosen) {
  const shown = rules.filter((rule) => fits(rule, chosen));
  return html`<section class="panel listing records">
    <h1 class="sr">${say("frame.rules")}</h1>
    ${filters(chosen, shown.length, rules)}
    <div class="tall">
      ${
        shown.length
          ? table(shown)
          : html`<p class="empty">
              ${say("rules.nothing")}
              <button class="button compact" @click=${() => choose({ domain: null, mode: null, q: null })}>
                ${say("rules.clear")}
              </button>
            </p>`
      }
    </div>
  </section>`;
}

function fits(rule, { domain, mode, q }) {
  const text = (q ?? "").trim().toLowerCase();
  if ((domain && rule.domain.id !== domain) || (mode && rule.mode !== mode)) return false;
  return (
    !text || [rule.id, rule.title.zh, rule.title.en, ...rule.metrics].some((one) => one.toLowerCase().includes(text))
  );
}

function filters({ domain, mode, q }, count, rules) {
  const failing = rules.filter((rule) => rule.failing_since).length;
  return html`<div class="filters">
    <input
      class="field"
      type="search"
      .value=${q ?? ""}
      placeholder="${say("rules.search")}"
      aria-label="${say("rules.search")}"
      @input=${(event) => choose({ q: event.target.value })}
    />
    <select
      class="field"
      aria-label="${say("rules.domain")}"
      @change=${(event) => choose({ domain: event.target.value })}
    >
      <option value="">${say("rules.every_domain")}</option>
      ${domains(rules).map(({ id, title }) =>
        html`<option value="${id}" ?selected=${id === domain}>${pick(title)}</option>`)}
    </select>
    <span class="seg" role="group" aria-label="${say("rules.mode")}"
      >${[null, ...MODES].map(
        (one) =>
          html`<button aria-pressed="${(mode ?? null) === one}" @click=${() => choose({ mode: one })}>
            ${say(one ? `rules.mode_${one}` : "all")}
          </button>`,
      )}</span
    >
    <span class="grow"></span>${failing ? html`<b class="t2">▲ ${say("rules.failing", { n: failing })}</b>` : nothing}
    <span class="muted">${say("rules.count", { n: count })}</span>
  </div>`;
}

const domains = (rules) => [...new Map(rules.map(({ domain }) => [domain.id, domain])).values()];

const table = (rules) =>
  html`<table class="grid">
    <thead>
      <tr>
        <th>${say("rules.levels")}</th>
        <th>${say("rules.rule")}</th>
        <th>${say("rules.domain")}</th>
        <th>${say("rules.judges")}</th>
        <th>${say("rules.limits")}</th>
        <th>${say("rules.mode")}</th>
        <th class="r">${say("rules.version")}</th>
        <th>${say("rules.applied")}</th>
        <th class="r">${say("rules.open")}</th>
      </tr>
    </thead>
    <tbody>
      ${rules.map(row)}
    </tbody>
  </table>`;

function row(rule) {
  const open = [...store.alerts.values()].filter((alert) => alert.rule === rule.id).length;
  return html`<tr data-row>
    <td><span class="glyphs">${rule.severities.map((one) => glyph(one))}</span></td>
    <td>
      <a href="/rules/${encodeURIComponent(rule.id)}">${pick(rule.title)}</a> <small class="muted">${rule.id}</small>
    </td>
    <td>${icon(rule.domain.id)} ${pick(rule.domain.title)}</td>
    <td>${say(`rules.source_${rule.source}`)} <small class="muted">${rule.metrics.join(say("list"))}</small></td>
    <td>${limits(rule)}</td>
    <td>${state(rule)}</td>
    <td class="r num">${rule.version}</td>
    <td class="num">${short(rule.applied_at, now())}</td>
    <td class="r num">
      ${open ? html`<a href="/alerts?rule=${encodeURIComponent(rule.id)}"><b>${open}</b></a>`
        : html`<span class="muted">0</span>`}
    </td>
  </tr>`;
}

function limits(rule) {
  if (!rule.limits.length) return html`<span class="muted">${say("rules.no_limit")}</span>`;
  return html`${rule.limits
    .slice(0, SHOWN_LIMITS)
    .map(
      (limit) =>
        html`<div><span class="num">${limitValue(limit)}</span> <small class="muted">${source(limit)}</small></div>`,
    )}${
    rule.limits.length > SHOWN_LIMITS
      ? html`<small class="muted">${say("rules.more_limits", { n: rule.limits.length - SHOWN_LIMITS })}</small>`
      : nothing
  }`;
}

/** The number of a limit, or where it is taken from: an attribute of the site, a plan. */
export function limitValue(limit) {
  if (limit.value != null) return amount(limit);
  return limit.plan
    ? say("rules.of_plan", { plan: limit.plan })
    : say("rules.of_attribute", { attribute: limit.attribute ?? limit.name });
}

/** Whether it tells anybody, and whether it runs at all. */
export function state(rule) {
  if (rule.failing_since)
    return html`<b class="t2">▲ ${say("rules.fails", { age: span(now() - Date.parse(rule.failing_since)) })}</b>`;
  return html`<span class="${rule.mode === "live" ? "" : "stale-age"}">${say(`rules.mode_${rule.mode}`)}</span>`;
}
