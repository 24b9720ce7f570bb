// A rule: its text and limits, its versions and tests, where it fires, and what other limits would have raised.

import { all, get } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { short, span } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { at } from "../core/router.js";
import { on, store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph, glyphOf, icon } from "../parts/glyph.js";
import { confidence, source } from "../parts/limits.js";
import { rowKeys } from "../parts/rows.js";
import { limitValue, state } from "./rules.js";
import { text } from "./rule/text.js";
import { Trial } from "./rule/trial.js";

const FIRINGS = 50; // alerts that are listed
const MAY_TRY = ["engineer", "administrator"];

export async function open({ id }, query) {
  const path = `/rules/${encodeURIComponent(id)}`;
  const [rule, versions, fired] = await Promise.all([
    get(path),
    all(`${path}/versions`, { limit: 100 }),
    get("/alerts", { rule: id, open: false, sort: "-raised_at", limit: FIRINGS }),
  ]);
  return new Page(rule, versions, fired.items, query);
}

class Page {
  scrolls = true;
  keys = rowKeys;
  #query;
  #trial;
  #end = on("alert", (alert) => this.#take(alert));

  constructor(rule, versions, fired, query) {
    Object.assign(this, { rule, versions, fired });
    this.#query = query;
    this.#trial = MAY_TRY.includes(store.me?.role) ? new Trial(rule, query) : null;
  }

  title = () => pick(this.rule.title);
  close = () => {
    this.#end();
    this.#trial?.close();
  };

  changed(query) {
    this.#query = query;
    redraw();
  }

  #take(alert) {
    if (alert.rule !== this.rule.id) return;
    this.fired = [alert, ...this.fired.filter(({ id }) => id !== alert.id)].slice(0, FIRINGS);
  }

  view() {
    const shown = this.versions.find(({ version }) => version === Number(this.#query.version)) ?? this.versions[0];
    return html`<div class="rule-page">
      ${this.#head()}
      <section class="panel">
        <h2>${say("rule.limits")}</h2>
        <div class="tall">${limits(this.rule.limits)}</div>
      </section>
      <section class="panel tall-one">
        <h2>${say("rule.text")} <small>${say("rule.version", { n: shown.version })}</small></h2>
        <div class="tall" tabindex="0" role="region" aria-label="${say("rule.text")}"><pre class="source">${text(shown.definition)}</pre></div>
      </section>
      ${this.#trial?.view() ?? nothing}
      <section class="panel">
        <h2>
          ${say("rule.fired")} <small>${say("rule.fired_of", { n: this.fired.length })}</small
          ><span class="grow"></span>
          <a class="sub" href="/alerts?rule=${encodeURIComponent(this.rule.id)}">${say("rule.to_list")} ›</a>
        </h2>
        <div class="tall">${firings(this.fired)}</div>
      </section>
      <section class="panel">
        <h2>${say("rule.tests")} <small>${say("rule.tests_of", { n: shown.definition.tests?.length ?? 0 })}</small></h2>
        <div class="tall">${tests(shown.definition.tests ?? [])}</div>
      </section>
      <section class="panel">
        <h2>${say("rule.versions")} <small>${say("rule.versions_of", { n: this.rule.versions })}</small></h2>
        <div class="tall">${versions(this.versions, shown)}</div>
      </section>
    </div>`;
  }

  #head() {
    const { rule } = this;
    return html`<section class="panel record-head">
      ${icon(rule.domain.id)}
      <h1>${pick(rule.title)}</h1>
      <span class="glyphs">${rule.severities.map((one) => glyph(one))}</span><span class="num muted">${rule.id}</span>
      <a href="/domains/${rule.domain.id}">${pick(rule.domain.title)}</a
      ><span>${say(`rules.source_${rule.source}`)}</span>${state(rule)} <span class="grow"></span
      ><span class="muted"
        >${say("rule.in_force", { version: rule.version, time: short(rule.applied_at, now()) })}${
          rule.last_run ? ` · ${say("rule.ran", { age: span(now() - Date.parse(rule.last_run)) })}` : ""
        }</span
      >
      ${rule.error ? html`<p class="t2">${rule.error}</p>` : nothing}${rule.advice ? html`<p>${say("rule.advice")}${
        pick(rule.advice)}</p>` : nothing}
    </section>`;
  }
}

function limits(all) {
  if (!all.length) return html`<p class="empty">${say("rules.no_limit")}</p>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("rules.levels")}</th>
        <th class="r">${say("rule.limit")}</th>
        <th>${say("rule.source")}</th>
        <th>${say("rule.confidence")}</th>
        <th>${say("rule.counts_for")}</th>
      </tr>
    </thead>
    <tbody>
      ${all.map(
        (limit) =>
          html`<tr>
            <td>${limit.severity ? html`${glyph(limit.severity)} ${say(`severity.${limit.severity}`)}` : nothing}</td>
            <td class="r num">
              ${limit.name === "limit" ? nothing : html`<small class="muted">${limit.name}</small>`}
              <b>${limitValue(limit)}</b>
            </td>
            <td>${source(limit)}</td>
            <td>${confidence(limit) || say("confidence.S")}</td>
            <td>${[limit.where, season(limit)].filter(Boolean).join(" · ") || say("all")}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const season = ({ since, until }) =>
  since || until ? say("rule.season", { since: since ?? "", until: until ?? "" }) : "";

function firings(alerts) {
  if (!alerts.length) return html`<p class="empty">${say("rule.never")}</p>`;
  return html`<table class="grid">
    <tbody>
      ${alerts.map(
        (alert) =>
          html`<tr data-row class=${alert.open ? "" : "done"}>
            <td>${glyphOf(alert)}</td>
            <td><a href="/alerts/${alert.id}">${pick(alert.place) ?? alert.subject}</a></td>
            <td>${pick(alert.region_title)}</td>
            <td class="num">${short(alert.raised_at, now())}</td>
            <td>${say(alert.raised ? "condition.raised" : "condition.cleared")}</td>
            <td>${say(`handling.${alert.handling}`)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function tests(all) {
  if (!all.length) return html`<p class="empty">${say("rule.no_tests")}</p>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("rule.test")}</th>
        <th>${say("rule.given")}</th>
        <th>${say("rule.expected")}</th>
      </tr>
    </thead>
    <tbody>
      ${all.map(
        (test) =>
          html`<tr>
            <td>${test.name}</td>
            <td class="code">${told(test.given)}</td>
            <td class="code">${test.expect === "none" ? say("rule.nothing") : told(test.expect)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const told = (value) =>
  Array.isArray(value) ? value.map(told).join("\n") : typeof value === "object" ? text(value) : String(value ?? "");

/** Each version, with what it changed from the one before. */
const versions = (all, shown) =>
  html`<table class="grid">
    <tbody>
      ${all.map(
        (one, index) =>
          html`<tr data-row aria-selected="${one === shown}">
            <td><a href="${at({ version: one.version })}">${say("rule.version", { n: one.version })}</a></td>
            <td class="num">${short(one.applied_at, now())}</td>
            <td>${one.in_force ? html`<b>${say("rule.is_in_force")}</b>` : nothing}</td>
            <td class="sub">
              ${index + 1 < all.length
                ? say("rule.changed", { keys: changed(one, all[index + 1]).join(say("list")) || say("none") })
                : say("rule.first")}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;

function changed({ definition: one }, { definition: other }) {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((key) => text({ of: one[key] }) !== text({ of: other[key] }))
    .sort();
}
