// The first and the last line of the wall: which page this is and what time; whether it is live and what comes next.

import { now } from "../../core/clock.js";
import { ymd } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { due, present, since } from "../../parts/time.js";
import { status } from "../../shell/frame.js";
import { OVERVIEW } from "./rotation.js";

/** The first line; `pages` are all names, `page` is the one shown. */
export const head = (pages, page, place) => html`<header class="wall-head">
  <h1>${say("wall.title")}</h1><span class="place">${pick(place)}</span>
  <p class="pages">${pages.length > 1 ? pages.map((name) => tab(name, page)) : nothing}</p>
  <span class="day num">${ymd(now())} ${say(`wall.day_${weekday()}`)}<br />${pick(store.duty?.shift?.title)}</span>
  ${present()}
</header>`;

const tab = (name, page) => html`<span aria-current=${name === page ? "page" : nothing}>${titleOf(name)}</span>`;

/** What a page is called. */
export const titleOf = (name) =>
  name === OVERVIEW ? say("frame.overview") : (pick(store.domains.find(({ id }) => id === name)?.title) ?? name);

/** 0: Sunday. */
const weekday = () => new Date(`${ymd(now())}T00:00:00Z`).getUTCDay();

/** The last line; `next` is when the next page comes (ms), null: this one stays. */
export const tail = (next, held) => html`<div class="wall-tail">${status()}
  <span class="comes num">${store.lost ? lost() : live(next, held)}</span></div>`;

const live = (next, held) =>
  html`<b>${say("frame.live")}</b> ${held ? say("wall.held") : next ? comes(next) : nothing}`;

const lost = () => html`<b class="t2">${say("wall.lost")}${since(store.lost)}${say("wall.lost_ago")}</b>`;

const comes = (next) => html`${due(next, 0)} ${say("wall.comes")}`;
