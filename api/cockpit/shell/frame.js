// The frame around every page: where one can go, whether it is live, and how the platform is.

import { areOn, turn as turnKeys } from "../core/keys.js";
import { redraw } from "../core/draw.js";
import { number, span } from "../core/format.js";
import { now } from "../core/clock.js";
import { html, nothing } from "../core/lit.js";
import { store } from "../core/store.js";
import { language, pick, say, speak } from "../core/words.js";
import { icon } from "../parts/glyph.js";
import { present } from "../parts/time.js";
import { city } from "./city.js";
import { spoken } from "./herald.js";
import { lag } from "./lag.js";
import { signOut } from "./signin.js";
import { mute, soundState, unlock } from "./sound.js";
import { turn as turnTheme } from "./theme.js";

const PLACES = [["overview", "/"], ["alerts", "/alerts"], ["sites", "/sites"], ["plans", "/plans"], ["rules", "/rules"], ["handover", "/handover"]];
const MORE = [["statistics", "viewer"], ["quarantine", "engineer"], ["silences", "viewer"], ["platform", "viewer"], ["people", "administrator"]];
const ROLES = ["viewer", "operator", "engineer", "administrator"]; // each may do what those before may

const MS_IN_S = 1000;

let open = null; // which menu
const toggle = (menu) => () => {
  open = open === menu ? null : menu;
  redraw();
};
addEventListener("click", (event) => {
  if (open && !event.target.closest?.(".menu")) {
    open = null;
    redraw();
  }
});
addEventListener("popstate", () => (open = null));

const link = ([name, path]) => {
  const here = path === "/" ? location.pathname === "/" : location.pathname.startsWith(path);
  const count = name === "alerts" && store.loaded ? html`<span class="n num">${store.alerts.size}</span>` : nothing;
  return html`<a href="${path}" aria-current=${here ? "page" : nothing} @click=${() => (open = null)}>${say(`frame.${name}`)}${count}</a>`;
};

const menu = (name, items) => html`<div class="menu"><button aria-expanded="${open === name}" @click=${toggle(name)}>${say(`frame.${name}`)} ▾</button>
  ${open === name ? html`<div class="list">${items}</div>` : nothing}</div>`;

/** The top bar. */
export function top() {
  const domains = (store.domains ?? []).map((domain) => html`<a href="/domains/${domain.id}" @click=${() => (open = null)}>${icon(domain.id)} ${pick(domain.title)}</a>`);
  const sound = soundState();
  return html`<header class="top"><a class="brand" href="/">${say("title")} <small>${pick(store.place)}</small></a>
    <nav class="nav" aria-label="${say("title")}">${PLACES.slice(0, 2).map(link)}${menu("domains", domains)}${PLACES.slice(2).map(link)}${
      menu("more", MORE.filter(([, role]) => ROLES.indexOf(store.me?.role) >= ROLES.indexOf(role)).map(([name]) => html`<a href="/${name}" @click=${() => (open = null)}>${say(`frame.${name}`)}</a>`))}</nav>
    <div class="right"><span class="live ${store.lost ? "off" : ""}"><i></i>${store.lost ? say("frame.connecting") : say("frame.live")}</span>
      <button class="ib" title="${sound.title}" aria-label="${sound.title}" @click=${sound.on ? mute : unlock}>${icon(sound.on && !sound.muted ? "sound" : "silent")}</button>
      <button class="ib" title="${say("frame.theme")}" aria-label="${say("frame.theme")}" @click=${turnTheme}>${icon("theme")}</button>
      <a class="ib hide-s" href="/wall" title="${say("frame.wall")}" aria-label="${say("frame.wall")}">${icon("wall")}</a>
      <button class="ib" title="${say("frame.language_title")}" @click=${otherLanguage}>${say("frame.language")}</button>
      <span class="shift"><b>${store.me?.title || store.me?.name}</b><small>${store.duty ? pick(store.duty.shift?.title) : say(`role.${store.me?.role}`)}</small></span>
      <button class="ib" title="${say("frame.sign_out")}" aria-label="${say("frame.sign_out")}" @click=${signOut}>${icon("leave")}</button>${present()}</div></header>`;
}

async function otherLanguage() {
  await speak(language === "zh" ? "en" : "zh");
  redraw();
}

/** What stands over everything while the connection is lost. */
export const banner = () => html`<div class="banner" role="status">${say("frame.lost", { age: span(now() - store.lost) })}</div>`;

/** The status bar: what is not well comes first. */
export function status() {
  const health = store.health ?? city.overview?.platform.readiness;
  const unwell = Object.entries(health?.checks ?? {}).filter(([, check]) => !check.ok);
  const well = html`<span><b>${say(health ? "frame.well" : "frame.connecting")}</b></span>`;
  return html`<footer class="foot">${unwell.length ? unwell.map(trouble) : well}
    ${delay()}${city.overview ? figures(city.overview.platform) : nothing}${spoken()}<span>${say("frame.keys")}</span></footer>`;
}

const trouble = ([name, check]) => html`<span title="${pick({ zh: check.detail_zh, en: check.detail })}"><b class="t2">▲ ${say(`footer.${name}`)}</b></span>`;

/** How long it takes until what is committed is on this screen. */
function delay() {
  const length = lag();
  if (length === null) return nothing;
  return html`<span>${say("footer.lag")} <b class="num">${number(length / MS_IN_S, 2)} s</b></span>`;
}

/** What the platform does: devices that are heard and silent ones, readings, the ledger, what waits in quarantine. */
const figures = ({ devices, rate, ledger, quarantine }) => html`
  <span>${say("footer.devices")} <b class="num">${number(devices.heard)}</b>/${number(devices.total)} ${say("footer.online")}</span>
  <a href="/sites?state=silent">${say("footer.silent", { n: number(devices.silent) })} ›</a>
  <span>${say("footer.rate")} <b class="num">${number(rate)}</b> ${say("footer.per_second")}</span>
  ${balance(ledger)}
  ${quarantine == null ? nothing : html`<a href="/quarantine">${say("footer.quarantine")} <b class="num">${number(quarantine)}</b> ›</a>`}`;

function balance({ unbalanced, ...ledger }) {
  const counts = ["received", "stored", "duplicate", "quarantined"].map((name) => [name, number(ledger[name])]);
  const account = say("footer.account", Object.fromEntries(counts));
  const verdict = unbalanced ? say("footer.unbalanced", { n: number(unbalanced) }) : say("footer.balanced");
  return html`<span title="${account}">${say("footer.ledger")} <b class="${unbalanced ? "t2" : ""}">${verdict}</b>
    <span class="hide-s num">${account}</span></span>`;
}

/** The keys there are. */
export function help() {
  const rows = [["G O A S P R H", "go"], ["J K", "move"], ["Enter", "open"], ["X", "select"], ["/", "search"], ["Esc", "back"], ["C F D A H B E R S N T W", "act"], ["M", "mute"]];
  const dialog = document.createElement("dialog");
  document.body.append(dialog);
  import("../core/lit.js").then(({ render }) => {
    render(html`<h2>${say("help.title")}</h2><table class="grid">${rows.map(([keys, what]) => html`<tr><td>${keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</td><td>${say(`help.${what}`)}</td></tr>`)}</table>
      <p><button class="button" @click=${() => { turnKeys(!areOn()); dialog.close(); }}>${say(areOn() ? "help.off" : "help.on")}</button> <button class="button" @click=${() => dialog.close()}>${say("close")}</button></p>`, dialog);
    dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.remove());
}
