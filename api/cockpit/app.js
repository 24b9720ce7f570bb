// The cockpit: who is there, which page the address names, and the frame around it.

import { Away, get, Problem } from "./core/api.js";
import { drawWith, redraw } from "./core/draw.js";
import * as keys from "./core/keys.js";
import { html, nothing, render } from "./core/lit.js";
import { go, route } from "./core/router.js";
import { begin, store } from "./core/store.js";
import { say } from "./core/words.js";
import { tick } from "./parts/time.js";
import { banner, help, status, top } from "./shell/frame.js";
import { signIn } from "./shell/signin.js";
import { mute, titled, unlock } from "./shell/sound.js";
import { apply as applyTheme } from "./shell/theme.js";

// Each module has `open(parameters, query)`, which gives a page: {view(), title?, keys?, close?(), changed?(query), bare?}.
const PAGES = [
  [/^\/$/, () => import("./pages/overview.js")],
  [/^\/alerts$/, () => import("./pages/alerts.js")],
  [/^\/alerts\/(?<id>\d+)$/, () => import("./pages/alert.js")],
  [/^\/domains\/(?<id>[^/]+)$/, () => import("./pages/domain.js")],
  [/^\/sites$/, () => import("./pages/sites.js")],
  [/^\/sites\/(?<id>[^/]+)$/, () => import("./pages/site.js")],
  [/^\/devices\/(?<region>[^/]+)\/(?<domain>[^/]+)\/(?<name>[^/]+)$/, () => import("./pages/device.js")],
  [/^\/plans(?:\/(?<plan>[^/]+)\/(?<indicator>[^/]+))?$/, () => import("./pages/plans.js")],
  [/^\/rules$/, () => import("./pages/rules.js")],
  [/^\/rules\/(?<id>[^/]+)$/, () => import("./pages/rule.js")],
  [/^\/quarantine$/, () => import("./pages/quarantine.js")],
  [/^\/statistics$/, () => import("./pages/statistics.js")],
  [/^\/silences$/, () => import("./pages/silences.js")],
  [/^\/platform$/, () => import("./pages/platform.js")],
  [/^\/people$/, () => import("./pages/people.js")],
  [/^\/handover(?:\/(?<id>\d+))?$/, () => import("./pages/handover.js")],
  [/^\/wall$/, () => import("./pages/wall.js")],
];

const place = document.getElementById("cockpit");
let page = null; // what is open
let path = null; // its address, without the query
let turn = 0; // counts openings: of two at once the later one counts

function draw() {
  if (!page) return;
  applyTheme();
  const body = html`<main class="page ${page.scrolls ? "scrolls" : ""}" id="content">${page.view()}</main>`;
  render(page.bare ? body : html`<div class="app ${store.lost ? "lost" : ""}">${top()}${store.lost ? banner() : nothing}${body}${status()}</div>`, place);
  document.title = titled(page.title?.());
  tick();
}

const message = (title, detail) => ({ view: () => html`<div class="missing panel"><b>${title}</b>${detail} <p><a class="button" href="/">${say("frame.back")}</a></p></div>` });

function failed(error) {
  if (error instanceof Problem && error.status === 401) location.reload();
  if (error instanceof Problem && error.status === 404) return message(say("frame.failed"), say("frame.failed_scope"));
  if (!(error instanceof Away) && !(error instanceof Problem)) console.error(error);
  return message(say("frame.failed"), error instanceof Away ? say("frame.failed_away") : error.message);
}

async function open(pathname, query) {
  if (pathname === path && page?.changed) {
    page.changed(query);
    redraw();
    return;
  }
  const mine = ++turn;
  const [pattern, load] = PAGES.find(([pattern]) => pattern.test(pathname)) ?? [];
  let next;
  try {
    next = load
      ? await (await load()).open(Object.fromEntries(Object.entries(pattern.exec(pathname).groups ?? {}).map(([name, value]) => [name, value && decodeURIComponent(value)])), query)
      : message(say("frame.missing"), say("frame.missing_detail"));
  } catch (error) {
    next = failed(error);
  }
  if (mine !== turn) {
    next.close?.();
    return;
  }
  page?.close?.();
  page = next;
  path = pathname;
  keys.ofPage({ M: mute, ...page.keys });
  redraw();
}

async function run() {
  applyTheme();
  let me = null;
  while (!me) {
    try {
      me = await get("/session");
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        await signIn(place);
        unlock();
        render(nothing, place);
      } else {
        page = failed(error);
        draw();
        await new Promise((resolve) => setTimeout(resolve, 3000));
      }
    }
  }
  drawWith(draw);
  begin(me);
  store.place = me.place;
  store.domains = await get("/domains").then((found) => found.items, () => []);
  get("/duty").then((duty) => (store.duty = duty)).then(redraw, () => {});
  keys.listen(go, help);
  route(open);
}

run();
