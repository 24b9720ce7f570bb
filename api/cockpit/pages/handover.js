// Handover (交接班): who is on duty, what is to be handed over, and the signed handovers.

import { get, post, Problem } from "../core/api.js";
import { now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { hm, short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { go } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { glyph } from "../parts/glyph.js";
import { rowKeys } from "../parts/rows.js";
import { sheet } from "./handover/sheet.js";

const LISTED = 50; // handovers
const DRAFT = "citybrain.handover"; // where a note is kept that nobody has signed yet

export async function open({ id }) {
  const [duty, { items }, handover] = await Promise.all([
    get("/duty"),
    get("/handovers", { limit: LISTED }),
    id ? get(`/handovers/${id}`) : null,
  ]);
  return new Page(duty, items, handover);
}

class Page {
  scrolls = true;
  keys = rowKeys;
  #note;
  #problem = null;
  #busy = false;

  constructor(duty, handovers, handover) {
    Object.assign(this, { duty, handovers, handover });
    this.#note = handover ? "" : (localStorage.getItem(DRAFT) ?? "");
  }

  title = () => say("frame.handover");

  view = () =>
    html`<div class="handovers">
      <aside class="handover-side">${this.#onDuty()}${this.#list()}</aside>
      ${this.handover ? this.#sheet() : html`<h1 class="sr">${say("frame.handover")}</h1>${this.#make()}`}
    </div>`;

  #atDesk = () => store.me?.kind === "person" && store.me.role !== "viewer" && !store.me.crew;

  #onDuty() {
    const { shift, next, people } = this.duty;
    const mine = people.some(({ name }) => name === store.me?.name);
    return html`<section class="panel">
      <h2>
        ${say("handover.duty")}
        <small
          >${shift ? worked(shift) : say("handover.no_shift")}</small
        >
      </h2>
      <ul class="people-of">
        ${people.map(onDuty)}
        ${people.length ? nothing : html`<li class="muted">${say("handover.nobody")}</li>`}
      </ul>
      <p class="notice">${say("handover.next", { title: pick(next.title), time: short(next.begin_at, now()) })}</p>
      ${
        this.#atDesk()
          ? html`<p class="notice">
              <button class="button compact" ?disabled=${this.#busy} @click=${() => this.#turn(mine ? "end" : "start")}>
                ${say(mine ? "handover.end" : "handover.start")}
              </button>
            </p>`
          : nothing
      }
    </section>`;
  }

  #list = () =>
    html`<section class="panel grow-panel">
      <h2>${say("handover.list")}</h2>
      <div class="tall">
        <a class="record-line" data-row href="/handover" aria-current=${this.handover ? nothing : "true"}
          ><b>${say("handover.new")}</b></a
        >
        ${this.handovers.map(
          (one) =>
            html`<a
              class="record-line"
              data-row
              href="/handover/${one.id}"
              aria-current=${one.id === this.handover?.id ? "true" : nothing}
            >
              <b>${pick(one.shift) ?? say("handover.span")}</b>
              <span class="num">${short(one.begin_at, now())} – ${short(one.end_at, now())}</span>
              <div class="sub">
                ${one.made_by_title || one.made_by} →
                ${one.taken_by ? one.taken_by_title || one.taken_by
                  : html`<b class="t3">${say("handover.not_taken")}</b>`}
              </div></a
            >`,
        )}
        ${this.handovers.length ? nothing : html`<p class="empty">${say("handover.none")}</p>`}
      </div>
    </section>`;

  #make() {
    const open = [...store.alerts.values()];
    return html`<section class="panel handover-make">
      <h2>${say("handover.new")}</h2>
      <div class="tall body">
        <p>${say("handover.what")}</p>
        <h3>${say("handover.open_now")}</h3>
        <div class="figures">
          ${[1, 2, 3, 4].map((severity) => {
            const all = open.filter((alert) => alert.severity === severity);
            return html`<div class="figure">
              <label>${glyph(severity)} ${say(`severity.${severity}`)}</label><b class="num">${all.length}</b>
              <small>${say("handover.unjudged", { n: all.filter(({ handling }) => handling === "new").length })}</small>
            </div>`;
          })}
        </div>
        ${
          this.#atDesk()
            ? html`<form @submit=${(event) => this.#sign(event)}>
                <label class="wide-field"
                  >${say("handover.note")}
                  <textarea
                    class="field"
                    rows="7"
                    maxlength="4000"
                    required
                    .value=${this.#note}
                    placeholder="${say("handover.note_example")}"
                    @input=${(event) => this.#keep(event.target.value)}
                  ></textarea>
                </label>
                ${this.#problem ? html`<p class="t2" role="alert">${this.#problem}</p>` : nothing}
                <p>
                  <button class="button primary" ?disabled=${this.#busy}>
                    ${say("handover.sign", { name: store.me.title || store.me.name })}
                  </button>
                  <span class="sub">${say("handover.then")}</span>
                </p>
              </form>`
            : html`<p class="sub">${say("handover.not_yours")}</p>`
        }
      </div>
    </section>`;
  }

  #sheet() {
    const { handover } = this;
    const may = this.#atDesk() && !handover.taken_by && handover.made_by !== store.me.name;
    return html`<section class="panel handover-one">
      <h2>
        ${say("handover.number", { id: handover.id })}<span class="grow"></span>
        ${handover.intact ? nothing : html`<b class="t1">▲ ${say("handover.not_intact")}</b>`}
        <button class="button compact" @click=${() => print()}>${say("handover.print")}</button>
      </h2>
      ${
        may
          ? html`<form class="take" @submit=${(event) => this.#take(event)}>
              <label class="wide-field"
                >${say("handover.take_note")}
                <input
                  class="field"
                  maxlength="2000"
                  .value=${this.#note}
                  @input=${(event) => (this.#note = event.target.value)}
              /></label>
              <button class="button primary" ?disabled=${this.#busy}>
                ${say("handover.take", { name: store.me.title || store.me.name })}
              </button>
            </form>`
          : nothing
      }
      ${this.#problem ? html`<p class="notice t2" role="alert">${this.#problem}</p>` : nothing}
      <div class="tall">${sheet(handover)}</div>
    </section>`;
  }

  #keep(note) {
    this.#note = note;
    localStorage.setItem(DRAFT, note);
  }

  #turn = (what) =>
    this.#do(async () => {
      this.duty = await post(`/duty/${what}`, {});
      store.duty = this.duty;
    });

  #sign(event) {
    event.preventDefault();
    return this.#do(async () => {
      const made = await post("/handovers", { note: this.#note });
      localStorage.removeItem(DRAFT);
      go(`/handover/${made.id}`);
    });
  }

  #take(event) {
    event.preventDefault();
    return this.#do(async () => {
      await post(`/handovers/${this.handover.id}/take`, { note: this.#note.trim() || null });
      this.handover = await get(`/handovers/${this.handover.id}`);
      this.handovers = (await get("/handovers", { limit: LISTED })).items;
    });
  }

  async #do(act) {
    this.#busy = true;
    this.#problem = null;
    try {
      await act();
    } catch (error) {
      this.#problem = error instanceof Problem ? error.message : say("frame.failed_away");
    }
    this.#busy = false;
    redraw();
  }
}

const onDuty = ({ title, name, since }) => html`<li>
  <b>${title || name}</b> <span class="muted">${say("handover.since", { time: short(since, now()) })}</span>
</li>`;

const worked = (shift) => `${pick(shift.title)} ${hm(shift.begin_at)}–${hm(shift.end_at)}`;
