// Handing an alert over: to whom of those on duty, and with which word.

import { get } from "../../core/api.js";
import { short } from "../../core/format.js";
import { now } from "../../core/clock.js";
import { html } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

/**
 * Ask who shall have it in hand; null: it is left.
 * @param about what is handed over, in a few words
 * @returns {operator, note}
 */
export async function assign(about, note = "") {
  const { people } = await get("/duty").catch(() => ({ people: [] }));
  const others = people.filter(({ name }) => name !== store.me.name);
  let chosen = others[0]?.name ?? "";
  let word = note;
  return ask({
    title: say("action.assign"),
    about,
    verb: say("action.assign"),
    hint: () => say("alert.assign.then"),
    answer: () => (chosen.trim() ? { operator: chosen.trim(), note: word.trim() || null } : null),
    fields: (draw) => {
      const choose = (name) => {
        chosen = name;
        draw();
      };
      const listed = others.map((one, index) => choice(one, index === 0, one.name === chosen, choose));
      return html`<fieldset><legend>${say("alert.assign.to")}</legend>
          ${others.length ? listed : typed(choose)}</fieldset>
        <input class="field wide" maxlength="2000" placeholder="${say("alert.assign.word")}"
          aria-label="${say("alert.assign.word")}" .value=${word} @input=${(event) => (word = event.target.value)}>`;
    },
  });
}

const choice = ({ name, title, since }, isFirst, isChosen, choose) => html`
  <label class="crew person ${isChosen ? "chosen" : ""}">
  <input type="radio" name="operator" .checked=${isChosen} ?autofocus=${isFirst} @change=${() => choose(name)}>
  <b class="ell">${title}</b><span class="sub">${name}</span>
  <span class="num muted">${say("handover.since", { time: short(since, now()) })}</span></label>`;

/** Where nobody else has begun their duty, the order names somebody. */
const typed = (choose) => html`<p class="sub">${say("alert.assign.nobody")}</p>
  <input class="field wide" required maxlength="64" autofocus autocapitalize="none" spellcheck="false"
    placeholder="${say("people.name")}" aria-label="${say("people.name")}"
    @input=${(event) => choose(event.target.value)}>`;
