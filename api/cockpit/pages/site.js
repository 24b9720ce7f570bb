// A site: newest values with quality and age, the history of one of them, alerts, devices.

import { get } from "../core/api.js";
import { redraw } from "../core/draw.js";
import { html, nothing } from "../core/lit.js";
import { say, pick } from "../core/words.js";
import { glyphOf, icon } from "../parts/glyph.js";
import { Alerts } from "../parts/alerts.js";
import { deviceState } from "../parts/device.js";
import { History } from "../parts/history.js";
import { rowKeys } from "../parts/rows.js";
import { Values, withStates } from "../parts/values.js";

export async function open({ id }, query) {
  const site = await get(`/sites/${encodeURIComponent(id)}`);
  const series = (await withStates(site.series, site.domain.id)).sort((a, b) => a.derived - b.derived || a.id - b.id);
  const values = new Values(series, { site: id });
  const alerts = new Alerts({ site: id }, (alert) => alert.site === id);
  const history = new History();
  const page = new Page(site, series, values, alerts, history);
  await Promise.all([values.load(), alerts.load()]);
  await page.changed(query);
  return page;
}

class Page {
  scrolls = true;
  keys = rowKeys;
  #chosen = null;
  #table = false;

  constructor(site, series, values, alerts, history) {
    Object.assign(this, { site, series, values, alerts, history });
  }

  title = () => pick(this.site.title);

  /** What the address chooses: the series, by its id; without one, that of the worst alert, else the first. */
  async changed(query) {
    const named = (name) => this.series.find((series) => series.name === name);
    this.#chosen =
      this.series.find(({ id }) => id === Number(query.series)) ??
      this.alerts.open.map(({ subject }) => named(subject)).find(Boolean) ??
      this.series[0];
    this.#table = query.as === "table";
    redraw();
    if (this.#chosen)
      await this.history.show(
        this.#chosen,
        query,
        this.alerts.items.filter(({ subject }) => subject === this.#chosen.name),
      );
  }

  close = () => [this.values, this.alerts, this.history].forEach((part) => part.close());

  view = () =>
    html`<div class="site-page">
      ${this.#head()}
      <section class="panel now-panel">
        <h2>${say("site.values")} <small>${say("site.values_of", { n: this.series.length })}</small></h2>
        <div class="tall">
          ${this.values.view(this.#chosen?.id, this.alerts.open, { devices: this.site.devices.length > 1 })}
        </div>
      </section>
      ${this.history.view(this.values.latest.get(this.#chosen?.id), this.#table)}
      <section class="panel">
        <h2>
          ${say("site.alerts")}
          <small>${say("site.alerts_of", { open: this.alerts.open.length, n: this.alerts.items.length })}</small>
        </h2>
        <div class="tall">${this.alerts.view()}</div>
      </section>
      <section class="panel">
        <h2>${say("site.devices")} <small>${say("site.devices_of", { n: this.site.devices.length })}</small></h2>
        <div class="tall">${this.#devices()}</div>
      </section>
    </div>`;

  #head() {
    const { site } = this;
    const worst = this.alerts.open[0];
    return html`<section class="panel site-head ${worst ? `k${worst.severity}` : ""}">
      ${worst ? glyphOf(worst) : icon(site.domain.id)}
      <h1>${pick(site.title)}</h1>
      <span>${pick(site.kind_title) ?? site.kind}</span
      ><a href="/domains/${site.domain.id}">${pick(site.domain.title)}</a>
      <a href="/sites?region=${site.region.id}">${pick(site.region.title)}</a>
      <span class="grow"></span
      ><span class="num muted" title="WGS84">${site.longitude.toFixed(5)}, ${site.latitude.toFixed(5)}</span
      ><span class="num muted">${site.id}</span>
    </section>`;
  }

  #devices() {
    const { site } = this;
    if (!site.devices.length) return html`<p class="empty">${say("site.no_devices")}</p>`;
    return html`<table class="grid">
      <thead>
        <tr>
          <th>${say("site.device")}</th>
          <th>${say("site.word")}</th>
          <th>${say("site.gateway")}</th>
        </tr>
      </thead>
      <tbody>
        ${site.devices.map(
          (device) =>
            html`<tr data-row>
              <td>
                <a href="/devices/${site.region.id}/${site.domain.id}/${encodeURIComponent(device.name)}"
                  >${device.name}</a
                >${device.verified ? nothing : html` <span class="tag">${say("values.unverified")}</span>`}
              </td>
              <td>${deviceState(device)}</td>
              <td>${device.gateway ?? say("none")}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}
