// The dialog for a value that people enter.

import { unit } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

const field = (name, input) => html`<label class="wide-field">${say(`plans.entry.${name}`)} ${input}</label>`;

/**
 * Ask for a value; null: it is left.
 * @param here standings of the indicator, one in each region
 * @param region the one that is shown
 * @param today the last day that can be entered
 */
export async function askValue(indicator, here, region, today) {
  const asked = { region, day: today, value: "", note: "" };
  const put = (name) => (event) => (asked[name] = event.target.value);
  const option = ({ region: { id, title } }) =>
    html`<option value="${id}" ?selected=${id === asked.region}>${pick(title)}</option>`;
  const regions = html`<select class="field" @change=${put("region")}>
    ${here.map(option)}
  </select>`;
  const day = html`<input class="field" type="date" required max="${today}" .value=${today} @input=${put("day")} />`;
  const value = html`<input class="field" type="number" step="any" required @input=${put("value")} />
    <span>${unit(indicator.unit)}</span>`;
  const note = html`<input class="field" maxlength="1000" @input=${put("note")} />`;
  return ask({
    title: say("plans.enter"),
    about: pick(indicator.title),
    verb: say("plans.send"),
    fields: () =>
      html`<div class="fields">
        ${field("region", regions)}${field("day", day)}${field("value", value)}${field("note", note)}
      </div>`,
    hint: () => say("plans.entry.then"),
    answer: () => (asked.value === "" ? null : { ...asked, value: Number(asked.value), note: asked.note || null }),
  });
}
