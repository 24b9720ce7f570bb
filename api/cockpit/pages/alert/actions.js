// What is to be done next, and nothing that the state or the role forbids.

import { html, live, nothing } from "../../core/lit.js";
import { say, pick } from "../../core/words.js";
import { store } from "../../core/store.js";
import { KEYS, may, mayShelve, moves, title } from "./offers.js";
import { onlookers } from "./presence.js";

const LARGE = 2; // actions that are drawn large: what leads on first
const BACK = "reopen"; // leads back, so nothing asks for it

/**
 * The panel.
 * @param one the case
 * @param present who looks at it
 * @param acts {act(action), shelve(), comment(), watch()}
 */
export function actions(one, present, acts) {
  const { alert } = one;
  const offers = moves(alert);
  const stands = say("alert.stands", { handling: say(`handling.${alert.handling}`) });
  const look = ({ action }, index) => (index === 0 && action !== BACK ? "primary" : "");
  const large = offers.slice(0, LARGE).map((offer, index) => button(offer, one, acts, look(offer, index)));
  return html`<section class="panel actions"><h2>${say("alert.next")} <small>${stands}${inHand(alert)}</small>
      <span class="grow"></span>${store.me.kind === "person" ? watch(one, acts) : nothing}</h2>
    ${onlookers(present)}${alert.advice ? html`<p class="advice">${pick(alert.advice)}</p>` : nothing}
    <div role="status" aria-live="polite">${one.message ? html`<p
      class="message ${one.message.kind}">${one.message.text}</p>` : nothing}</div>
    ${may(alert, "comment") ? note(one, acts) : html`<p class="muted">${say("alert.only_look")}</p>`}
    <div class="large">${large}</div>
    <div class="small">${offers.slice(LARGE).map((offer) => button(offer, one, acts, ""))}${
      may(alert, "assign") ? button({ action: "assign" }, one, acts, "") : nothing
    }${
      mayShelve(alert) && !alert.shelved_until
        ? html`<button class="button" ?disabled=${one.busy}
          @click=${acts.shelve}>${say("action.shelve")} <kbd>S</kbd></button>`
        : nothing
    }${
      may(alert, "comment") && one.note.trim()
        ? html`<button class="button" ?disabled=${one.busy}
          @click=${acts.comment}>${say("alert.comment_only")}</button>`
        : nothing
    }</div></section>`;
}

const inHand = ({ operator, operator_title: name }) =>
  operator ? ` · ${say("alert.in_hand", { name: name ?? operator })}` : nothing;

const watch = ({ alert, busy }, acts) => html`<button class="chip" aria-pressed="${alert.watched}" ?disabled=${busy}
  title="${say("alert.watch_means")}"
  @click=${acts.watch}>${say(alert.watched ? "alert.watched" : "alert.watch")}</button>`;

function note(one, acts) {
  const needed = moves(one.alert)
    .filter(({ needs: lacking }) => lacking.includes("note"))
    .map(({ action }) => title(one.alert, action));
  const hint = needed.length ? say("alert.note_for", { actions: needed.join(say("list")) }) : say("alert.note");
  return html`<textarea class="field note" rows="2" maxlength="2000" placeholder="${hint}" aria-label="${hint}"
    .value=${live(one.note)} @input=${acts.typed}></textarea>`;
}

const button = (
  { action },
  one,
  acts,
  look,
) => html`<button class="button ${look}" ?disabled=${one.busy} @click=${() => acts.act(action)}
  >${title(one.alert, action)} ${KEYS[action] ? html`<kbd>${KEYS[action]}</kbd>` : nothing}</button>`;
