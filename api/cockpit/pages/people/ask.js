// The dialogs for a new person, and for what of one shall be another.

import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

const EVERY = ""; // chosen: all regions, all domains, no crew
const SEVERAL = "*"; // several, which only the API sets; they stay

const field = (label, input) => html`<label class="wide-field">${say(`people.${label}`)} ${input}</label>`;

const select = (asked, name, options) => html`
  <select class="field" @change=${(event) => (asked[name] = event.target.value)}>
  ${options.map(([id, title]) => html`<option value="${id}" ?selected=${id === asked[name]}>${title}</option>`)}</select>`;

const typed = (asked, name, needed) => html`<input class="field" maxlength="100" autocomplete="off" ?required=${needed}
  .value=${asked[name]} @input=${(event) => (asked[name] = event.target.value)}>`;

const ticked = (asked, name, label) => html`<label><input type="checkbox" .checked=${asked[name]}
  @change=${(event) => (asked[name] = event.target.checked)}> ${say(`people.${label}`)}</label>`;

const titled = (all, empty) => [[EVERY, say(empty)], ...all.map(({ id, title }) => [id, pick(title) ?? id])];

const several = (chosen, all) =>
  chosen === SEVERAL ? [[SEVERAL, all.map(({ id, title }) => pick(title) ?? id).join(say("list"))]] : [];

/** What both dialogs ask; `person` as it is, null: a new one. */
function common(asked, { regions, domains, crews, roles }, person) {
  const places = [...several(asked.region, person?.regions), ...titled(regions, "people.every_region")];
  const about = [...several(asked.domain, person?.domains), ...titled(domains, "people.every_domain")];
  return html`${field("title", typed(asked, "title", false))}
    ${field("role", select(asked, "role", roles.map((id) => [id, say(`role.${id}`)])))}
    ${field("regions", select(asked, "region", places))}${field("domains", select(asked, "domain", about))}
    ${field("crew", select(asked, "crew", titled(crews, "none")))}`;
}

/** Ask who shall be added; null: it is left. `choices`: {regions, domains, crews, roles}. */
export async function askPerson(choices) {
  const asked = { name: "", title: "", role: "operator", region: EVERY, domain: EVERY, crew: EVERY, sso: false };
  const answered = await ask({
    title: say("people.add"),
    about: "",
    verb: say("people.add"),
    hint: () => say("people.then"),
    fields: () => html`<div class="fields">${field("name", typed(asked, "name", true))}
      ${common(asked, choices, null)}${ticked(asked, "sso", "without_password")}</div>`,
    answer: () => (asked.name.trim() ? asked : null),
  });
  return answered && { name: asked.name.trim(), single_sign_on: asked.sso, ...wanted(asked) };
}

/** Ask what of a person shall be another; only what is: null: nothing. */
export async function askChanges(person, choices) {
  const before = standing(person);
  const asked = { ...before };
  const answered = await ask({
    title: say("people.change"),
    about: person.name,
    verb: say("people.save"),
    hint: () => say("people.at_once"),
    fields: () => html`<div class="fields">${common(asked, choices, person)}
      ${ticked(asked, "active", "may_sign_in")}</div>`,
    answer: () => asked,
  });
  return answered && changes(before, asked);
}

const only = (all) => (!all ? EVERY : all.length === 1 ? all[0].id : SEVERAL);

/** A person as the dialog has it. */
export const standing = ({ title, role, regions, domains, crew, active }) => ({
  title, role, region: only(regions), domain: only(domains), crew: crew ?? EVERY, active,
});

const list = (chosen) => (chosen === EVERY ? null : [chosen]);

const wanted = ({ title, role, region, domain, crew }) => ({
  title: title.trim(), role, regions: list(region), domains: list(domain), crew: crew || null,
});

/** What of `asked` differs, as PATCH wants it; null: nothing does. */
export function changes(before, asked) {
  const [was, is] = [before, asked].map((one) => ({ ...wanted(one), active: one.active }));
  const differs = Object.entries(is).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name]));
  return differs.length ? Object.fromEntries(differs) : null;
}
