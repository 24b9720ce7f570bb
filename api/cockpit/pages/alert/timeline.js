// What happened to an alert, the newest first. Nothing of it is ever changed.

import { hm, hms, md, ymd } from "../../core/format.js";
import { now } from "../../core/clock.js";
import { html, nothing } from "../../core/lit.js";
import { known, pick, say } from "../../core/words.js";

const ACTIONS = [
  "confirm",
  "refute",
  "dispatch",
  "reassign",
  "accept",
  "start",
  "feed_back",
  "close",
  "return",
  "reopen",
  "assign",
  "comment",
];

/** The panel; `events` null: they are still read. */
export function timeline({ alert, events, explanation }) {
  const newestFirst = [...(events ?? [])].reverse();
  const reading = html`<p class="muted pad">${say("alert.reading")}</p>`;
  return html`<section class="panel"><h2>${say("alert.timeline")} <small>${say("alert.append_only")}</small></h2>
    ${events ? nothing : reading}
    <ol class="timeline">${newestFirst.map((event) => item(event, alert, explanation))}</ol></section>`;
}

function item(event, alert, explanation) {
  const mark = ACTIONS.includes(event.kind)
    ? "act"
    : event.kind === "raised" || event.kind === "reopened"
      ? `hit s${alert.severity}`
      : "";
  const day = ymd(event.at) === ymd(now()) ? nothing : html`<small>${md(event.at)}</small>`;
  return html`<li class="${mark}"><time class="num" datetime="${event.at}">${day}${hms(event.at)}</time><i></i>
    <p>${what(event, alert)}${event.note ? html`<q>${event.note}</q>` : nothing}${who(event, explanation)}</p></li>`;
}

/** What happened, in words. */
function what(event, alert) {
  const { kind } = event;
  if (kind === "withheld") return withheld(event.reason);
  if (kind === "overdue") return say("alert.event.overdue", { step: say(`step.${event.reason}`) });
  if (kind === "dispatch" || kind === "reassign") {
    const crew = event.crew === alert.crew ? (pick(alert.crew_title) ?? event.crew) : event.crew;
    return say(`alert.event.${kind}`, { crew });
  }
  if (kind === "assign") return say("alert.event.assign", { name: event.operator_title });
  const level = event.severity ? say(`severity.${event.severity}`) : "";
  const text = say(known(`alert.event.${kind}`) ? `alert.event.${kind}` : `action.${kind}`, {
    level,
    version: event.version,
  });
  return event.past ? `${text}${say("alert.event.past")}` : text;
}

/** Why nobody was told: the word, and by which alert. */
function withheld(reason) {
  const [word, by] = (reason ?? "").split(" ");
  const text = say(known(`alert.withheld.${word}`) ? `alert.withheld.${word}` : "alert.withheld.other");
  return html`${text}${by ? html` <a class="link num" href="/alerts/${by}">#${by}</a>` : nothing}`;
}

/** Who did it; of an announcement, who was told and whether it reached them. */
function who(event, explanation) {
  if (event.kind === "announced")
    return (explanation?.told ?? []).filter(({ announcement }) => announcement === event.announcement).map(delivery);
  const time = event.event_time ? say("alert.event.reading", { time: hm(event.event_time) }) : null;
  const engine = time && say("alert.engine"); // what a reading brought about, no person did
  const text = [event.actor_title ?? event.actor ?? engine, time].filter(Boolean).join(" · ");
  return text ? html`<small>${text}</small>` : nothing;
}

function delivery({ route, status, sent_at: sentAt, error, text }) {
  if (!route) return html`<small>${say("alert.delivery.none")}</small>`;
  const state = sentAt ? say("alert.delivery.sent", { time: hms(sentAt) }) : say(`alert.delivery.${status}`);
  return html`<small class="${status === "failed" ? "t2" : ""}"
    title="${error ?? pick(text)}">${route} · ${state}</small>`;
}
