// The cockpit: follows the status, and keeps the page as it is now.

import { h, morph } from "./dom.js";
import { follow } from "./feed.js";
import { calendar } from "./format.js";
import { page } from "./page.js";
import { Rate } from "./rate.js";
import { languageOf, speak } from "./words.js";

const words = speak(languageOf(location.search));
const place = document.getElementById("cockpit");
const rate = new Rate();
const view = { status: null, now: Date.now(), away: null, answeredAt: null, rate: null };
let clockError = 0; // ms that the server's clock is ahead of this desk's, which may be wrong
let city = null;

function draw() {
  view.now = Date.now() + clockError;
  const fresh = page(view, words, city);
  if (place.firstChild) morph(place.firstChild, fresh);
  else place.append(fresh);
}

function answered(status) {
  const now = Date.parse(status.now);
  clockError = now - Date.now();
  if (view.status?.time_zone !== status.time_zone) city = calendar(status.time_zone);
  Object.assign(view, { status, away: null, answeredAt: now, rate: rate.add(now, status.ledger) });
  draw();
}

function failed(away) {
  view.away = away;
  draw();
}

document.documentElement.lang = words.language === "en" ? "en" : "zh-CN";
document.title = words.say("title");
draw();
setInterval(draw, 1000);
follow("/api/v1/status", answered, failed);
