// The page of a domain, drawn from `domains/<id>/page.yaml`: a module for each kind of panel, none for a domain.

import { get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { html, nothing } from "../core/lit.js";
import { at, choose } from "../core/router.js";
import { on, store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph, icon } from "../parts/glyph.js";
import { rowKeys } from "../parts/rows.js";
import { curve } from "./domain/curve.js";
import { heights, rows } from "./domain/layout.js";
import { series } from "./domain/series.js";
import { states } from "./domain/states.js";
import { table } from "./domain/table.js";
import { tiles } from "./domain/tiles.js";
import { vitals } from "./domain/vitals.js";

const KINDS = { curve, series, states, table, tiles };
const OF_SELECTED = ["curve", "series"]; // kinds that tell of the selected subject
const OF_SUBJECTS = ["table", "tiles"]; // kinds that list subjects, the worst first
const EVERY = "all"; // in the address: no subject is selected, not even the worst
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
  keys = { ...rowKeys, Escape: () => choose({ sel: EVERY }) };
  #structure;
  #metrics; // by id
  #regions;
  #data = new Map(); // by panel
  #failed = new Set();
  #query = {};
  #sel = null; // the subject of which panels tell: that of the address, else the worst with an open alert
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
    this.#pause = setTimeout(() => this.#load(this.#structure.panels), PAUSE_MS);
  }

  /** Read these panels; those that tell of the selected subject when it is known which one that is. */
  async #load(panels) {
    const mine = this.#turn;
    if (panels.length === this.#structure.panels.length) this.#read = now();
    const { sel } = this.#query;
    const about = ({ kind }) => OF_SELECTED.includes(kind);
    const others = Promise.all(panels.filter((panel) => !about(panel)).map((panel) => this.#readOne(panel, mine)));
    if (!sel) await others;
    if (mine !== this.#turn) return;
    this.#sel = sel === EVERY ? null : (sel ?? this.#worst());
    for (const panel of panels.filter(about)) this.#readOne(panel, mine, this.#sel);
  }

  /** Read a panel: one that fails leaves the others be. */
  async #readOne({ id }, mine, sel = null) {
    const path = `/domains/${this.#structure.domain.id}/page/panels/${id}`;
    const data = await get(path, { region: this.#query.region, sel }).catch(() => null);
    if (mine !== this.#turn) return;
    if (data) this.#data.set(id, data);
    if (data) this.#failed.delete(id);
    else this.#failed.add(id);
    redraw();
  }

  /** The subject that a list has first because of an alert; null: nothing is open. */
  #worst() {
    if (!this.#selects()) return null;
    const list = this.#structure.panels.find(({ kind }) => OF_SUBJECTS.includes(kind));
    const [first] = this.#data.get(list?.id)?.rows ?? [];
    return first?.severity ? first.id : null;
  }

  /** Whether some panel tells of the selected subject. */
  #selects = () => this.#structure.panels.some(({ kind }) => OF_SELECTED.includes(kind));

  /** Where a subject's name leads: to what this page tells of it, and from there back to all; else to its own page. */
  #way = ({ id }) =>
    this.#selects() ? at({ sel: id === this.#sel ? EVERY : id }) : `/sites/${encodeURIComponent(id)}`;

  view() {
    const [first] = this.#structure.panels.filter(({ kind }) => kind === "vitals");
    const others = this.#structure.panels.filter((panel) => panel !== first);
    const found = rows(others);
    return html`<div class="domain" .style=${`grid-template-rows:auto ${heights(found, this.#data)}`}>
      <section class="vitals">
        ${this.#head()}${first ? vitals(first, this.#data.get(first.id), this.#metrics) : nothing}
      </section>
      ${found.map((row) =>
        row.map(
          (panel) =>
            html`<section class="panel ${panel.kind} ${row.length === 1 ? "wide" : ""}">${this.#panel(panel)}</section>`,
        ),
      )}
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
    if (draw)
      return draw(panel, data, {
        metrics: this.#metrics,
        sel: this.#sel,
        rows: this.#rows(),
        way: this.#way,
        all: at({ sel: EVERY }),
      });
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
