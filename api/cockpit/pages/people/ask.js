// The dialog for a new person.

import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

const field = (label, input) => html`<label class="wide-field">${say(`people.${label}`)} ${input}</label>`;

const select = (asked, name, options, empty) =>
  html`<select class="field" @change=${(event) => (asked[name] = event.target.value)}>
    ${empty ? html`<option value="">${say(empty)}</option>` : ""}
    ${options.map(({ id, title }) => html`<option value="${id}" ?selected=${id === asked[name]}>${title}</option>`)}
  </select>`;

const typed = (asked, name, needed) =>
  html`<input
    class="field"
    maxlength="100"
    autocomplete="off"
    ?required=${needed}
    .value=${asked[name]}
    @input=${(event) => (asked[name] = event.target.value)}
  />`;

/** Ask who shall be added; null: it is left. */
export async function askPerson({ regions, domains, crews, roles }) {
  const asked = { name: "", title: "", role: "operator", region: "", domain: "", crew: "", sso: false };
  const titled = (all) => all.map(({ id, title }) => ({ id, title: pick(title) ?? id }));
  const answered = await ask({
    title: say("people.add"),
    about: "",
    verb: say("people.add"),
    hint: () => say("people.then"),
    fields: () =>
      html`<div class="fields">
        ${field("name", typed(asked, "name", true))}${field("title", typed(asked, "title", false))}
        ${field(
          "role",
          select(
            asked,
            "role",
            roles.map((id) => ({ id, title: say(`role.${id}`) })),
          ),
        )}
        ${field("regions", select(asked, "region", titled(regions), "people.every_region"))}
        ${field("domains", select(asked, "domain", titled(domains), "people.every_domain"))}
        ${field("crew", select(asked, "crew", titled(crews), "none"))}
        <label
          ><input type="checkbox" @change=${(event) => (asked.sso = event.target.checked)} />
          ${say("people.without_password")}</label
        >
      </div>`,
    answer: () => (asked.name.trim() ? asked : null),
  });
  if (!answered) return null;
  const { name, title, role, region, domain, crew, sso } = answered;
  return {
    name: name.trim(),
    title: title.trim(),
    role,
    regions: region ? [region] : null,
    domains: domain ? [domain] : null,
    crew: crew || null,
    single_sign_on: sso,
  };
}
