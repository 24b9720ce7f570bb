// Asking for words: a note that an action needs, or why and until when an alert is shelved.

import { now } from "../../core/clock.js";
import { short } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

const HOURS = [1, 2, 4, 8, 24]; // for which an alert may be shelved; 24 at most
const HOUR_MS = 3_600_000;

/** Ask for the note of an action; null: it is left. */
export async function remark(action, about) {
  let note = "";
  const answer = await ask({
    title: say(`action.${action}`),
    about,
    verb: say(`action.${action}`),
    answer: () => (note.trim() ? { note: note.trim() } : null),
    fields:
      () => html`<fieldset><legend>${say("alert.note_needed")}</legend><textarea class="field wide" rows="3"
        maxlength="2000" required autofocus
      aria-label="${say("action.comment")}" @input=${(event) => (note = event.target.value)}
        @keydown=${submitOnEnter}></textarea></fieldset>`,
  });
  return answer?.note ?? null;
}

/** Ask until when and why to shelve; null: it is left. @returns {until, reason} */
export function shelve(about, reason = "") {
  let hours = 2;
  let why = reason;
  const until = () => new Date(now() + hours * HOUR_MS);
  return ask({
    title: say("action.shelve"),
    about,
    verb: say("action.shelve"),
    hint: () => say("alert.shelve.then", { time: short(until().getTime(), now()) }),
    answer: () => (why.trim() ? { until: until().toISOString(), reason: why.trim() } : null),
    fields: (draw) => html`<fieldset><legend>${say("alert.shelve.long")}</legend><span class="segments">${HOURS.map(
      (n) => html`<button type="button" aria-pressed="${hours === n}"
        @click=${() => {
          hours = n;
          draw();
        }}>${say("alert.span.h", { n })}</button>`,
    )}</span></fieldset>
      <fieldset><legend>${say("alert.shelve.why")}</legend><textarea class="field wide" rows="2"
        maxlength="500" required autofocus aria-label="${say("alert.shelve.why")}"
        .value=${why} @input=${(event) => (why = event.target.value)} @keydown=${submitOnEnter}></textarea></fieldset>`,
  });
}

/** Enter sends; with Shift it is a new line. */
function submitOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
}
