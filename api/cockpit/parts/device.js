// How a device is: what it said of itself last, and when readings of it were heard.

import { now } from "../core/clock.js";
import { short, span } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { pick, say } from "../core/words.js";

/** Its last word, or its last will: 在线 / 离线 since when, of {online, status_at}; null: it never said. */
export function deviceState({ online, status_at: time }) {
  const word = online == null ? "unheard" : online ? "online" : "offline";
  return html`<span class="${online === false ? "stale-age" : online ? "" : "muted"}">${say(`device.${word}`)}</span>${
      time ? html` <small class="muted">${say("device.since", { time: short(time, now()) })}</small>` : nothing
    }`;
}

/** When it was heard last: of {state, heard_at, silent_since}. */
export function hearing({ state, heard_at: heard, silent_since: since }) {
  if (state === "unheard") return html`<span class="muted">${say("device.never")}</span>`;
  if (state === "silent")
    return html`<b class="stale-age"
      >${say("device.silent", { time: short(since, now()), age: span(now() - Date.parse(since)) })}</b
    >`;
  return html`<span
    >${heard ? say("device.heard", { age: span(now() - Date.parse(heard)) }) : say("device.word_only")}</span
  >`;
}

/** The site where a device stands, as a link. */
export const siteOf = ({ site }) =>
  site
    ? html`<a href="/sites/${encodeURIComponent(site.id)}">${pick(site.title)}</a>`
    : html`<span class="muted">${say("device.no_site")}</span>`;
