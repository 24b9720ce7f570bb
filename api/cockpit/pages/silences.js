// Silence on purpose: shelves, and maintenance windows, each with who, why, and until when.

import { all, get, post, Problem, remove } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { rowKeys } from "../parts/rows.js";
import { due } from "../parts/time.js";
import { askShelf, askWindow } from "./silences/ask.js";

const LISTED = 100; // of each, the newest
const RANKS = ["viewer", "operator", "engineer", "administrator"];

/** Whether the caller has a role, or one above, and acts for no crew. */
const may = (role) => RANKS.indexOf(store.me?.role) >= RANKS.indexOf(role) && !store.me.crew;

export async function open(_, query) {
  const regions = (await all("/regions", {}, 5000)).filter(({ in_scope: seen }) => seen);
  const page = new Page(regions);
  await page.changed(query);
  return page;
}

class Page {
  keys = rowKeys;
  #over = false;
  #shelves = [];
  #windows = [];
  #notice = null;

  constructor(regions) {
    this.regions = regions;
  }

  title = () => say("frame.silences");

  async changed(query) {
    this.#over = query.over === "true";
    await this.#read();
  }

  async #read() {
    const asked = { over: this.#over, limit: LISTED };
    const [shelves, windows] = await Promise.all([get("/shelves", asked), get("/maintenance-windows", asked)]);
    this.#shelves = shelves.items;
    this.#windows = windows.items;
    redraw();
  }

  view = () =>
    html`<div class="silences">
      <section class="panel record-head">
        <h1>${say("frame.silences")}</h1>
        <span class="sub">${say("silences.about")}</span><span class="grow"></span>
        <label
          ><input
            type="checkbox"
            .checked=${this.#over}
            @change=${(event) => choose({ over: event.target.checked || null })}
          />
          ${say("silences.over")}</label
        >
        ${this.#notice ? html`<p class="t2" role="alert">${this.#notice}</p>` : nothing}
      </section>
      <section class="panel">
        <h2>
          ${say("silences.shelves")} <small>${say("silences.shelves_what")}</small
          ><span class="grow"></span>
          ${may("operator")
            ? html`<button class="button compact"
              @click=${() => this.#add("/shelves", askShelf)}>${say("silences.shelve")}</button>`
            : nothing}
        </h2>
        <div class="tall">
          ${this.#shelves.length ? this.#shelfTable() : html`<p class="empty">${say("silences.no_shelves")}</p>`}
        </div>
      </section>
      <section class="panel">
        <h2>
          ${say("silences.windows")} <small>${say("silences.windows_what")}</small
          ><span class="grow"></span>
          ${may("engineer")
            ? html`<button class="button compact"
              @click=${() => this.#add("/maintenance-windows", askWindow)}>${say("silences.maintain")}</button>`
            : nothing}
        </h2>
        <div class="tall">
          ${this.#windows.length ? this.#windowTable() : html`<p class="empty">${say("silences.no_windows")}</p>`}
        </div>
      </section>
    </div>`;

  #shelfTable = () =>
    html`<table class="grid">
      <thead>
        <tr>
          <th>${say("silences.state")}</th>
          <th>${say("silences.rules")}</th>
          <th>${say("silences.subjects")}</th>
          <th>${say("silences.reach")}</th>
          <th>${say("silences.until")}</th>
          <th>${say("silences.reason")}</th>
          <th>${say("silences.by")}</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${this.#shelves.map(
          (one) =>
            html`<tr data-row class=${isOver(one.until) || one.ended_by ? "done" : ""}>
              <td>${state(one.at, one.until, one.ended_by)}</td>
              <td>${one.rule}</td>
              <td>${one.subject}</td>
              <td>${reach(one)}</td>
              <td class="num">${short(one.until, now())}</td>
              <td>${one.reason}</td>
              <td>${one.by} <small class="muted">${short(one.at, now())}</small></td>
              <td class="r">
                ${may("operator") && !isOver(one.until) && !one.ended_by ? this.#endButton(`/shelves/${one.id}`)
                  : nothing}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`;

  #windowTable = () =>
    html`<table class="grid">
      <thead>
        <tr>
          <th>${say("silences.state")}</th>
          <th>${say("silences.what")}</th>
          <th>${say("silences.from")}</th>
          <th>${say("silences.until")}</th>
          <th>${say("silences.reason")}</th>
          <th>${say("silences.by")}</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${this.#windows.map(
          (one) =>
            html`<tr data-row class=${isOver(one.end_at) ? "done" : ""}>
              <td>${state(one.start_at, one.end_at)}</td>
              <td>${this.#place(one)}</td>
              <td class="num">${short(one.start_at, now())}</td>
              <td class="num">${short(one.end_at, now())}</td>
              <td>${one.reason}</td>
              <td>${one.by} <small class="muted">${short(one.at, now())}</small></td>
              <td class="r">
                ${may("engineer") && !isOver(one.end_at) ? this.#endButton(`/maintenance-windows/${one.id}`) : nothing}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`;

  #endButton = (path) =>
    html`<button class="button compact" @click=${() => this.#do(() => remove(path))}>${say("silences.end")}</button>`;

  #place({ region, domain, site, device }) {
    const titleOf = (list, id) => pick(list.find((one) => one.id === id)?.title) ?? id;
    const parts = [region && titleOf(this.regions, region), domain && titleOf(store.domains ?? [], domain), device];
    return html`${parts.filter(Boolean).join(" · ")}
    ${site ? html`<a href="/sites/${encodeURIComponent(site)}">${site}</a>` : nothing}`;
  }

  async #add(path, ask) {
    const asked = await ask({ regions: this.regions, domains: store.domains ?? [] });
    if (asked) await this.#do(() => post(path, asked));
  }

  async #do(act) {
    this.#notice = null;
    try {
      await act();
      await this.#read();
    } catch (error) {
      this.#notice = error instanceof Problem ? error.message : say("frame.failed_away");
    }
    redraw();
  }
}

const isOver = (time) => Date.parse(time) <= now();

function state(begin, end, endedBy) {
  if (endedBy) return html`<span class="muted">${say("silences.ended_by", { name: endedBy })}</span>`;
  if (isOver(end)) return html`<span class="muted">${say("silences.ended")}</span>`;
  return isOver(begin)
    ? html`<b>${say("silences.in_force")}</b> ${due(end)}`
    : html`${say("silences.to_come")} ${due(begin)}`;
}

function reach({ regions, domains }) {
  const named = (all) => all?.map(({ title, id }) => pick(title) ?? id).join(say("list"));
  return [named(regions), named(domains)].filter(Boolean).join(" · ") || say("silences.everywhere");
}
