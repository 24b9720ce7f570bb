// The dispatch dialog: which crew, until when, what travels with the order, and what will happen.

import { get } from "../../core/api.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";
import { allowance, brief } from "./allowance.js";
import { far } from "./distance.js";

const CHOICES = 9; // those that have a key

/**
 * Ask whom to send; null: nobody.
 * @param alert the one, or the first of several
 * @param note what was typed before
 * @param others how many more alerts it is about
 * @returns {crew, note}
 */
export async function dispatch(alert, note = "", others = 0) {
  const [{ items: crews }, limit] = await Promise.all([
    get(`/alerts/${alert.id}/crews`).catch(() => ({ items: [] })),
    others ? null : timeToAccept(alert).catch(() => null),
  ]);
  let chosen = crews[0]?.id ?? "";
  const listed = (choose) =>
    crews.slice(0, CHOICES).map((crew, index) => choice(crew, index, crew.id === chosen, choose));
  let word = note;
  const about = others
    ? say("alerts.and_more", { title: pick(alert.title), n: others })
    : `${pick(alert.title)} · ${pick(alert.place)}`;
  return ask({
    title: say("action.dispatch"),
    about,
    verb: say("action.dispatch"),
    hint: () => chosen && then(pick(crews.find(({ id }) => id === chosen)?.title) ?? chosen, limit),
    answer: () => (chosen.trim() ? { crew: chosen.trim(), note: word.trim() || null } : null),
    keyed: (key, draw) => {
      if (!crews[key - 1] || key > CHOICES) return;
      chosen = crews[key - 1].id;
      draw();
      document.querySelectorAll(".ask [name=crew]")[key - 1].focus();
    },
    fields: (draw) => {
      const choose = (id) => {
        chosen = id;
        draw();
      };
      return html`<fieldset><legend>${say("alert.dispatch.to")}</legend>
          ${crews.length ? listed(choose) : typed(choose)}</fieldset>
        <fieldset><legend>${say("alert.dispatch.with")}</legend><p>${pick(alert.advice) ?? say("none")}</p></fieldset>
        <input class="field wide" maxlength="2000" placeholder="${say("alert.dispatch.word")}"
          aria-label="${say("alert.dispatch.word")}" .value=${word}
          @input=${(event) => (word = event.target.value)}>`;
    },
  });
}

/** What it may take until the crew has accepted; lists don't say it. */
async function timeToAccept(alert) {
  const found = allowance(alert.deadlines ? alert : await get(`/alerts/${alert.id}`), "accept");
  return found && brief(found.seconds);
}

const then = (crew, limit) => say(limit ? "alert.dispatch.then_within" : "alert.dispatch.then", { crew, limit });

function choice(crew, index, isChosen, choose) {
  const distance = crew.distance_m == null ? say("alert.dispatch.no_place") : far(crew.distance_m);
  const load = crew.orders
    ? html`<span class="t2">${say("alert.dispatch.orders", { n: crew.orders })}</span>`
    : html`<span class="sub">${say("alert.dispatch.free")}</span>`;
  return html`<label class="crew ${isChosen ? "chosen" : ""}"><input type="radio" name="crew" .checked=${isChosen}
    ?autofocus=${index === 0} @change=${() => choose(crew.id)}>
    <b class="ell">${pick(crew.title)}</b><span class="num sub">${distance}</span>${load}<span
      class="num muted ell">${crew.contact ?? nothing}</span><kbd>${index + 1}</kbd></label>`;
}

/** Where nobody has listed crews, the order names one. */
const typed = (
  choose,
) => html`<p class="sub">${say("alert.dispatch.none")}</p><input class="field wide" required maxlength="100" autofocus
  placeholder="${say("alert.dispatch.name")}" aria-label="${say("alert.dispatch.name")}"
    @input=${(event) => choose(event.target.value)}>`;
