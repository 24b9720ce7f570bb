// New red alerts are spoken at once by screen readers, gathered so that none interrupts the other.

import { everySecond } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { html } from "../core/lit.js";
import { on, store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { calls } from "./sound.js";

const EVERY_MS = 5000; // at most one message within

/** What is to be spoken, and when. Pure. */
export class Herald {
  #known = null; // ids of red alerts that were there, or were told; null: nothing was read yet
  #waiting = [];
  #spoken = -Infinity;

  /** Take the red alerts that call, as they stand; those that are there at first are no news. */
  take(alerts) {
    if (this.#known) this.#waiting.push(...alerts.filter(({ id }) => !this.#known.has(id)));
    this.#known = new Set([...(this.#known ?? []), ...alerts.map(({ id }) => id)]);
  }

  /** The alerts to speak of now (ms); none: keep silent. */
  next(now) {
    if (!this.#waiting.length || now - this.#spoken < EVERY_MS) return [];
    this.#spoken = now;
    return this.#waiting.splice(0);
  }
}

const herald = new Herald();
let message = "";

const look = () => store.loaded && herald.take([...store.alerts.values()].filter(calls));

function speak(moment) {
  const [first, ...others] = herald.next(moment);
  if (!first) return;
  const values = { title: pick(first.title), place: pick(first.place), n: others.length + 1 };
  message = say(others.length ? "frame.new_reds" : "frame.new_red", values);
  redraw();
}

on("alerts", look);
on("alert", look);
everySecond(speak);

/** The region that speaks; it stands on every page, or nobody would hear what is put into it. */
export const spoken = () => html`<div class="sr" role="alert" aria-live="assertive">${message}</div>`;
