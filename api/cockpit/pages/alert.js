// The page of one alert: what happened, against which limit, what is around, and what may be done next.

import { post, put, remove } from "../core/api.js";
import { redraw } from "../core/draw.js";
import { html, nothing } from "../core/lit.js";
import { go } from "../core/router.js";
import { store } from "../core/store.js";
import { pick, say } from "../core/words.js";
import { CityMap } from "../map/city.js";
import { actions } from "./alert/actions.js";
import { assign } from "./alert/assign.js";
import { canvas } from "./alert/canvas.js";
import { follow, refusal } from "./alert/case.js";
import { option } from "./alert/chart.js";
import { levels } from "./alert/condition.js";
import { dispatch } from "./alert/dispatch.js";
import { facts } from "./alert/facts.js";
import { head } from "./alert/head.js";
import { measure } from "./alert/measured.js";
import { KEYS, may, mayShelve, needs, ofKey, title } from "./alert/offers.js";
import { beside, list, position } from "./alert/order.js";
import { attend } from "./alert/presence.js";
import { alarms, readings, shown } from "./alert/readings.js";
import { shelve } from "./alert/remark.js";
import { timeline } from "./alert/timeline.js";

const NEAR_M = 800; // around the site that the map shows

export async function open({ id }, query) {
  const number = Number(id);
  const one = await follow(number, () => chart.draw());
  const present = attend(number);
  const measured = measure(one, () => chart.draw());
  const lines = () => levels(one.explanation?.judged.raise, one.alert.limits, measured.series?.unit);
  const chart = canvas(
    (size) =>
      measured.window &&
      option({ ...measured, others: shown(measured) }, one.alert, lines(), { ...size, alarms: alarms(measured) }),
  );
  const map = one.alert.site ? place(one.alert.site) : null;
  let chosen = query;
  measured.show(chosen.span);

  const acts = {
    typed: (event) => {
      one.type(event.target.value);
      redraw();
    },
    comment: () => one.act("comment"),
    async act(action) {
      const needed = needs(one.alert, action);
      if (needed.includes("note") && !one.note.trim()) return ask(action);
      if (!needed.length || needed.includes("note")) return one.act(action);
      const order = needed.includes("crew") ? await dispatch(one.alert, one.note) : await assign(about(), one.note);
      return order && one.act(action, order);
    },
    async shelve() {
      const wanted = await shelve(about(), one.note.trim());
      if (wanted) await done("shelve", () => post("/shelves", { alert: number, ...wanted }));
    },
    watch() {
      const change = one.alert.watched ? remove : put;
      return done(one.alert.watched ? "unwatch" : "watch", () => change(`/alerts/${number}/watch`));
    },
  };

  const about = () => `${pick(one.alert.title)} · ${pick(one.alert.place)}`;

  /** Do what is no action of the handling, and say what came of it. */
  async function done(what, work) {
    try {
      await work();
      one.message = { kind: "done", text: say(`alert.done.${what}`) };
      await one.refresh();
    } catch (error) {
      one.message = refusal(error);
    }
    redraw();
  }

  /** A note is needed first: say so where it is typed. */
  function ask(action) {
    one.message = { kind: "refused", text: say("alert.needs_note", { action: title(one.alert, action) }) };
    redraw();
    document.querySelector(".actions .note")?.focus();
  }

  const step = (places) => () => {
    const other = beside(number, places);
    if (other) go(`/alerts/${other}`);
  };
  const keyed = Object.fromEntries(
    [...new Set(Object.values(KEYS))].map((key) => [
      key,
      () => {
        const action = ofKey(one.alert, key);
        if (action && !one.busy) acts.act(action);
      },
    ]),
  );

  return {
    title: () => `${pick(one.alert.title)} ${pick(one.alert.place)}`,
    view: () => html`<div class="alert-page">${head(one)}
      ${readings(one, measured, lines(), chart.element, chosen.view === "table")}
      <div class="aside">${actions(one, present, acts)}${timeline(one)}</div>
      ${facts(one, titles(one, measured))}${map ? around(map) : nothing}${walk(number)}</div>`,
    keys: {
      ...keyed,
      S: () => mayShelve(one.alert) && !one.alert.shelved_until && acts.shelve(),
      W: () => store.me.kind === "person" && acts.watch(),
      N: () => may(one.alert, "comment") && document.querySelector(".actions .note")?.focus(),
      "[": step(-1),
      "]": step(1),
      Escape: () => go(list()),
    },
    changed(next) {
      const same = next.span === chosen.span;
      chosen = next;
      if (!same) measured.show(chosen.span);
    },
    close() {
      for (const part of [one, present, measured, chart, map]) part?.close();
    },
  };
}

/** What the rule's names mean: its reading, and what it looks at besides. */
function titles(one, { metrics, series }) {
  const along = Object.entries(one.explanation?.definition.with ?? {});
  const found = along.map(([name, { metric }]) => [name, metrics[metric]?.title]).filter(([, title]) => title);
  return { ...Object.fromEntries(found), ...(series && one.explanation?.series ? { value: series.metric.title } : {}) };
}

/** The map of what is near. */
function place(site) {
  const element = document.createElement("div");
  element.className = "alert-map";
  const map = new CityMap(element, { badges: false, signs: false, open: (other) => go(`/sites/${other}`) });
  map.near(site, NEAR_M);
  return { element, close: () => map.close() };
}

const around = ({ element }) => html`<section class="panel around"><h2>${say("alert.around")}</h2>${element}</section>`;

/** Where it stands in the list that one came from. */
function walk(id) {
  const found = position(id);
  return found
    ? html`<span class="sr">${say("alert.position", { number: found.number, of: found.of })}</span>`
    : nothing;
}
