// The dry run of a rule with other limits over past days: both counts and the difference. Nothing comes into force.

import { post, Problem } from "../../core/api.js";
import { everySecond, now } from "../../core/clock.js";
import { redraw } from "../../core/draw.js";
import { number, span, unit, ymd } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { choose } from "../../core/router.js";
import { say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";
import { exact } from "../../parts/limits.js";
import { days, differences } from "./difference.js";

const DAY_MS = 86_400_000;
const DAYS = 30;
const PATIENCE_MS = 65_000; // the server gives a trial 60 seconds
const LISTED = 200; // alerts that an answer lists at most

const keyOf = ({ severity, name }) => `${severity ?? ""}:${name}`;

/** A dry run: what is asked stands in the address (`limit`, `from`, `to`), the answer stays until the next one. */
export class Trial {
  #rule;
  #values; // of the limits, as typed, by severity and name
  #from;
  #to;
  #begun = null; // ms, while it is being made
  #found = null;
  #inForce = null; // the same of the version in force, for the list of differences
  #problem = null;
  #end = everySecond(() => this.#begun && redraw());

  constructor(rule, query) {
    this.#rule = rule;
    const asked = new Map(
      (query.limit ?? "")
        .split(";")
        .filter(Boolean)
        .map((one) => one.split("=")),
    );
    this.#values = new Map(
      this.#limits().map((limit) => [keyOf(limit), asked.get(keyOf(limit)) ?? String(limit.value)]),
    );
    this.#from = query.from ?? ymd(now() - DAYS * DAY_MS);
    this.#to = query.to ?? ymd(now());
  }

  close = () => this.#end();

  /** Limits that have a number of their own, each name once: of others there is nothing to change. */
  #limits() {
    const own = this.#rule.limits.filter(({ value }) => value != null);
    return own.filter((limit) => own.filter((other) => keyOf(other) === keyOf(limit)).length === 1);
  }

  view = () =>
    html`<section class="panel trial">
      <h2>${say("rule.trial")} <b class="not-in-force">${say("rule.not_in_force")}</b></h2>
      <form @submit=${(event) => this.#try(event)}>
        ${this.#limits().map((limit) => this.#field(limit))}
        <label
          >${say("rule.from")}
          <input
            class="field"
            type="date"
            required
            .value=${this.#from}
            @change=${(event) => (this.#from = event.target.value)}
        /></label>
        <label
          >${say("rule.to")}
          <input
            class="field"
            type="date"
            required
            .value=${this.#to}
            @change=${(event) => (this.#to = event.target.value)}
        /></label>
        <button class="button primary" ?disabled=${this.#begun !== null}>${say("rule.try")}</button>
      </form>
      <div class="tall" aria-live="polite">${this.#answer()}</div>
    </section>`;

  #field(limit) {
    const key = keyOf(limit);
    return html`<label
      >${limit.severity ? glyph(limit.severity) : nothing} ${limit.name === "limit" ? say("rule.limit") : limit.name}
      <input
        class="field number"
        type="number"
        step="any"
        required
        .value=${this.#values.get(key)}
        @input=${(event) => this.#values.set(key, event.target.value)}
      />
      ${unit(limit.unit)} <small class="muted">${say("rule.now_is", { value: exact(limit.value) })}</small></label
    >`;
  }

  #answer() {
    if (this.#begun) return html`<p class="empty">${say("rule.trying", { age: span(now() - this.#begun) })}</p>`;
    if (this.#problem) return html`<p class="notice t2">${this.#problem}</p>`;
    if (!this.#found)
      return html`<p class="empty">${say(this.#limits().length ? "rule.how" : "rule.nothing_to_change")}</p>`;
    const [one] = this.#found.rules;
    if (!one) return html`<p class="notice">${Object.values(this.#found.silent)[0] ?? say("no_data")}</p>`;
    return html`<div class="figures">
        ${figure("with", one.alerts)}${figure("at_present", one.in_force)}
        ${figure("added", one.only_here)}${figure("gone", one.only_in_force)}${figure("moved", one.changed)}
      </div>
      <p class="notice">
        ${say("rule.judged", { n: number(this.#found.readings + this.#found.rows), from: ymd(this.#found.from),
          to: ymd(this.#found.to) })}
      </p>
      ${days(this.#found.days)}${this.#differences(one)}`;
  }

  #differences(one) {
    if (!one.only_here && !one.only_in_force && !one.changed)
      return html`<p class="notice">${say("rule.no_difference")}</p>`;
    if (this.#inForce) return differences(this.#found.alerts, this.#inForce.alerts);
    if (Math.max(one.alerts, one.in_force ?? 0) > LISTED)
      return html`<p class="notice">${say("rule.too_many", { n: LISTED })}</p>`;
    return html`<p class="notice">
      <button class="button compact" @click=${() => this.#make([], (found) => (this.#inForce = found))}>
        ${say("rule.list")}
      </button>
    </p>`;
  }

  #try(event) {
    event.preventDefault();
    const changed = this.#limits().filter((limit) => Number(this.#values.get(keyOf(limit))) !== limit.value);
    choose({
      limit: changed.map((limit) => `${keyOf(limit)}=${this.#values.get(keyOf(limit))}`).join(";"),
      from: this.#from,
      to: this.#to,
    });
    this.#inForce = null;
    const limits = changed.map((limit) => ({
      severity: limit.severity,
      name: limit.name,
      value: Number(this.#values.get(keyOf(limit))),
    }));
    return this.#make(limits, (found) => (this.#found = found));
  }

  async #make(limits, take) {
    this.#begun = now();
    this.#problem = null;
    redraw();
    const to = Math.min(now(), Date.parse(this.#to) + DAY_MS);
    const asked = {
      rule: this.#rule.id,
      limits,
      from: new Date(Date.parse(this.#from)).toISOString(),
      to: new Date(to).toISOString(),
    };
    try {
      take(await post("/rules/dry-run", asked, undefined, { patience: PATIENCE_MS }));
    } catch (error) {
      this.#problem = error instanceof Problem ? error.message : say("rule.no_answer");
    }
    this.#begun = null;
    redraw();
  }
}

const figure = (name, value) =>
  html`<div class="figure">
    <label>${say(`rule.${name}`)}</label><b class="num">${value == null ? say("no_data") : number(value)}</b>
  </div>`;
