// What was done, and by whom: the entries of the audit in words.

import { now } from "../../core/clock.js";
import { short } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { known, say } from "../../core/words.js";
import { actor } from "../../parts/actor.js";

// What an entry may be about, as its target begins.
const KINDS = [
  "alert", "crew", "dataset", "device", "duty", "grant", "handover", "indicator", "maintenance window", "person", "shelf",
  "token",
];
const PAGES = { alert: "/alerts", device: "/devices", handover: "/handover" }; // of one of them, by its name
const SEVERAL = /^(\d+) (alerts|devices)$/;

/** What an action such as `alert.confirm` is called. */
export const deed = (action) => (known(`deed.${action}`) ? say(`deed.${action}`) : action);

/** What an entry is about: {text, href}; href null: it has no page. */
export function object(action, target) {
  const [, n, many] = SEVERAL.exec(target) ?? [];
  if (many) return { text: say(`object.${many}`, { n }), href: null };
  if (action === "quarantine.replay") {
    const reason = known(`quarantine.is.${target}`) ? say(`quarantine.is.${target}`) : say("object.quarantine");
    return { text: reason, href: "/quarantine" };
  }
  const kind = KINDS.find((one) => target === one || target.startsWith(`${one} `));
  if (!kind) return { text: action.startsWith("session.") ? say("object.unknown") : target, href: null };
  const name = target.slice(kind.length + 1);
  const text = say(`object.${kind.replace(" ", "_")}`, { name }).trim();
  const path = name.split("/").map(encodeURIComponent).join("/"); // a device's has three parts
  return { text, href: name && PAGES[kind] ? `${PAGES[kind]}/${path}` : null };
}

/** The table. */
export const deeds = (items) =>
  html`<table class="grid">
    <thead>
      <tr>
        <th>${say("platform.at")}</th>
        <th>${say("platform.actor")}</th>
        <th>${say("platform.action")}</th>
        <th>${say("platform.target")}</th>
        <th>${say("platform.details")}</th>
        <th>${say("platform.address")}</th>
      </tr>
    </thead>
    <tbody>
      ${items.map(row)}
    </tbody>
  </table>`;

function row({ at, actor: who, action, target, details, address }) {
  const { text, href } = object(action, target);
  const more = told(details);
  return html`<tr data-row>
    <td class="num">${short(at, now())}</td>
    <td>${actor(who)}</td>
    <td title="${action}">${deed(action)}</td>
    <td>${href ? html`<a href="${href}">${text}</a>` : text}</td>
    <td class="ell sub" title="${more}">${more}</td>
    <td class="num muted">${address ?? nothing}</td>
  </tr>`;
}

const told = (details) =>
  Object.entries(details)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(say("list"));
