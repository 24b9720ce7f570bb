// How good the alerts are: each figure of ANSI/ISA-18.2 beside what is wanted of it, and how fast alerts are handled.

import { all, get } from "../core/api.js";
import { redraw } from "../core/draw.js";
import { number, span } from "../core/format.js";
import { html, svg } from "../core/lit.js";
import { choose } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph } from "../parts/glyph.js";
import { rowKeys } from "../parts/rows.js";

const FIGURES = ["rate", "most", "crowded", "flooded", "chattering", "stale", "top_share"];
const SHARES = ["crowded", "flooded", "top_share"]; // from 0 to 1
const BAR = 2; // how many times the wanted value a bar shows

export async function open(_, query) {
  const regions = (await all("/regions", {}, 5000)).filter(({ in_scope: seen }) => seen);
  const page = new Page(regions);
  await page.changed(query);
  return page;
}

class Page {
  scrolls = true;
  keys = rowKeys;
  #query = {};
  #found = null;
  #turn = 0;

  constructor(regions) {
    this.regions = regions;
  }

  title = () => say("frame.statistics");

  async changed(query) {
    this.#query = query;
    const mine = ++this.#turn;
    const found = await get("/statistics/alerts", { region: query.region, domain: query.domain });
    if (mine === this.#turn) this.#found = found;
    redraw();
  }

  view() {
    const { top, priorities, times, ...figures } = this.#found;
    const raised = priorities.reduce((sum, { alerts }) => sum + alerts, 0);
    return html`<div class="statistics">
      <section class="panel record-head">
        <h1>${say("frame.statistics")}</h1>
        <span class="sub">${say("statistics.about", { n: number(raised) })}</span>
        <span class="grow"></span>${this.#select("domain", store.domains ?? [])}${this.#select("region", this.regions)}
      </section>
      <section class="panel quality">
        <h2>${say("statistics.figures")} <small>${say("statistics.source")}</small></h2>
        <div class="tall">
          <table class="grid">
            <thead>
              <tr>
                <th>${say("statistics.figure")}</th>
                <th class="r">${say("statistics.is")}</th>
                <th class="r">${say("statistics.wanted")}</th>
                <th></th>
                <th>${say("statistics.verdict")}</th>
              </tr>
            </thead>
            <tbody>
              ${FIGURES.map((name) => figure(name, figures[name]))}
            </tbody>
          </table>
        </div>
      </section>
      <section class="panel">
        <h2>${say("statistics.priorities")}</h2>
        <div class="tall">${shares(priorities)}</div>
      </section>
      <section class="panel">
        <h2>${say("statistics.top")} <small>${say("statistics.top_why")}</small></h2>
        <div class="tall">${this.#top(top)}</div>
      </section>
      <section class="panel">
        <h2>${say("statistics.times")} <small>${say("statistics.from_raise")}</small></h2>
        <div class="tall">${handling(times)}</div>
      </section>
    </div>`;
  }

  #select(name, options) {
    return html`<select
      class="field"
      aria-label="${say(`statistics.${name}`)}"
      @change=${(event) => choose({ [name]: event.target.value })}
    >
      <option value="">${say(`statistics.every_${name}`)}</option>
      ${options.map(({ id, title }) =>
        html`<option value="${id}" ?selected=${id === this.#query[name]}>${pick(title)}</option>`)}
    </select>`;
  }

  #top(rows) {
    if (!rows.length) return html`<p class="empty">${say("statistics.none")}</p>`;
    return html`<table class="grid">
      <thead>
        <tr>
          <th>${say("statistics.rule")}</th>
          <th>${say("statistics.subject")}</th>
          <th class="r">${say("statistics.raised")}</th>
          <th class="r">${say("statistics.share")}</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (one) =>
            html`<tr data-row>
              <td>
                <a href="/rules/${encodeURIComponent(one.rule)}"
                  >${pick(one.title)}</a
                >
              </td>
              <td title=${one.subject}>${pick(one.place)}</td>
              <td class="r num">${one.alerts}</td>
              <td class="r num">${percent(one.share)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}

/** A share as a percentage; small ones with a decimal, if they need it. */
function percent(share) {
  const tenths = Math.round(1000 * share);
  return `${number(tenths / 10, share < 0.1 && tenths % 10 ? 1 : 0)} %`;
}

function figure(name, { value, most }) {
  const told = (number_) =>
    SHARES.includes(name) ? percent(number_) : number(number_, Number.isInteger(number_) ? 0 : 1);
  const good = value <= most;
  return html`<tr>
    <td>
      ${say(`statistics.${name}`)}
      <div class="muted">${say(`statistics.${name}_means`)}</div>
    </td>
    <td class="r num"><b>${told(value)}</b></td>
    <td class="r num">≤ ${told(most)}</td>
    <td>${bar(value, most, good)}</td>
    <td class="verdict-of">${good ? say("statistics.good") : html`<b class="t3">▽ ${say("statistics.bad")}</b>`}</td>
  </tr>`;
}

/** A bar of the value up to twice what is wanted, which a tick marks. */
function bar(value, most, good) {
  const length = most ? Math.min(100, (100 * value) / (BAR * most)) : value ? 100 : 0;
  return html`<svg class="measure ${good ? "" : "bad"}" aria-hidden="true">
    <rect class="ground" width="100%" height="8" y="3" />
    <rect class="bar" width="${length}%" height="8" y="3" />
    ${svg`<line x1="${most ? 50 : 0}%" x2="${most ? 50 : 0}%" y1="0" y2="14"/>`}
  </svg>`;
}

function shares(priorities) {
  if (!priorities.length) return html`<p class="empty">${say("statistics.none")}</p>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("statistics.severity")}</th>
        <th class="r">${say("statistics.raised")}</th>
        <th class="r">${say("statistics.share")}</th>
        <th class="r">${say("statistics.wanted")}</th>
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${[...priorities]
        .sort((a, b) => a.severity - b.severity)
        .map(
          (one) =>
            html`<tr>
              <td>${glyph(one.severity)} ${say(`severity.${one.severity}`)}</td>
              <td class="r num">${number(one.alerts)}</td>
              <td class="r num"><b>${percent(one.share)}</b></td>
              <td class="r num">${say("statistics.about_share", { share: percent(one.wanted) })}</td>
              <td>
                <svg class="measure" aria-hidden="true">
                  <rect class="ground" width="100%" height="8" y="3" />
                  <rect class="bar" width="${100 * one.share}%" height="8" y="3" />
                  <line x1="${100 * one.wanted}%" x2="${100 * one.wanted}%" y1="0" y2="14" />
                </svg>
              </td>
            </tr>`,
        )}
    </tbody>
  </table>`;
}

function handling(times) {
  if (!times.length) return html`<p class="empty">${say("statistics.none")}</p>`;
  const domain = (id) => pick((store.domains ?? []).find((one) => one.id === id)?.title) ?? id;
  const time = (seconds) =>
    html`<td class="r num">
      ${seconds == null ? html`<span class="muted">${say("statistics.not_yet")}</span>` : span(1000 * seconds)}
    </td>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("statistics.domain")}</th>
        <th>${say("statistics.severity")}</th>
        <th class="r">${say("statistics.alerts")}</th>
        <th class="r">${say("statistics.to_judge")}</th>
        <th class="r">${say("statistics.to_dispatch")}</th>
        <th class="r">${say("statistics.to_close")}</th>
      </tr>
    </thead>
    <tbody>
      ${times.map(
        (one) =>
          html`<tr>
            <td>${domain(one.domain)}</td>
            <td>${glyph(one.severity)} ${say(`severity.${one.severity}`)}</td>
            <td class="r num">${number(one.alerts)}</td>
            ${time(one.to_judge_s)}${time(one.to_dispatch_s)}${time(one.to_close_s)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
