// Dialogs for a new shelf and a new maintenance window.

import { now } from "../../core/clock.js";
import { html } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { ask } from "../../parts/dialog.js";

const HOUR_MS = 3_600_000;
const SHELF_HOURS = [1, 2, 4, 8, 24]; // 24 hours at most
const WINDOW_HOURS = [2, 4, 8, 24, 72, 168];

const field = (label, input) => html`<label class="wide-field">${say(`silences.${label}`)} ${input}</label>`;

const select = (asked, name, options, words) =>
  html`<select class="field" @change=${(event) => (asked[name] = event.target.value)}>
    ${options.map((one) =>
      html`<option value="${one}" ?selected=${String(one) === String(asked[name])}>${words(one)}</option>`)}
  </select>`;

const typed = (asked, name, { needed = false, hint = "" } = {}) =>
  html`<input
    class="field"
    maxlength="200"
    ?required=${needed}
    placeholder="${hint}"
    .value=${asked[name]}
    @input=${(event) => (asked[name] = event.target.value)}
  />`;

const titled = (all) => (id) => (id ? pick(all.find((one) => one.id === id).title) : say("silences.any"));
const ids = (all) => ["", ...all.map(({ id }) => id)];
const inHours = (hours, from = now()) => new Date(from + hours * HOUR_MS).toISOString();
const hours = (n) => say("silences.hours", { n });

/** Ask for a shelf; null: it is left. */
export async function askShelf({ regions, domains }) {
  const asked = { rule: "", subject: "*", region: "", domain: "", hours: 2, reason: "" };
  const answered = await ask({
    title: say("silences.shelve"),
    about: say("silences.shelves_what"),
    verb: say("silences.shelve"),
    hint: () => say("silences.then"),
    fields: () =>
      html`<div class="fields">
        ${field("rules", typed(asked, "rule", { needed: true, hint: "water.*" }))}
        ${field("subjects", typed(asked, "subject", { needed: true }))}${field("region", select(asked, "region",
          ids(regions), titled(regions)))}
        ${field("domain", select(asked, "domain", ids(domains), titled(domains)))}${
          field("for", select(asked, "hours", SHELF_HOURS, hours))}
        ${field("reason", typed(asked, "reason", { needed: true }))}
      </div>`,
    answer: () => (asked.rule.trim() && asked.reason.trim() ? asked : null),
  });
  if (!answered) return null;
  const { rule, subject, region, domain, reason } = answered;
  // A minute less than 24 hours, for the desk's way to the server takes time.
  const until = inHours(Math.min(Number(answered.hours), 24 - 1 / 60));
  return {
    rule: rule.trim(),
    subject: subject.trim() || "*",
    region: region || null,
    domain: domain || null,
    until,
    reason: reason.trim(),
  };
}

/** Ask for a maintenance window; null: it is left. */
export async function askWindow({ regions, domains }) {
  const asked = { region: "", domain: "", site: "", device: "", start: "", hours: 4, reason: "" };
  const begin = html`<input
      class="field"
      type="datetime-local"
      @input=${(event) => (asked.start = event.target.value)}
    />
    <small class="muted">${say("silences.from_now")}</small>`;
  const some = () => asked.region || asked.domain || asked.site.trim() || asked.device.trim();
  const answered = await ask({
    title: say("silences.maintain"),
    about: say("silences.windows_what"),
    verb: say("silences.maintain"),
    hint: () => say("silences.needs_one"),
    fields: () =>
      html`<div class="fields">
        ${field("region", select(asked, "region", ids(regions), titled(regions)))}
        ${field("domain", select(asked, "domain", ids(domains), titled(domains)))}${field("site", typed(asked, "site"))}
        ${field("device", typed(asked, "device", { hint: say("silences.device_hint") }))}
        ${field("from", begin)}
        ${field("for", select(asked, "hours", WINDOW_HOURS, hours))}${
          field("reason", typed(asked, "reason", { needed: true }))}
      </div>`,
    answer: () => (some() && asked.reason.trim() ? asked : null),
  });
  if (!answered) return null;
  const start = answered.start ? Date.parse(answered.start) : null;
  return {
    region: answered.region || null,
    domain: answered.domain || null,
    site: answered.site.trim() || null,
    device: answered.device.trim() || null,
    start_at: start && new Date(start).toISOString(),
    end_at: inHours(Number(answered.hours), start ?? now()),
    reason: answered.reason.trim(),
  };
}
