// The page of a domain, drawn from `domains/<id>/page.yaml`: a module for each kind of panel, none for a domain.

import { get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { on, store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph, icon } from "../parts/glyph.js";
import { rowKeys } from "../parts/rows.js";
import { curve } from "./domain/curve.js";
import { series } from "./domain/series.js";
import { states } from "./domain/states.js";
import { table } from "./domain/table.js";
import { tiles } from "./domain/tiles.js";
import { vitals } from "./domain/vitals.js";

const KINDS = { curve, series, states, table, tiles };
const OF_SELECTED = ["curve", "series"]; // kinds that tell of the selected subject
const WIDTHS = { value: 1, bar: 1, trend: 2, days: 3 }; // of a column, by how it is shown
const WIDE = 7; // a table of that width, or more, takes the whole page's
const AGAIN_MS = 60_000; // readings come once a minute
const PAUSE_MS = 2_000; // after an alert, before the panels are read: alerts come in groups

export async function open({ id }, query) {
  const [structure, regions] = await Promise.all([
    get(`/domains/${encodeURIComponent(id)}/page`),
    get("/regions", { limit: 1000 }),
  ]);
  const page = new Page(
    structure,
    regions.items.filter(({ in_scope: seen }) => seen),
  );
  page.changed(query);
  return page;
}

class Page {
  scrolls = true;
  keys = { ...rowKeys, Escape: () => choose({ sel: null }) };
  #structure;
  #metrics; // by id
  #regions;
  #data = new Map(); // by panel
  #failed = new Set();
  #query = {};
  #turn = 0; // counts changes of the address: answers to an older one are let go
  #read = 0; // ms, when all panels were read last
  #pause = null;
  #ends;

  constructor(structure, regions) {
    this.#structure = structure;
    this.#regions = regions;
    this.#metrics = new Map(structure.metrics.map((metric) => [metric.id, metric]));
    this.#ends = [everySecond((present) => this.#again(present)), on("alert", (alert) => this.#alerted(alert))];
  }

  title = () => pick(this.#structure.domain.title);

  close() {
    clearTimeout(this.#pause);
    for (const end of this.#ends) end();
    this.#turn++;
  }

  changed(query) {
    if (query.region !== this.#query.region) this.#data.clear();
    this.#query = query;
    this.#turn++;
    this.#load(this.#structure.panels.filter(({ id, kind }) => OF_SELECTED.includes(kind) || !this.#data.has(id)));
  }

  #again(present) {
    if (!document.hidden && present - this.#read > AGAIN_MS) this.#load(this.#structure.panels);
  }

  #alerted(alert) {
    if (alert.domain !== this.#structure.domain.id) return;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(
      () => this.#load(this.#structure.panels.filter(({ kind }) => !OF_SELECTED.includes(kind))),
      PAUSE_MS,
    );
  }

  /** Read these panels, each by itself: one that fails leaves the others be. */
  #load(panels) {
    const mine = this.#turn;
    if (panels.length === this.#structure.panels.length) this.#read = now();
    const { region, sel } = this.#query;
    for (const { id, kind } of panels) {
      const among = { region, sel: OF_SELECTED.includes(kind) ? sel : null };
      get(`/domains/${this.#structure.domain.id}/page/panels/${id}`, among)
        .then(
          (data) => mine === this.#turn && this.#data.set(id, data) && this.#failed.delete(id),
          () => mine === this.#turn && this.#failed.add(id),
        )
        .then(redraw);
    }
  }

  view() {
    const [first] = this.#structure.panels.filter(({ kind }) => kind === "vitals");
    const others = this.#structure.panels.filter((panel) => panel !== first);
    const narrow = others.filter((panel) => !isWide(panel));
    const last = narrow.length % 2 ? narrow.at(-1) : null; // has nothing beside it
    return html`<div class="domain">
      <section class="vitals">
        ${this.#head()}${first ? vitals(first, this.#data.get(first.id), this.#metrics) : nothing}
      </section>
      ${others.map((panel) => {
        const width = isWide(panel) || panel === last ? "wide" : "";
        return html`<section class="panel ${panel.kind} ${width}">${this.#panel(panel)}</section>`;
      })}
    </div>`;
  }

  #head() {
    const { domain } = this.#structure;
    const isHere = this.#within(this.#query.region);
    const open = [...store.alerts.values()].filter(
      (alert) => alert.domain === domain.id && alert.raised && isHere(alert.region),
    );
    const counts = [1, 2, 3, 4]
      .map((severity) => [severity, open.filter((alert) => alert.severity === severity).length])
      .filter(([, n]) => n);
    return html`<div class="of">
      <h1>${icon(domain.id)} ${pick(domain.title)}</h1>
      <span class="tallies"
        >${
          counts.length
            ? counts.map(
                ([severity, n]) =>
                  html`<a class="num" href="/alerts?domain=${domain.id}&sev=${severity}">${glyph(severity)} ${n}</a>`,
              )
            : store.loaded
              ? html`<span class="muted">${say("domain.calm")}</span>`
              : nothing
        }</span
      >
      <select
        class="field"
        aria-label="${say("sites.region")}"
        @change=${(event) => choose({ region: event.target.value, sel: null })}
      >
        <option value="" ?selected=${!this.#query.region}>${say("sites.every_region")}</option>
        ${this.#regions.map(({ id, title }) => {
          return html`<option value="${id}" ?selected=${id === this.#query.region}>${pick(title)}</option>`;
        })}
      </select>
    </div>`;
  }

  /** Whether a region is this one or below it; of no region: any. */
  #within(id) {
    const parents = new Map(this.#regions.map((region) => [region.id, region.parent]));
    const isBelow = (region) => region === id || (parents.has(region) && isBelow(parents.get(region)));
    return id ? isBelow : () => true;
  }

  #panel(panel) {
    const data = this.#data.get(panel.id);
    const titled = (body) =>
      html`<h2>${pick(panel.title)}</h2>
        ${body}`;
    if (!data) {
      const why = this.#failed.has(panel.id) ? "domain.failed" : "domain.loading";
      return titled(html`<p class="empty">${say(why)}</p>`);
    }
    if (panel.kind === "vitals") return titled(html`<div class="vitals">${vitals(panel, data, this.#metrics)}</div>`);
    const draw = KINDS[panel.kind];
    if (draw) return draw(panel, data, { metrics: this.#metrics, sel: this.#query.sel ?? null, rows: this.#rows() });
    return titled(html`<p class="empty"><a class="button" href="/">${say("domain.on_map")}</a></p>`);
  }

  /** The rows of all tables by subject and metric, for what else tells of them. */
  #rows() {
    const found = new Map();
    for (const panel of this.#structure.panels) {
      for (const row of this.#data.get(panel.id)?.rows ?? []) {
        const cells = Object.fromEntries(panel.columns.map(({ metric }, at) => [metric, row.cells[at]]));
        found.set(row.id, { ...row, ...found.get(row.id), metrics: { ...cells, ...found.get(row.id)?.metrics } });
      }
    }
    return found;
  }
}

const widthOf = (columns) => columns.reduce((sum, { show, usual }) => sum + WIDTHS[show] + (usual ? 1 : 0), 0);

const isWide = ({ kind, columns }) =>
  kind === "tiles" || kind === "map" || (kind === "table" && widthOf(columns) >= WIDE);
