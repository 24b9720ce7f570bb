// The page of a domain on the wall: its vital figures large. What was read last stands until something newer is.

import { get } from "../../core/api.js";
import { html } from "../../core/lit.js";
import { say } from "../../core/words.js";
import { vitals } from "../domain/vitals.js";

export class Figures {
  #domain;
  #region;
  #panel = null; // the first panel of figures; null: not read yet, or there is none
  #metrics = new Map(); // by id
  #data = null;

  /** @param region only what lies in it; null: the whole scope */
  constructor(domain, region) {
    this.#domain = domain;
    this.#region = region;
  }

  /** Read them anew; without an answer what was read stands. */
  async read() {
    const path = `/domains/${encodeURIComponent(this.#domain)}/page`;
    try {
      const page = await get(path);
      const panel = page.panels.find(({ kind }) => kind === "vitals") ?? null;
      if (panel) this.#data = await get(`${path}/panels/${panel.id}`, { region: this.#region });
      this.#metrics = new Map(page.metrics.map((metric) => [metric.id, metric]));
      this.#panel = panel;
    } catch {
      // The wall says itself since when nobody answers.
    }
  }

  view() {
    const none = html`<p class="empty">${say("no_data")}</p>`;
    return html`<section class="panel wall-figures">
      ${this.#panel ? vitals(this.#panel, this.#data, this.#metrics) : none}</section>`;
  }
}
