// Plans: all indicators, and of one the answer whether its target will be met, with its course.

import { all, get, post, Problem } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { ymd } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import "../parts/chart.js";
import { rowKeys } from "../parts/rows.js";
import { worst } from "./overview/plan.js";
import { amount } from "./plans/amounts.js";
import { answer } from "./plans/answer.js";
import { askValue } from "./plans/entry.js";
import { facts } from "./plans/facts.js";
import { glide } from "./plans/glide.js";
import { list, stateOf } from "./plans/list.js";
import { known, outlook } from "./plans/outlook.js";

const COURSE_DAYS = 3000; // that are read at most: more than eight years
const MAY_ENTER = ["engineer", "administrator"];

export async function open({ plan, indicator }, query) {
  const [standings, plans] = await Promise.all([all("/indicators", { limit: 500 }, 5000), all("/plans")]);
  const id = plan ? `${plan}/${indicator}` : worst(standings)[0]?.indicator;
  const page = new Page(standings, plans, id ? await get(`/indicators/${id}`) : null);
  await page.changed(query);
  return page;
}

class Page {
  keys = { ...rowKeys, "/": () => document.querySelector("#content input[type=search]")?.focus() };
  #query = {};
  #region = null;
  #course = [];
  #chart = null;
  #notice = null;

  constructor(standings, plans, indicator) {
    Object.assign(this, { standings, plans, indicator });
  }

  title = () => (this.indicator ? pick(this.indicator.title) : say("frame.plans"));

  async changed(query) {
    this.#query = query;
    if (this.indicator) await this.#show(query.region);
    redraw();
  }

  /** Read the course in a region; without one, in that where it stands worst. */
  async #show(named) {
    const here = this.#here();
    const region = here.find((one) => one.region.id === named)?.region.id ?? worst(here)[0]?.region.id ?? null;
    if (region === this.#region) return;
    this.#region = region;
    const path = `/indicators/${this.indicator.id}/course`;
    const course = region ? await all(path, { region, limit: 1000 }, COURSE_DAYS) : [];
    this.#course = course.filter((one) => one.region.id === region);
    this.#chart = null;
  }

  /** Where this indicator stands, region by region. */
  #here = () => this.standings.filter(({ indicator }) => indicator === this.indicator.id);

  view() {
    const rows = worst(this.standings);
    return html`<div class="plans">
      ${list(rows, this.plans, this.indicator?.id, this.#query)}
      ${this.indicator ? this.#chosen()
        : html`<section class="panel"><p class="empty">${say("plans.none")}</p></section>`}
    </div>`;
  }

  #chosen() {
    const { indicator } = this;
    const here = this.#here();
    const standing = here.find(({ region }) => region.id === this.#region) ?? null;
    const points = known(this.#course);
    const said = outlook(indicator, standing, points, now());
    const plan = this.plans.find(({ id }) => id === indicator.plan);
    this.#chart ??= glide(indicator, points, said, standing && stateOf(standing), now());
    return html`<div class="plan-chosen">
      ${answer(indicator, standing, said)}
      <section class="panel glide">
        <h2>
          ${say("plans.glide")} <small>${span(indicator)}</small
          ><span class="grow"></span> ${this.#regions(here)}${this.#switch()}${this.#enter(here)}
        </h2>
        ${this.#notice ? html`<p class="notice" role="status">${this.#notice}</p>` : nothing}
        ${this.#query.as === "table" ? course(this.#course, indicator) : this.#chartOrNone(points)}
      </section>
      ${facts(indicator, plan, said, here, this.#region)}
    </div>`;
  }

  #chartOrNone(points) {
    const { indicator } = this;
    const last = points.at(-1);
    const told = `${pick(indicator.title)}: ${last ? amount(last[1], indicator) : say("no_data")}`;
    return html`${points.length ? nothing : html`<p class="notice">${say(indicator.measure ? "plans.no_measured"
      : "plans.no_entered")}</p>`}
    ${this.#chart ? html`<city-chart role="img" aria-label="${told}" .make=${this.#chart}></city-chart>` : nothing}`;
  }

  #regions(here) {
    if (here.length < 2) return nothing;
    return html`<select
      class="field"
      aria-label="${say("plans.region")}"
      @change=${(event) => choose({ region: event.target.value })}
    >
      ${here.map(({ region }) =>
        html`<option value="${region.id}" ?selected=${region.id === this.#region}>${pick(region.title)}</option>`)}
    </select>`;
  }

  #switch() {
    const table = this.#query.as === "table";
    return html`<span class="seg"
      ><button aria-pressed="${!table}" @click=${() => choose({ as: null })}>${say("plans.chart")}</button>
      <button aria-pressed="${table}" @click=${() => choose({ as: "table" })}>${say("plans.table")}</button></span
    >`;
  }

  #enter(here) {
    if (this.indicator.measure || !MAY_ENTER.includes(store.me?.role) || !here.length) return nothing;
    return html`<button class="button compact" @click=${() => this.#enterValue(here)}>${say("plans.enter")}</button>`;
  }

  /** Ask for a value and send it; it is in the course from the next judgement of the plans on. */
  async #enterValue(here) {
    const value = await askValue(this.indicator, here, this.#region, ymd(now()));
    if (!value) return;
    try {
      await post(`/indicators/${this.indicator.id}/values`, value);
      this.#notice = say("plans.entered");
    } catch (error) {
      this.#notice = error instanceof Problem ? error.message : say("frame.failed_away");
    }
    redraw();
  }
}

/** From where to where it goes. */
function span(indicator) {
  const { baseline, target } = indicator;
  const from =
    baseline?.value == null
      ? ""
      : say("plans.baseline", { when: when(baseline.year), value: amount(baseline.value, indicator) });
  const to =
    target.value == null
      ? say("plans.no_target")
      : say("plans.to", { when: when(target.year), value: amount(target.value, indicator) });
  return [from, to].filter(Boolean).join(" → ");
}

/** A year before a value; nothing where the plan names none. */
const when = (year) => (year == null ? "" : say("plans.of_year", { year }));

const course = (rows, indicator) =>
  html`<div class="tall">
    <table class="grid">
      <thead>
        <tr>
          <th>${say("plans.day")}</th>
          <th class="r">${say("plans.actual")}</th>
          <th class="r">${say("plans.path")}</th>
          <th class="r">${say("plans.shortfall")}</th>
          <th>${say("plans.state")}</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (one) =>
            html`<tr>
              <td class="num">${one.day}</td>
              <td class="r num">${one.actual == null ? say("no_data") : amount(one.actual, indicator)}</td>
              <td class="r num">${one.path == null ? "–" : amount(one.path, indicator)}</td>
              <td class="r num">${one.shortfall == null ? "–" : amount(one.shortfall, indicator)}</td>
              <td>${say(`plan.${stateOf(one)}`)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
