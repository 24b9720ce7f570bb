// The list of sites, and, with a state, of the devices that are in it: silent ones by since when.

import { all, get } from "../core/api.js";
import { redraw } from "../core/draw.js";
import { number } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose, query as inAddress } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { rowKeys } from "../parts/rows.js";
import { devices, sites } from "./sites/rows.js";

const STATES = ["silent", "unheard", "heard"]; // of devices; without one, sites are listed
const ROWS = 100; // of a page
const AGAIN_MS = 60_000;
const TYPING_MS = 300; // after the last letter of a search

export async function open(_, query) {
  const page = new Page((await all("/regions", {}, 5000)).filter(({ in_scope: seen }) => seen));
  await page.changed(query);
  return page;
}

class Page {
  scrolls = true;
  keys = { ...rowKeys, "/": () => document.querySelector("#content input[type=search]")?.focus() };
  #regions;
  #kinds = [];
  #query = {};
  #items = [];
  #next = null;
  #turn = 0;
  #typing = null;
  #again = setInterval(() => !document.hidden && this.#items.length <= ROWS && this.#read().catch(() => {}), AGAIN_MS);

  constructor(regions) {
    this.#regions = regions;
  }

  title = () => say("frame.sites");

  close() {
    clearInterval(this.#again);
    clearTimeout(this.#typing);
    this.#turn++;
  }

  async changed(query) {
    const { domain } = query;
    if (domain !== this.#query.domain)
      this.#kinds = domain ? (await get(`/domains/${encodeURIComponent(domain)}`)).site_kinds : [];
    this.#query = query;
    await this.#read();
  }

  /** Read the first page, or with a cursor the one after it. */
  async #read(cursor = null) {
    const mine = ++this.#turn;
    const { state, region, domain, kind, q } = this.#query;
    const among = { region, domain, text: q, limit: ROWS, cursor };
    const found = await (state
      ? get("/devices", { ...among, state, sort: state === "silent" ? "since" : null })
      : get("/sites", { ...among, kind }));
    if (mine !== this.#turn) return;
    this.#items = cursor ? [...this.#items, ...found.items] : found.items;
    this.#next = found.next;
    redraw();
  }

  view = () =>
    html`<section class="panel listing">
      <h1 class="sr">${say("frame.sites")}</h1>
      ${this.#filters()}
      <div class="tall">
        ${this.#items.length ? this.#table() : this.#empty()} ${this.#next ? this.#more() : nothing}
      </div>
    </section>`;

  #table() {
    const { state } = this.#query;
    return state ? devices(this.#items, state) : sites(this.#items);
  }

  #more = () =>
    html`<p class="empty">
      <button class="button" @click=${() => this.#read(this.#next)}>${say("sites.more")}</button>
    </p>`;

  #filters() {
    const { state, q, region, domain, kind } = this.#query;
    const chosen = (name) => (event) =>
      choose({ [name]: event.target.value, ...(name === "domain" ? { kind: null } : {}) });
    const typed = (event) => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => choose({ q: event.target.value.trim() }), TYPING_MS);
    };
    return html`<div class="filters">
      <input
        class="field"
        type="search"
        .value=${q ?? ""}
        placeholder="${say("sites.search")}"
        aria-label="${say("sites.search")}"
        @input=${typed}
      />
      <span class="seg" role="group" aria-label="${say("sites.state")}"
        >${[null, ...STATES].map(
          (one) =>
            html`<button aria-pressed="${(state ?? null) === one}" @click=${() => choose({ state: one, kind: null })}>
              ${say(`sites.${one ?? "sites"}`)}
            </button>`,
        )}</span
      >
      ${select("domain", domain, store.domains ?? [], chosen)}${select("region", region, this.#regions, chosen)}
      ${!state && this.#kinds.length ? select("kind", kind, this.#kinds, chosen) : nothing}
      <span class="grow"></span
      ><span class="muted">${say(this.#next ? "sites.first" : "sites.count", { n: number(this.#items.length) })}</span>
    </div>`;
  }

  #empty() {
    const filtered = Object.keys(inAddress()).some((name) => name !== "state");
    if (filtered)
      return html`<p class="empty">
        ${say("sites.nothing")}
        <button class="button" @click=${() => choose({ q: null, region: null, domain: null, kind: null })}>
          ${say("sites.clear")}
        </button>
      </p>`;
    return html`<p class="empty">${say(this.#query.state ? `sites.none_${this.#query.state}` : "sites.none")}</p>`;
  }
}

const select = (name, value, options, chosen) =>
  html`<select class="field" aria-label="${say(`sites.${name}`)}" @change=${chosen(name)}>
    <option value="" ?selected=${!value}>${say(`sites.every_${name}`)}</option>
    ${options.map(({ id, title }) => {
      return html`<option value="${id}" ?selected=${id === value}>${pick(title) ?? id}</option>`;
    })}
  </select>`;
