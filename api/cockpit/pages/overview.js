// The overview: is the city well, and what is to be done about what is not.

import { all } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { html } from "../core/lit.js";
import { choose, go } from "../core/router.js";
import { on, queue as sorted, store } from "../core/store.js";
import { say } from "../core/words.js";
import { CityMap } from "../map/city.js";
import { folded } from "../parts/flood.js";
import { city, readCity } from "../shell/city.js";
import { cards } from "./overview/cards.js";
import { Order } from "./overview/order.js";
import { plan, worst } from "./overview/plan.js";
import { queue } from "./overview/queue.js";
import { listed, summary } from "./overview/summary.js";
import { verdict } from "./overview/verdict.js";

const COUNT_EVERY_S = 60; // ages and deadlines move alerts between counts without an event

export async function open(_, { focus, list }) {
  const order = new Order();
  const element = document.createElement("div");
  const map = new CityMap(element, { choose: (town) => choose({ focus: town }), open: openSite });
  const shown = { list: list ?? "all", chosen: null, standings: null, alerts: [], counts: null };
  const opened = new Set(); // rules whose alerts are shown one by one in a flood, too
  let outdated = true; // alerts changed since they were counted; fifty at once are counted once, when they are drawn
  map.focus(focus ?? null, { animate: false });

  function count() {
    outdated = false;
    shown.alerts = sorted();
    shown.counts = summary(shown.alerts, now());
    order.take(listed(shown.alerts, shown.list, now()));
  }

  function recount() {
    outdated = true;
    redraw();
  }

  async function readPlans() {
    shown.standings = worst(await all("/indicators", { limit: 500 }).catch(() => []));
    redraw();
  }

  const acts = {
    hold: (held) => {
      order.hold(held);
      redraw();
    },
    apply: () => {
      order.apply();
      redraw();
    },
    choose: (name) => choose({ list: name === "all" ? null : name }),
    unfold: (rule) => {
      if (!opened.delete(rule)) opened.add(rule);
      redraw();
    },
    select: (alert) => {
      shown.chosen = alert.id;
      map.ring(alert.site);
      redraw();
    },
  };

  let seconds = 0;
  const ends = [
    on("alert", recount), on("alerts", recount),
    everySecond(() => {
      seconds += 1;
      if (seconds % COUNT_EVERY_S === 0) recount();
    }),
  ];
  readCity();
  readPlans();

  return {
    title: () => say("frame.overview"),
    view: () => {
      if (outdated) count();
      const { alerts, counts, standings, chosen } = shown;
      const { flood = null, closed_at: closed = null } = city.overview ?? {};
      const rows = flood?.since ? folded(order.shown, opened) : order.shown;
      return html`<div class="overview">${verdict(counts, alerts, flood, closed)}
        ${queue({ rows, counts, changes: order.changes, list: shown.list, chosen, now: now() }, acts)}
        <section class="panel map-panel" aria-label="${say("map.title")}">${element}</section>
        ${cards(city.overview)}${plan(standings)}</div>`;
    },
    changed: (next) => {
      if ((next.list ?? "all") !== shown.list) {
        shown.list = next.list ?? "all";
        order.hold(false);
        recount();
      } else map.focus(next.focus ?? null);
    },
    keys: { J: () => move(1), K: () => move(-1), Escape: () => document.activeElement.blur() },
    close: () => {
      for (const end of ends) end();
      map.close();
    },
  };
}

/** Go to the next or the previous row of the queue. */
function move(by) {
  const rows = [...document.querySelectorAll(".queue .row")];
  const here = rows.indexOf(document.activeElement);
  rows[here < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, here + by))]?.focus();
}

/** Open the worst alert of a site; a site without one has its own page. */
function openSite(site) {
  const alert = sorted().find((one) => one.site === site);
  go(alert ? `/alerts/${alert.id}` : `/sites/${encodeURIComponent(site)}`);
}
