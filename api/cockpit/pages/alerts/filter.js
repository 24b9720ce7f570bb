// Which alerts the list shows; all of it stands in the address.

import { now } from "../../core/clock.js";
import { short } from "../../core/format.js";
import { html, live } from "../../core/lit.js";
import { choose } from "../../core/router.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";

const HOUR_MS = 3_600_000;
const WORKING = ["confirmed", "dispatched", "accepted", "handling", "fed_back", "returned"];
const HANDS = {
  open: {},
  new: { handling: ["new"] },
  working: { handling: WORKING },
  late: { overdue: true },
  shelved: { shelved: true },
  watched: { watched: true, open: false },
  all: { open: false },
};
const WITHIN = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS };
const SORTS = { attention: "by_attention", "-raised_at": "by_raised", "-changed_at": "by_changed" };
const KEYS = ["sev", "hand", "domain", "region", "rule", "q", "within", "from", "to", "sort"];
const PAUSE_MS = 250; // after the last letter that was typed

const levels = (query) => (query.sev ? query.sev.split(",").map(Number) : []);

/** What of an address the server is asked for. */
function parameters(query) {
  const { region, domain, rule, from, to } = query;
  const since = WITHIN[query.within] ? new Date(now() - WITHIN[query.within]).toISOString() : from;
  return {
    ...(HANDS[query.hand] ?? handling(query.hand)),
    severity: levels(query),
    region,
    domain,
    rule,
    text: query.q,
    from: since,
    to,
    sort: query.sort,
  };
}

/**
 * What is asked for before all else: red alerts come first in the usual order, however late others are.
 * @returns {first, rest}: parameters; first null: the order has no exception
 */
export function parts(query) {
  const wanted = parameters(query);
  const others = levels(query).length ? levels(query).filter((severity) => severity !== 1) : [2, 3, 4];
  const isMixed = others.length && (!levels(query).length || levels(query).includes(1));
  if (query.sort || !isMixed) return { first: null, rest: wanted };
  return { first: { ...wanted, severity: [1] }, rest: { ...wanted, severity: others } };
}

/** Other pages name a state of handling by itself. */
const handling = (hand) => (hand ? { handling: hand.split(",") } : {});

/** Whether an alert that is new may belong to the list; the server decides when it is read anew. */
export function mayShow(alert, query) {
  if (query.hand === "watched") return false; // nobody watches what is new
  if (levels(query).length && !levels(query).includes(alert.severity)) return false;
  if (query.domain && alert.domain !== query.domain) return false;
  if (query.rule && alert.rule !== query.rule) return false;
  const wanted = parameters(query).handling;
  return !wanted || wanted.includes(alert.handling);
}

/** Whether anything is left out. */
export const isFiltered = (query) => KEYS.some((key) => key !== "sort" && query[key]);

export const cleared = () => Object.fromEntries(KEYS.map((key) => [key, null]));

let typing = null;

function typed(event) {
  clearTimeout(typing);
  typing = setTimeout(() => choose({ q: event.target.value.trim() }), PAUSE_MS);
}

/** The bar above the list; `regions` as GET /regions has them. */
export function bar(query, regions) {
  const domains = (store.domains ?? []).map(({ id, title }) => [id, pick(title)]);
  return html`<div class="alert-filters" role="search">
    <input class="field search" type="search" placeholder="${say("alerts.search")}" aria-label="${say("alerts.search")}"
      .value=${live(query.q ?? "")} @input=${typed}>
    <span class="segments" role="group" aria-label="${say("alerts.level")}">
      ${[1, 2, 3, 4].map((severity) => level(severity, levels(query)))}</span>
    <span class="segments" role="group" aria-label="${say("alerts.handling")}">
      ${Object.keys(HANDS).map((hand) => standing(hand, query.hand || "open"))}</span>
    ${select("domain", query, domains)}${select("region", query, places(regions))}
    ${select("rule", query, rules(query))}${period(query)}</div>`;
}

/** A severity, with how many are open; several may be chosen. */
function level(severity, chosen) {
  const isChosen = chosen.includes(severity);
  const next = isChosen ? chosen.filter((one) => one !== severity) : [...chosen, severity].sort();
  const count = [...store.alerts.values()].filter((alert) => alert.severity === severity).length;
  return html`<button aria-pressed="${isChosen}" title="${say(`severity.${severity}`)}"
    @click=${() => choose({ sev: next.join() })}>${glyph(severity)}${say(`severity.short_${severity}`)}
    <span class="num">${count}</span></button>`;
}

const standing = (hand, chosen) => html`<button aria-pressed="${hand === chosen}"
  @click=${() => choose({ hand: hand === "open" ? null : hand })}>${say(`alerts.${hand}`)}</button>`;

/** In which order. */
export function order(query) {
  const chosen = query.sort ?? "attention";
  const change = ({ target }) => choose({ sort: target.value === "attention" ? null : target.value });
  return html`<select class="field" aria-label="${say("alerts.sort")}" @change=${change}>${Object.entries(SORTS).map(
    ([sort, name]) => html`<option value="${sort}" ?selected=${chosen === sort}>${say(`alerts.${name}`)}</option>`,
  )}</select>`;
}

/** A choice of one, or of all. */
function select(name, query, options) {
  const chosen = query[name] ?? "";
  return html`<select class="field ${chosen ? "chosen" : ""}" aria-label="${say(`alerts.${name}`)}"
    @change=${({ target }) => choose({ [name]: target.value })}>
    <option value="" ?selected=${!chosen}>${say(`alerts.${name}`)} ${say("alerts.any")}</option>
    ${options.map(
      ([value, text]) => html`<option value="${value}" ?selected=${chosen === value}>${text}</option>`,
    )}</select>`;
}

/** Regions one below the other, each after the one that it belongs to. */
function places(regions) {
  const ids = new Set(regions.map(({ id }) => id));
  const below = (parent, depth) =>
    regions
      .filter((region) => (ids.has(region.parent) ? region.parent : null) === parent)
      .flatMap(({ id, title }) => [[id, "\u3000".repeat(depth) + pick(title)], ...below(id, depth + 1)]);
  return below(null, 0);
}

/** Rules that have open alerts, and the one that is chosen. */
function rules(query) {
  const found = new Map([...store.alerts.values()].map(({ rule, title }) => [rule, pick(title)]));
  if (query.rule && !found.has(query.rule)) found.set(query.rule, query.rule);
  return [...found].sort(([, a], [, b]) => a.localeCompare(b));
}

function period(query) {
  if (query.from || query.to) {
    const text = say("alerts.from_to", {
      from: query.from ? short(query.from, now()) : "…",
      to: query.to ? short(query.to, now()) : "…",
    });
    return html`<button class="chip num"
      @click=${() => choose({ from: null, to: null })}>${say("alerts.within")} ${text} ✕</button>`;
  }
  return select(
    "within",
    query,
    Object.keys(WITHIN).map((span) => [span, say("alerts.last", { span: say(`alerts.span.${span}`) })]),
  );
}
