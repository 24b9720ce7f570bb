// The large screen: nobody touches it, so it turns its pages itself, stops where it is needed, and mends itself.

import { all, get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { html } from "../core/lit.js";
import { go } from "../core/router.js";
import { queue as sorted, store } from "../core/store.js";
import { say } from "../core/words.js";
import { CityMap } from "../map/city.js";
import { city } from "../shell/city.js";
import { plan, worst } from "./overview/plan.js";
import { summary } from "./overview/summary.js";
import { verdict } from "./overview/verdict.js";
import { cards } from "./wall/cards.js";
import { Figures } from "./wall/domain.js";
import { head, tail, titleOf } from "./wall/head.js";
import { list } from "./wall/list.js";
import { renew } from "./wall/release.js";
import { OVERVIEW, Rotation } from "./wall/rotation.js";

const EVERY_S = 20; // that a page stays, unless the address says otherwise
const LEAST_S = 5; // a page that goes sooner nobody can read
const READ_EVERY_S = 30; // figures of a region; those of the whole scope come with the frame
const RENEW_EVERY_S = 60;
const PLANS_EVERY_S = 900; // indicators are judged once a day
const WIDTH = 1920; // px: lines and dots are drawn for it, and grow with the screen
const FAR = 1.5; // the map's signs are so much larger than at a desk: its smallest letters have 18 px on that width

export async function open(_, query) {
  const regions = query.region ? await all("/regions", { limit: 1000 }) : [];
  return new Wall(query, regions);
}

class Wall {
  bare = true;
  keys = { Escape: () => go("/") };
  #region; // id; null: all that the caller may see
  #regions; // those within it, by id; empty: all
  #pages;
  #rotation;
  #figures; // of each domain among the pages
  #coming; // the page that is shown, or will be as soon as its figures are here
  #shown = OVERVIEW;
  #held = false; // a red alert waits to be judged
  #overview = null; // of the region
  #standings = null;
  #map = null;
  #ground = document.createElement("div"); // what the map fills
  #seconds = 0;
  #ends;

  constructor({ pages, every, region }, regions) {
    this.#region = region ?? null;
    this.#regions = within(region, regions);
    const known = [OVERVIEW, ...store.domains.map(({ id }) => id)];
    this.#pages = pages ? pages.split(",").filter((name) => known.includes(name)) : known;
    if (!this.#pages.length) this.#pages = [OVERVIEW];
    this.#rotation = new Rotation(this.#pages, Math.max(LEAST_S, Number(every) || EVERY_S) * 1000);
    const domains = this.#pages.filter((name) => name !== OVERVIEW);
    this.#figures = new Map(domains.map((name) => [name, new Figures(name, region)]));
    const fit = () => this.#fit();
    addEventListener("resize", fit);
    this.#ends = [everySecond((moment) => this.#second(moment)), () => removeEventListener("resize", fit)];
    this.#fit();
    this.#read();
    this.#readPlans();
  }

  title = () => say("frame.wall");

  close() {
    for (const end of this.#ends) end();
    this.#map.close();
    document.documentElement.style.removeProperty("--u");
  }

  /** Lines and dots as large as the letters, which are so by the style sheet. */
  #fit() {
    const unit = innerWidth / WIDTH;
    document.documentElement.style.setProperty("--u", unit);
    this.#map?.close();
    this.#map = new CityMap(this.#ground, { interactive: false, unit: FAR * unit });
    this.#map.focus(this.#region, { animate: false });
  }

  #second(moment) {
    this.#seconds += 1;
    if (this.#seconds % RENEW_EVERY_S === 0) renew();
    if (this.#seconds % READ_EVERY_S === 0) this.#read();
    if (this.#seconds % PLANS_EVERY_S === 0) this.#readPlans();
    const held = summary(this.#alerts(), moment).waiting[1] > 0;
    const next = this.#rotation.next;
    this.#turn(this.#rotation.at(moment, { held, lost: store.lost !== null }));
    if (held !== this.#held || next !== this.#rotation.next) redraw();
    this.#held = held;
  }

  /** Show a page; that of a domain once its figures are here, and not without them. */
  async #turn(page) {
    if (page === this.#coming) return;
    this.#coming = page;
    const ready = page === OVERVIEW || (await this.#figures.get(page).read());
    if (page !== this.#coming) return; // it has turned on meanwhile
    if (ready) this.#shown = page;
    else this.#coming = this.#shown; // and is tried again
    redraw();
  }

  async #read() {
    if (this.#region) this.#overview = await get("/overview", { region: this.#region }).catch(() => this.#overview);
  }

  async #readPlans() {
    const found = await all("/indicators", { limit: 500, region: this.#region }).catch(() => null);
    if (found) this.#standings = worst(found);
    redraw();
  }

  /** Open alerts, in the order of the queue. */
  #alerts() {
    return sorted().filter(({ region }) => !this.#regions.size || this.#regions.has(region));
  }

  view() {
    const alerts = this.#alerts();
    const overview = this.#region ? this.#overview : city.overview;
    const isOverview = this.#shown === OVERVIEW;
    return html`<div class="wall ${isOverview ? "" : "of-domain"}" @click=${leave}>
      ${head(this.#pages, this.#shown, this.#place())}${verdict(summary(alerts, now()), alerts, null)}
      ${isOverview ? this.#city(overview, alerts) : this.#domain(alerts)}
      ${tail(this.#rotation.next, this.#held)}</div>`;
  }

  #city(overview, alerts) {
    const severe = alerts.filter(({ severity }) => severity <= 2);
    return html`${cards(overview, alerts)}
      <section class="panel wall-map" aria-label="${say("map.title")}">${this.#ground}</section>
      ${list(say("wall.severe"), severe, say("wall.none_severe"))}${plan(this.#standings)}`;
  }

  #domain(alerts) {
    const theirs = alerts.filter(({ domain }) => domain === this.#shown);
    const title = say("wall.alerts_of", { domain: titleOf(this.#shown) });
    return html`${this.#figures.get(this.#shown).view()}${list(title, theirs, say("overview.empty_all"))}`;
  }

  #place() {
    return this.#regions.get(this.#region)?.title ?? store.place;
  }
}

/** A region and all below it, by id; of none: nothing. */
function within(id, regions) {
  const parents = new Map(regions.map((region) => [region.id, region.parent]));
  const isBelow = (region) => region === id || (parents.has(region) && isBelow(parents.get(region)));
  return new Map(regions.filter((region) => isBelow(region.id)).map((region) => [region.id, region]));
}

function leave(event) {
  event.preventDefault(); // nor does a link lead anywhere else
  go("/");
}
