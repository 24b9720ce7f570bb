// The list of alerts: filtered by the address, worked through by keys, true to what happens, still under the hand.

import { all, get } from "../core/api.js";
import { redraw } from "../core/draw.js";
import { html, nothing } from "../core/lit.js";
import { go } from "../core/router.js";
import { on } from "../core/store.js";
import { say } from "../core/words.js";
import { folded } from "../parts/flood.js";
import { city } from "../shell/city.js";
import { ignoreAway } from "./alert/case.js";
import { remember } from "./alert/order.js";
import { KEYS, may, mayShelve } from "./alert/offers.js";
import { act, chosen, informed, outcomes, shelveAll } from "./alerts/bulk.js";
import { bar, mayShow, parts } from "./alerts/filter.js";
import { hints, nothingHere } from "./alerts/hints.js";
import { table } from "./alerts/rows.js";

const PAGE = 100; // alerts read at once
const QUIET_MS = 1500; // after which the list is read anew, if nobody is at work in it

export async function open(_, query) {
  const state = {
    query,
    alerts: [],
    next: null,
    here: 0,
    selected: new Set(),
    news: new Set(),
    results: null,
    opened: new Set(), // rules whose alerts are shown one by one in a flood, too
    further: false, // whether more than a page was asked for: reading anew would take it away
  };
  const regions = (await get("/regions").catch(() => ({ items: [] }))).items.filter((region) => region.in_scope);
  let turn = 0;
  let waiting = null;

  async function read() {
    const mine = ++turn;
    const { first, rest } = parts(state.query);
    const [reds, found] = await Promise.all([
      first ? all("/alerts", first) : [],
      get("/alerts", { ...rest, limit: PAGE }),
    ]);
    if (mine !== turn) return;
    const kept = here()?.id;
    const alerts = [...reds, ...found.items];
    const place = lines(alerts).findIndex(({ id }) => id === kept);
    const fresh = { news: new Set(), here: Math.max(0, place), further: false };
    Object.assign(state, { alerts, next: found.next, ...fresh });
    noted();
  }

  async function more() {
    const found = await get("/alerts", { ...parts(state.query).rest, limit: PAGE, cursor: state.next });
    state.alerts.push(...found.items);
    Object.assign(state, { next: found.next, further: true });
    noted();
  }

  /** Who opens an alert of the list goes on from it to the next. */
  function noted() {
    remember(
      location.pathname + location.search,
      state.alerts.map(({ id }) => id),
    );
    redraw();
  }

  /** What stands below each other: alerts, or in a flood one row for those of a rule, unless that rule is asked for. */
  const lines = (alerts = state.alerts) =>
    city.overview?.flood.since && !state.query.rule ? folded(alerts, state.opened) : alerts;
  const here = () => lines()[state.here];
  const marked = () => state.alerts.filter(({ id }) => state.selected.has(id));
  const isIdle = () =>
    !state.further &&
    !state.selected.size &&
    !document.querySelector(".list-body:hover, .list-body :focus, dialog[open]");

  /** What changes is changed where it stands; what comes, goes or moves waits until nobody is at work. */
  function heard(alert) {
    const index = state.alerts.findIndex(({ id }) => id === alert.id);
    if (index < 0 && !mayShow(alert, state.query)) return;
    const known = state.alerts[index];
    if (known && alert.revision >= known.revision) state.alerts[index] = { ...known, ...alert, allowed: null };
    state.news.add(alert.id);
    waiting ??= setTimeout(() => {
      waiting = null;
      if (isIdle()) acts.read();
    }, QUIET_MS);
  }

  function move(places) {
    state.here = Math.max(0, Math.min(lines().length - 1, state.here + places));
    redraw();
    requestAnimationFrame(() => document.querySelectorAll(".list-body tbody tr")[state.here]?.focus());
  }

  const acts = {
    open: (line) => (line.fold ? acts.unfold(line.fold) : go(`/alerts/${line.id}`)),
    unfold(rule) {
      if (!state.opened.delete(rule)) state.opened.add(rule);
      redraw();
    },
    here: (index) => {
      if (state.here !== index) redraw();
      state.here = index;
    },
    async select(id) {
      if (!state.selected.delete(id)) state.selected.add(id);
      redraw();
      await informed(marked()).catch(ignoreAway);
      redraw();
    },
    act: (action) => conclude(act(action, marked().filter((alert) => may(alert, action)))),
    shelve: () => conclude(shelveAll(marked().filter(isLoud))),
    unselect() {
      state.selected.clear();
      state.results = null;
      redraw();
    },
    read: () => read().catch(ignoreAway),
    more: () => more().catch(ignoreAway),
  };

  /** Tell what came of it; what succeeded is no longer selected. */
  async function conclude(asked) {
    const results = await asked;
    if (!results) return;
    state.results = results;
    for (const { alert, done } of results) if (done) state.selected.delete(alert.id);
    await acts.read();
    redraw();
  }

  /** A key works on what is selected, else on the line where one is. */
  const keyed = (key) => async () => {
    const wanted = state.selected.size ? marked() : [here()].filter((line) => line?.id);
    const alerts = await informed(wanted).catch(ignoreAway);
    if (!alerts) return;
    if (key === "S") {
      const loud = alerts.filter(isLoud);
      if (loud.length) await conclude(shelveAll(loud));
      return;
    }
    const found = chosen(alerts, key);
    if (found) await conclude(act(found.action, found.among));
  };

  const ends = [on("alert", heard), on("alerts", acts.read)];
  await read();

  return {
    title: () => say("alerts.title"),
    view: () => html`<div class="alert-list"><h1 class="sr">${say("alerts.title")}</h1>${bar(state.query, regions)}
      ${hints(state, marked(), acts)}<div class="list-body">${body(state, lines(), acts)}</div>
      ${state.results ? outcomes(state.results, acts.unselect) : nothing}</div>`,
    keys: {
      J: () => move(1),
      K: () => move(-1),
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: ({ target }) => (target.closest("button, a") ? target.click() : here() && acts.open(here())),
      X: () => here()?.id && acts.select(here().id),
      "/": () => document.querySelector(".alert-filters .search").focus(),
      Escape: acts.unselect,
      ...Object.fromEntries([...new Set(Object.values(KEYS)), "S"].map((key) => [key, keyed(key)])),
    },
    changed(next) {
      Object.assign(state, { query: next, here: 0, selected: new Set() });
      acts.read();
    },
    close() {
      clearTimeout(waiting);
      for (const end of ends) end();
    },
  };
}

/** The lines, and whether there are more. */
function body(state, lines, acts) {
  if (!lines.length) return nothingHere(state);
  const more = html`<button class="button" @click=${acts.more}>${say("alerts.more")}</button>`;
  return html`${table(lines, state.here, state.selected, acts)}
    <p class="list-end">${state.next ? more : say("alerts.end")}</p>`;
}

const isLoud = (alert) => mayShelve(alert) && !alert.shelved_until;
