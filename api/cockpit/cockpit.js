// The cockpit: signs in, follows the status, and keeps the page as it is now.

import { h, morph } from "./dom.js";
import { ask, follow, hurry, pause } from "./feed.js";
import { calendar } from "./format.js";
import { listen } from "./live.js";
import { page } from "./page.js";
import { Rate } from "./rate.js";
import { signIn, signOut } from "./signin.js";
import { languageOf, speak } from "./words.js";

const SHARED_MS = 1100; // the server gives everybody who asks within a second the same answer

const words = speak(languageOf(location.search));
const place = document.getElementById("cockpit");
const view = {};
let rate = null;
let clockError = 0; // ms that the server's clock is ahead of this desk's, which may be wrong
let city = null;
let soon = null;

/** As if nothing had ever been seen. */
function forget() {
  rate = new Rate();
  Object.assign(view, { me: null, status: null, away: null, answeredAt: null, rate: null });
  place.replaceChildren();
}

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

/** Alerts have changed: ask now, and once more when the server no longer answers with what it had at hand. */
function changed(kind) {
  if (document.hidden || soon || (kind !== "alert" && kind !== "reset")) return;
  hurry();
  soon = setTimeout(() => {
    soon = null;
    hurry();
  }, SHARED_MS);
}

async function run() {
  for (;;) {
    forget();
    draw();
    const { document: me, away } = await ask("/api/v1/session");
    if (me) {
      view.me = me;
      const clock = setInterval(draw, 1000);
      const end = listen("/api/v1/stream", changed);
      await follow("/api/v1/status", answered, failed);
      end();
      clearInterval(clock);
    } else if (away === "session") await signIn(place, words);
    else {
      failed(away);
      await pause();
    }
  }
}

document.documentElement.lang = words.language === "en" ? "en" : "zh-CN";
document.title = words.say("title");
place.addEventListener("click", ({ target }) => target.dataset.act === "sign-out" && signOut());
run();
