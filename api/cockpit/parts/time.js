// Clocks on the page: elements that say what they count, which one timer keeps true.

import { everySecond, now } from "../core/clock.js";
import { countdown, hms, span } from "../core/format.js";
import { html } from "../core/lit.js";

/** What is left until `time` (ISO 8601 or ms); orange when fewer than `soon` minutes are, red when it is over. */
export const due = (time, soon = 5) => html`<time class="cd" data-due="${typeof time === "number" ? time : Date.parse(time)}" data-soon="${soon * 60_000}"></time>`;

/** How long ago `time` was. */
export const since = (time) => html`<time class="num" data-since="${typeof time === "number" ? time : Date.parse(time)}"></time>`;

/** The present, as 03:12:45. */
export const present = () => html`<time class="clock num" data-clock="1"></time>`;

/** Bring all of them to the present; drawn elements are empty until then, for a template may not hold what is changed by hand. */
export function tick(moment = now()) {
  for (const element of document.querySelectorAll("[data-due]")) {
    const left = Number(element.dataset.due) - moment;
    write(element, countdown(left));
    element.classList.toggle("late", left < 0);
    element.classList.toggle("soon", left >= 0 && left < Number(element.dataset.soon));
  }
  for (const element of document.querySelectorAll("[data-since]")) write(element, span(moment - Number(element.dataset.since)));
  for (const element of document.querySelectorAll("[data-clock]")) write(element, hms(moment));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

everySecond(tick);
