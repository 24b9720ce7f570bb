// The page of a domain on the wall: its vital figures large. What was read last stands until something newer is.

import { get } from "../../core/api.js";
import { html, nothing } from "../../core/lit.js";
import { vitals } from "../domain/vitals.js";

export class Figures {
  #domain;
  #region;
  #known = false; // whether they have been read
  #panel = null; // the first panel of figures; null: not read yet, or there is none
  #metrics = new Map(); // by id
  #data = null;

  /** @param region only what lies in it; null: the whole scope */
  constructor(domain, region) {
    this.#domain = domain;
    this.#region = region;
  }

  /** Read them anew; without an answer what was read stands. Whether there is something to show. */
  async read() {
    const path = `/domains/${encodeURIComponent(this.#domain)}/page`;
    try {
      const page = await get(path);
      const panel = page.panels.find(({ kind }) => kind === "vitals") ?? null;
      if (panel) this.#data = await get(`${path}/panels/${panel.id}`, { region: this.#region });
      this.#metrics = new Map(page.metrics.map((metric) => [metric.id, metric]));
      this.#panel = panel;
      this.#known = true;
    } catch {
      // The wall says itself since when nobody answers.
    }
    return this.#known;
  }

  view() {
    if (!this.#panel) return nothing;
    return html`<section class="panel wall-figures">${vitals(this.#panel, this.#data, this.#metrics)}</section>`;
  }
}
