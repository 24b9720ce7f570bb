// The platform: whether each part of it is well, the devices by domain, and the account of what was received.

import { all, get } from "../core/api.js";
import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { number, short } from "../core/format.js";
import { html, nothing } from "../core/lit.js";
import { store } from "../core/store.js";
import { known, pick, say } from "../core/words.js";
import { icon } from "../parts/glyph.js";
import { rowKeys } from "../parts/rows.js";
import { deeds } from "./platform/audit.js";

const AGAIN_S = 15;
const HOURS = 50; // hours of devices that don't add up, which are listed
const DONE = 50; // entries of the audit

export async function open() {
  const page = new Page();
  await page.read();
  return page;
}

class Page {
  scrolls = true;
  keys = rowKeys;
  #found = null;
  #age = 0; // s
  #end = everySecond(() => {
    this.#age += 1;
    if (this.#age >= AGAIN_S && !document.hidden) this.read().catch(() => {});
  });

  title = () => say("frame.platform");
  close = () => this.#end();

  async read() {
    this.#age = 0;
    const [overview, ledger, unbalanced, failing, audit] = await Promise.all([
      get("/overview"),
      get("/ledger/totals"),
      get("/ledger", { unbalanced: true, limit: HOURS }),
      all("/rules", { failing: true, limit: 100 }),
      mayAudit() ? get("/audit", { limit: DONE }) : null,
    ]);
    this.#found = { overview, ledger, unbalanced: unbalanced.items, failing, audit };
    redraw();
  }

  view() {
    const { overview, ledger, unbalanced, failing, audit } = this.#found;
    return html`<div class="platform"><h1 class="sr">${say("frame.platform")}</h1>
      <section class="panel">
        <h2>${say("platform.checks")}</h2>
        <div class="tall">${checks(store.health ?? overview.platform.readiness)}</div>
      </section>
      <section class="panel">
        <h2>${say("platform.ledger")} <small>${say("platform.last_day")}</small></h2>
        <div class="tall">${account(ledger)}${hours(unbalanced)}</div>
      </section>
      <section class="panel">
        <h2>
          ${say("platform.devices")}
          <small>${say("platform.devices_of", { n: number(overview.platform.devices.total) })}</small
          ><span class="grow"></span> <a class="sub" href="/sites?state=silent">${say("platform.to_silent")} ›</a>
        </h2>
        <div class="tall">${devices(overview.domains)}</div>
      </section>
      <section class="panel">
        <h2>${say("platform.rules")} <small>${say("platform.rules_of", { n: failing.length })}</small></h2>
        <div class="tall">${rules(failing)}</div>
      </section>
      ${
        audit
          ? html`<section class="panel audit">
              <h2>${say("platform.audit")} <small>${say("platform.audit_of", { n: audit.items.length })}</small></h2>
              <div class="tall" tabindex="0" role="region" aria-label="${say("platform.audit")}">${deeds(audit.items)}</div>
            </section>`
          : nothing
      }
    </div>`;
  }
}

/** Whether the caller may see what was done: administrators of everything. */
const mayAudit = () => store.me?.role === "administrator" && !store.me.regions && !store.me.domains;

const checks = (health) =>
  html`<table class="grid wrap">
    <tbody>
      ${Object.entries(health.checks).map(
        ([name, check]) =>
          html`<tr>
            <td><b>${known(`platform.check_${name}`) ? say(`platform.check_${name}`) : name}</b></td>
            <td>${check.ok ? say("platform.well") : html`<b class="t2">▲ ${say("platform.unwell")}</b>`}</td>
            <td class="sub">${pick({ zh: check.detail_zh, en: check.detail })}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const PARTS = ["stored", "duplicate", "quarantined"];

const account = (ledger) =>
  html`<table class="grid">
    <tbody>
      <tr class="sum">
        <td>${say("platform.received")}</td>
        <td class="r num">${number(ledger.received)}</td>
        <td></td>
      </tr>
      ${PARTS.map(
        (name) =>
          html`<tr>
            <td>${say(`platform.${name}`)}</td>
            <td class="r num">${number(ledger[name])}</td>
            <td class="muted num">
              ${ledger.received ? `${number((100 * ledger[name]) / ledger.received, 2)} %` : ""}
            </td>
          </tr>`,
      )}
      <tr class="sum">
        <td>${say("platform.balance")}</td>
        <td class="r">
          ${ledger.unbalanced
            ? html`<b class="t2">▲ ${say("footer.unbalanced", { n: number(ledger.unbalanced) })}</b>`
            : say("footer.balanced")}
        </td>
        <td class="muted">${say("platform.equation")}</td>
      </tr>
      <tr>
        <td>${say("platform.revised")}</td>
        <td class="r num">${number(ledger.revised)}</td>
        <td class="muted">${say("platform.revised_means")}</td>
      </tr>
    </tbody>
  </table>`;

function hours(rows) {
  if (!rows.length) return nothing;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("platform.hour")}</th>
        <th>${say("platform.device")}</th>
        <th>${say("platform.region")}</th>
        <th class="r">${say("platform.missing")}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr data-row>
            <td class="num">${short(row.hour, now())}</td>
            <td>
              <a href="/devices/${row.region.id}/${row.domain.id}/${encodeURIComponent(row.device)}">${row.device}</a>
            </td>
            <td>${pick(row.region.title)}</td>
            <td class="r num"><b class="t2">${number(row.missing)}</b></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const devices = (domains) =>
  html`<table class="grid">
    <thead>
      <tr>
        <th>${say("platform.domain")}</th>
        <th class="r">${say("platform.total")}</th>
        <th class="r">${say("platform.heard")}</th>
        <th class="r">${say("platform.silent")}</th>
        <th>${say("platform.silent_since")}</th>
        <th class="r">${say("platform.unheard")}</th>
      </tr>
    </thead>
    <tbody>
      ${domains.map(
        ({ domain, devices: of }) =>
          html`<tr data-row>
            <td><a href="/domains/${domain.id}">${icon(domain.id)} ${pick(domain.title)}</a></td>
            <td class="r num">${number(of.total)}</td>
            <td class="r num">${number(of.heard)}</td>
            <td class="r num">
              ${of.silent
                ? html`<a class="stale-age" href="/sites?state=silent&domain=${domain.id}">${number(of.silent)}</a>`
                : "0"}
            </td>
            <td class="num">
              ${of.silent_since ? short(of.silent_since, now()) : html`<span class="muted">${say("none")}</span>`}
            </td>
            <td class="r num">${number(of.unheard)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

function rules(failing) {
  if (!failing.length) return html`<p class="empty">${say("platform.no_failing")}</p>`;
  return html`<table class="grid wrap">
    <tbody>
      ${failing.map(
        (rule) =>
          html`<tr data-row>
            <td><a href="/rules/${encodeURIComponent(rule.id)}">${pick(rule.title)}</a></td>
            <td class="num">${say("platform.since", { time: short(rule.failing_since, now()) })}</td>
            <td class="t2">${rule.error ?? ""}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
