// People: who may sign in, with which role and where; for administrators, each within their own regions and domains.

import { all, patch, post, Problem } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { choose } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { actor } from "../parts/actor.js";
import { rowKeys } from "../parts/rows.js";
import { ask } from "../parts/dialog.js";
import { askChanges, askPerson } from "./people/ask.js";

const ROLES = ["viewer", "operator", "engineer", "administrator"];

export async function open(_, query) {
  if (store.me?.role !== "administrator") {
    return {
      title: () => say("frame.people"),
      view: () => html`<div class="missing panel"><b>${say("frame.people")}</b>${say("people.not_yours")}</div>`,
    };
  }
  const regions = (await all("/regions", {}, 5000)).filter(({ in_scope: seen }) => seen);
  const page = new Page(regions, await all("/crews").catch(() => []));
  await page.changed(query);
  return page;
}

class Page {
  keys = rowKeys;
  #role = null;
  #people = [];
  #notice = null;

  constructor(regions, crews) {
    Object.assign(this, { regions, crews });
  }

  title = () => say("frame.people");

  async changed({ role }) {
    this.#role = ROLES.includes(role) ? role : null;
    await this.#read();
  }

  async #read() {
    this.#people = await all("/people", { limit: 500 }, 5000);
    redraw();
  }

  view() {
    const shown = this.#people.filter(({ role }) => !this.#role || role === this.#role);
    return html`<section class="panel listing records">
      <h1 class="sr">${say("frame.people")}</h1>
      <div class="filters">
        <span class="seg" role="group" aria-label="${say("people.role")}"
          >${[null, ...ROLES].map(
            (one) =>
              html`<button aria-pressed="${this.#role === one}" @click=${() => choose({ role: one })}>
                ${say(one ? `role.${one}` : "all")}
              </button>`,
          )}</span
        ><span class="grow"></span> <span class="muted">${say("people.count", { n: shown.length })}</span
        ><button class="button compact" @click=${() => this.#add()}>${say("people.add")}</button>
      </div>
      ${this.#notice ? html`<p class="notice t2" role="alert">${this.#notice}</p>` : nothing}
      <div class="tall">${this.#table(shown)}</div>
    </section>`;
  }

  #table = (people) =>
    html`<table class="grid">
      <thead>
        <tr>
          <th>${say("people.name")}</th>
          <th>${say("people.title")}</th>
          <th>${say("people.role")}</th>
          <th>${say("people.regions")}</th>
          <th>${say("people.domains")}</th>
          <th>${say("people.crew")}</th>
          <th>${say("people.signs_in")}</th>
          <th>${say("people.state")}</th>
          <th>${say("people.since")}</th>
          <th><span class="sr">${say("people.change")}</span></th>
        </tr>
      </thead>
      <tbody>
        ${people.map(
          (one) =>
            html`<tr data-row class=${one.active ? "" : "done"}>
              <td><b>${one.name}</b></td>
              <td>${one.title}</td>
              <td>${say(`role.${one.role}`)}</td>
              <td>${names(one.regions, "people.every_region")}</td>
              <td>${names(one.domains, "people.every_domain")}</td>
              <td>${this.#crew(one.crew)}</td>
              <td>
                ${say(one.password ? "people.by_password" : one.bound ? "people.by_sign_on" : "people.awaits_sign_on")}
              </td>
              <td>${state(one)}</td>
              <td class="num">${short(one.created_at, now())} <small class="muted">${actor(one.created_by)}</small></td>
              <td class="r">
                <button class="button compact" @click=${() => this.#change(one)}>${say("people.change")}</button>
                ${one.password
                  ? html`<button class="button compact"
                    @click=${() => this.#newPassword(one)}>${say("people.new_password")}</button>`
                  : nothing}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`;

  #crew = (id) =>
    id ? (pick(this.crews.find((one) => one.id === id)?.title) ?? id) : html`<span class="muted">${say("none")}</span>`;

  async #add() {
    const asked = await askPerson(this.#choices());
    if (asked) await this.#do(async () => tellPassword(await post("/people", asked)));
  }

  async #change(person) {
    const changes = await askChanges(person, this.#choices());
    if (changes) await this.#do(() => patch(`/people/${encodeURIComponent(person.name)}`, changes));
  }

  #choices = () => ({ regions: this.regions, domains: store.domains ?? [], crews: this.crews, roles: ROLES });

  async #newPassword(person) {
    const sure = await ask({
      title: say("people.new_password"),
      about: person.title || person.name,
      verb: say("people.new_password"),
      answer: () => true,
      fields: () => html`<div class="fields"><p>${say("people.signed_out")}</p></div>`,
    });
    if (sure)
      await this.#do(async () =>
        tellPassword(await post(`/people/${encodeURIComponent(person.name)}/password`, undefined)),
      );
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

/** Show the password that is told only once, until it has been taken down. */
function tellPassword({ person, password }) {
  if (!password) return null;
  return ask({
    title: say("people.password_of", { name: person.title || person.name }),
    about: "",
    verb: say("people.taken_down"),
    answer: () => true,
    fields: () =>
      html`<div class="fields">
        <p><code class="secret">${password}</code></p>
        <p class="sub">${say("people.only_now")}</p>
      </div>`,
  });
}

const names = (all, every) =>
  all
    ? all.map(({ title, id }) => pick(title) ?? id).join(say("list"))
    : html`<span class="muted">${say(every)}</span>`;

function state({ active, locked_until: locked }) {
  if (!active) return html`<span class="muted">${say("people.inactive")}</span>`;
  if (locked && Date.parse(locked) > now())
    return html`<b class="t2">▲ ${say("people.locked", { time: short(locked, now()) })}</b>`;
  return say("people.active");
}
