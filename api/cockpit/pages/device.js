// A device: what it said last, its credentials, its ledger, what it measures, and the history of one of its series.

import { all, get } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { hm, md, number, short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { pick, say } from "../core/words.js";
import { Alerts } from "../parts/alerts.js";
import { deviceState, hearing, siteOf } from "../parts/device.js";
import { glyphOf, icon } from "../parts/glyph.js";
import { History } from "../parts/history.js";
import { rowKeys } from "../parts/rows.js";
import { Values, withStates } from "../parts/values.js";

const COUNTS = ["received", "stored", "duplicate", "quarantined"];
const LEAST_INTERVAL_MS = 60_000; // of asking again how it is

export async function open({ region, domain, name }, query) {
  const path = `/devices/${[region, domain, name].map(encodeURIComponent).join("/")}`;
  const filter = { region, domain, device: name };
  const [device, found] = await Promise.all([get(path), all("/series", { ...filter, limit: 500 })]);
  const own = found.filter((series) => series.region.id === region);
  const series = (await withStates(own, domain)).sort((a, b) => a.derived - b.derived || a.id - b.id);
  const key = `${region}/${domain}/${name}`;
  const alerts = new Alerts(
    { device: key },
    (alert) => alert.device === name && alert.region === region && alert.domain === domain,
  );
  const page = new Page(path, device, series, new Values(series, filter), alerts);
  await Promise.all([page.values.load(), alerts.load()]);
  await page.changed(query);
  return page;
}

class Page {
  scrolls = true;
  keys = rowKeys;
  history = new History();
  #chosen = null;
  #table = false;
  #again;

  constructor(path, device, series, values, alerts) {
    Object.assign(this, { device, series, values, alerts });
    this.#again = setInterval(() => {
      if (!document.hidden)
        get(path)
          .then((found) => (this.device = found))
          .then(redraw, () => {});
    }, LEAST_INTERVAL_MS);
  }

  title = () => this.device.name;

  async changed(query) {
    this.#chosen = this.series.find(({ id }) => id === Number(query.series)) ?? this.series[0];
    this.#table = query.as === "table";
    redraw();
    if (this.#chosen)
      await this.history.show(
        this.#chosen,
        query,
        this.alerts.items.filter(({ subject }) => subject === this.#chosen.name),
      );
  }

  close() {
    clearInterval(this.#again);
    for (const part of [this.values, this.alerts, this.history]) part.close();
  }

  view = () =>
    html`<div class="site-page">
      ${this.#head()}
      <section class="panel now-panel">
        <h2>${say("site.values")} <small>${say("site.values_of", { n: this.series.length })}</small></h2>
        <div class="tall">${this.values.view(this.#chosen?.id, this.alerts.open)}</div>
      </section>
      ${this.history.view(this.values.latest.get(this.#chosen?.id), this.#table)}
      <section class="panel">
        <h2>${say("device.ledger")} <small>${say("device.ledger_told")}</small></h2>
        <div class="tall">${ledger(this.device.ledger)}</div>
      </section>
      <section class="panel">
        <h2>
          ${say("site.alerts")}
          <small>${say("site.alerts_of", { open: this.alerts.open.length, n: this.alerts.items.length })}</small>
        </h2>
        <div class="tall">${this.alerts.view()}</div>
      </section>
    </div>`;

  #head() {
    const { device } = this;
    const worst = this.alerts.open[0];
    return html`<section class="panel site-head ${worst ? `k${worst.severity}` : ""}">
      ${worst ? glyphOf(worst) : icon(device.domain.id)}
      <h1>${device.name}</h1>
      ${hearing(device)}<span><span class="muted">${say("site.word")}</span> ${deviceState(device)}</span>
      ${siteOf(device)}
      <a href="/domains/${device.domain.id}">${pick(device.domain.title)}</a><span>${pick(device.region.title)}</span>
      <span class="grow"></span
      ><span><span class="muted">${say("device.credentials")}</span> ${credentials(device.credentials)}</span>
      <span><span class="muted">${say("site.gateway")}</span> ${device.gateway ?? say("none")}</span>
      <span><span class="muted">${say("device.listed")}</span> ${say(device.verified ? "yes" : "no")}</span>
      <span class="num"><span class="muted">${say("device.first_seen")}</span> ${short(device.first_seen, now())}</span>
    </section>`;
  }
}

function credentials({ state, created_at: created, rotated_at: rotated, revoked_at: revoked }) {
  const time = state === "revoked" ? revoked : (rotated ?? created);
  return html`<b class="${state === "revoked" ? "stale-age" : ""}">${say(`device.${state}`)}</b
    >${time ? html` <small class="muted">${short(time, now())}</small>` : nothing}`;
}

/** Hours of the last day, the newest first, with their sum; each must balance. */
function ledger(hours) {
  if (!hours.length) return html`<p class="empty">${say("device.unheard_day")}</p>`;
  const total = Object.fromEntries(COUNTS.map((name) => [name, hours.reduce((sum, hour) => sum + hour[name], 0)]));
  const line = (head, counts) =>
    html`<td class="num">${head}</td>
      ${COUNTS.map((name) => html`<td class="r num">${number(counts[name])}</td>`)}
      <td>${balance(counts)}</td>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("device.hour")}</th>
        ${COUNTS.map((name) => html`<th class="r">${say(`device.${name}`)}</th>`)}
        <th>${say("device.balance")}</th>
      </tr>
    </thead>
    <tbody>
      <tr class="sum">
        ${line(say("device.day"), total)}
      </tr>
      ${[...hours]
        .sort((a, b) => (a.hour < b.hour ? 1 : -1))
        .map(
          (hour) =>
            html`<tr>
              ${line(`${md(hour.hour)} ${hm(hour.hour)}`, hour)}
            </tr>`,
        )}
    </tbody>
  </table>`;
}

function balance({ received, stored, duplicate, quarantined }) {
  const open = received - stored - duplicate - quarantined;
  return open ? html`<b class="t1">${say("device.unbalanced", { n: number(open) })}</b>` : say("device.balanced");
}
