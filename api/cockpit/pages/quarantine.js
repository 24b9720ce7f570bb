// What could not be understood: by reason, with samples of its bytes, and replay once the cause is mended.

import { get, post, Problem } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { number, short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { at } from "../core/router.js";
import { store } from "../core/store.js";
import { known, say } from "../core/words.js";
import { rowKeys } from "../parts/rows.js";
import { ask } from "../parts/dialog.js";
import { entry } from "./quarantine/entry.js";

const SAMPLES = 50; // entries that are read at once
const MOST_REPLAYED = 1000; // entries of one request

export async function open(_, query) {
  const page = new Page();
  await page.changed(query);
  return page;
}

class Page {
  keys = rowKeys;
  #reasons = [];
  #chosen = null;
  #entries = [];
  #next = null;
  #notice = null;

  title = () => say("frame.quarantine");

  async changed(query) {
    this.#reasons = (await get("/quarantine")).reasons;
    const first = this.#reasons[0]?.reason ?? null;
    this.#chosen = this.#reasons.some(({ reason }) => reason === query.reason) ? query.reason : first;
    this.#entries = [];
    this.#next = null;
    if (this.#chosen) await this.#read();
    redraw();
  }

  async #read(cursor = null) {
    const found = await get("/quarantine/entries", { reason: this.#chosen, replayed: false, limit: SAMPLES, cursor });
    this.#entries = [...this.#entries, ...found.items];
    this.#next = found.next;
    redraw();
  }

  view() {
    const waiting = this.#reasons.reduce((sum, { entries }) => sum + entries, 0);
    return html`<div class="quarantine"><h1 class="sr">${say("frame.quarantine")}</h1>
      <section class="panel">
        <h2>${say("frame.quarantine")} <small>${say("quarantine.waiting", { n: number(waiting) })}</small></h2>
        <div class="tall">
          ${this.#reasons.length ? this.#table() : html`<p class="empty">${say("quarantine.empty")}</p>`}
        </div>
      </section>
      ${this.#chosen ? this.#samples() : nothing}
    </div>`;
  }

  #table = () =>
    html`<table class="grid wrap">
      <thead>
        <tr>
          <th>${say("quarantine.reason")}</th>
          <th class="r">${say("quarantine.entries")}</th>
          <th>${say("quarantine.last")}</th>
        </tr>
      </thead>
      <tbody>
        ${this.#reasons.map(
          (one) =>
            html`<tr data-row aria-selected="${one.reason === this.#chosen}">
              <td>
                <a href="${at({ reason: one.reason })}"><b>${word(one.reason)}</b></a>
                <small class="muted">${one.reason}</small>
                <div class="sub">${remedy(one.reason)}</div>
              </td>
              <td class="r num">${number(one.entries)}</td>
              <td class="num">
                ${short(one.last, now())}
                <div class="muted">${say("quarantine.since", { time: short(one.first, now()) })}</div>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`;

  #samples() {
    const reason = this.#reasons.find(({ reason }) => reason === this.#chosen);
    return html`<section class="panel">
      <h2>
        ${word(this.#chosen)}
        <small>${say("quarantine.samples", { n: this.#entries.length, of: number(reason.entries) })}</small>
        <span class="grow"></span
        >${store.me?.role === "administrator"
          ? html`<button class="button compact"
            @click=${() => this.#replay(reason)}>${say("quarantine.replay")}</button>`
          : nothing}
      </h2>
      ${this.#notice ? html`<p class="notice" role="status">${this.#notice}</p>` : nothing}
      <div class="tall">
        ${this.#entries.map(entry)}
        ${this.#next
          ? html`<p class="empty"><button class="button"
            @click=${() => this.#read(this.#next)}>${say("quarantine.more")}</button></p>`
          : nothing}
      </div>
    </section>`;
  }

  /** Say how many would go, then send them. */
  async #replay({ reason, entries, first, last }) {
    const n = Math.min(entries, MOST_REPLAYED);
    const sure = await ask({
      title: say("quarantine.replay"),
      about: word(reason),
      verb: say("quarantine.replay_n", { n: number(n) }),
      answer: () => true,
      fields: () =>
        html`<div class="fields">
          <p>
            <b>${say("quarantine.preview", { n: number(n), from: short(first, now()), to: short(last, now()) })}</b>
          </p>
          <p class="sub">${say("quarantine.then")}</p>
          ${entries > n ? html`<p class="sub">${say("quarantine.at_once", { n: number(MOST_REPLAYED) })}</p>` : nothing}
        </div>`,
    });
    if (!sure) return;
    try {
      const { published, skipped } = await post("/quarantine/replay", { reason });
      this.#notice = say("quarantine.done", { published: number(published), skipped: number(skipped) });
    } catch (error) {
      this.#notice = error instanceof Problem ? error.message : say("frame.failed_away");
    }
    await this.changed({ reason });
  }
}

const word = (reason) => (known(`quarantine.is.${reason}`) ? say(`quarantine.is.${reason}`) : reason);
const remedy = (reason) => (known(`quarantine.do.${reason}`) ? say(`quarantine.do.${reason}`) : "");
