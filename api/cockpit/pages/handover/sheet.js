// A handover as a sheet of paper: what is open, what happened, what is silenced, the platform, and two signatures.

import { hm, number, short, ymd } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { known, pick, say } from "../../core/words.js";
import { glyph } from "../../parts/glyph.js";

const EVENTS = ["raised", "reopened", "cleared", "confirmed", "refuted", "dispatched", "fed_back", "closed", "overdue"];

const time = (at) => `${ymd(at)} ${hm(at)}`;
const names = (all, none) => (all ? all.map(({ title, id }) => pick(title) ?? id).join(say("list")) : say(none));

/** The sheet of GET /handovers/{id}. */
export function sheet(handover) {
  const { content } = handover;
  return html`<article class="sheet">
    <h1>${say("handover.title", { place: pick(store.place) ?? "" })}</h1>
    <p class="sheet-head">
      <b>${pick(content.shift) ?? say("handover.span")}</b>
      <span class="num">${time(content.begin_at)} – ${time(content.end_at)}</span> · ${say("handover.regions")}
      ${names(content.regions, "handover.every_region")} · ${say("handover.domains")}
      ${names(content.domains, "handover.every_domain")} · ${say("handover.people")}
      ${content.people.map((one) => one.title || one.name).join(say("list")) || say("none")}
    </p>
    <h2>1 ${say("handover.note")}</h2>
    <p class="words">${content.note || say("none")}</p>
    <h2>2 ${say("handover.open")}</h2>
    ${counts(content.counts)}${open(content.open, content.end_at)}${rest(content)}
    <h2>3 ${say("handover.happened")}</h2>
    ${happened(content.happened)}
    <h2>4 ${say("handover.silenced")}</h2>
    ${silences(content)}
    <h2>5 ${say("handover.platform")}</h2>
    ${platform(content)}
    <div class="signatures">
      ${signature("handed", handover.made_by_title || handover.made_by, handover.made_at, null, handover.digest)}
      ${signature("taken", handover.taken_by_title || handover.taken_by, handover.taken_at, handover.taken_note,
        handover.taken_digest)}
    </div>
  </article>`;
}

function counts(rows) {
  if (!rows.length) return html`<p>${say("handover.nothing_open")}</p>`;
  return html`<p class="tallies">
    ${rows.map(
      (row) =>
        html`<span
          >${glyph(row.severity)} ${say(`severity.${row.severity}`)}
          <b class="num">${number(row.raised + row.cleared)}</b> ${say("handover.unjudged", { n: row.unjudged })}</span
        >`,
    )}
  </p>`;
}

function open(rows, end) {
  if (!rows.length) return nothing;
  const worstFirst = [...rows].sort((a, b) => a.severity - b.severity); // of one severity they keep the order told
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("handover.level")}</th>
        <th>${say("handover.alert")}</th>
        <th>${say("handover.place")}</th>
        <th>${say("handover.raised_at")}</th>
        <th>${say("handover.handling")}</th>
        <th>${say("handover.crew")}</th>
        <th>${say("handover.due")}</th>
      </tr>
    </thead>
    <tbody>
      ${worstFirst.map(
        (one) =>
          html`<tr>
            <td class="nowrap">${glyph(one.severity, { hollow: !one.raised })} ${say(`severity.short_${one.severity}`)}</td>
            <td><a href="/alerts/${one.id}">${pick(one.title)}</a></td>
            <td>${[pick(one.place), pick(one.region_title)].filter(Boolean).join(say("list"))}</td>
            <td class="num nowrap">${short(one.raised_at, end)}</td>
            <td class="nowrap">${say(`handling.${one.handling}`)}</td>
            <td>${pick(one.crew_title) ?? one.crew ?? ""}</td>
            <td class="num nowrap">
              ${one.due_at ? short(one.due_at, end) : ""}
              ${one.overdue ? html`<b class="t1">${say("condition.overdue")}</b>` : nothing}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** That not all open alerts are listed, where that is so. */
function rest({ counts, open }) {
  const all = counts.reduce((sum, row) => sum + row.raised + row.cleared, 0);
  return all > open.length ? html`<p>${say("handover.first", { n: open.length })}</p>` : nothing;
}

function happened(rows) {
  if (!rows.length) return html`<p>${say("handover.nothing_happened")}</p>`;
  return html`<table class="grid">
    <thead>
      <tr>
        <th>${say("handover.level")}</th>
        ${EVENTS.map((name) => html`<th class="r">${say(`handover.did.${name}`)}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <td>${glyph(row.severity)} ${say(`severity.short_${row.severity}`)}</td>
            ${EVENTS.map((name) => html`<td class="r num">${row[name]}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function silences({ shelves, maintenance, end_at: end }) {
  const rows = [...shelves.map((one) => ["shelf", one]), ...maintenance.map((one) => ["window", one])];
  if (!rows.length) return html`<p>${say("handover.nothing_silenced")}</p>`;
  return html`<table class="grid">
    <tbody>
      ${rows.map(
        ([kind, one]) =>
          html`<tr>
            <td>${say(`handover.${kind}`)}</td>
            <td>${one.what}</td>
            <td class="num">${say("handover.until", { time: short(one.until, end) })}</td>
            <td>${one.reason}</td>
            <td>${one.by}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function platform({ ready, checks, devices, ledger }) {
  const unwell = Object.entries(checks).filter(([, check]) => !check.ok);
  const account = {
    received: number(ledger.received),
    stored: number(ledger.stored),
    duplicate: number(ledger.duplicate),
    quarantined: number(ledger.quarantined),
  };
  const named = (name) => (known(`platform.check_${name}`) ? say(`platform.check_${name}`) : name);
  return html`<p>
    ${ready ? say("frame.well") : html`<b>${say("frame.unwell")}</b> ${unwell
      .map(([name, check]) => `${named(name)}: ${pick({ zh: check.detail_zh ?? check.detail, en: check.detail })}`).join(" ")}`}
    ·
    ${say("handover.devices", { online: number(devices.online), total: number(devices.total),
      offline: number(devices.offline) })}
    · ${say("platform.ledger")}
    ${say("footer.account", account)}${say("plans.comma")}${ledger.unbalanced
      ? say("footer.unbalanced", { n: ledger.unbalanced }) : say("footer.balanced")}
  </p>`;
}

const signature = (what, name, at, note, digest) =>
  html`<div class="signature">
    <label>${say(`handover.${what}`)}</label>
    <div class="line">${name ?? ""}</div>
    <div class="num">${at ? time(at) : say("handover.date")}</div>
    ${note ? html`<p>${note}</p>` : nothing}${digest
      ? html`<code title="SHA-256">SHA-256 ${digest.slice(0, 16)}…</code>` : nothing}
  </div>`;
