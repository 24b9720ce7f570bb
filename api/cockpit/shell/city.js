// The city at a glance, for the status line of every page and for the overview: read anew every half minute.

import { get } from "../core/api.js";
import { everySecond } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { store } from "../core/store.js";

const EVERY_S = 30; // newest readings and hourly means; alerts and health come by the stream

export const city = { overview: null }; // GET /overview; null: not read yet

let seconds = 0; // since it was asked for
let reading = null;

/** Read it now, or wait for who is reading it. */
export function readCity() {
  seconds = 0;
  reading ??= get("/overview").then((found) => {
    city.overview = found;
    redraw();
  }, () => {}).finally(() => (reading = null)); // without an answer what was read stands
  return reading;
}

everySecond(() => {
  seconds += 1;
  if (store.me && (seconds >= EVERY_S || !city.overview)) readCity();
});
