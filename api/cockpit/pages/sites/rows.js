// The rows of the list: sites, or devices in one state.

import { now } from "../../core/clock.js";
import { short, span } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { store } from "../../core/store.js";
import { pick, say } from "../../core/words.js";
import { deviceState, hearing, siteOf } from "../../parts/device.js";
import { glyphOf, icon } from "../../parts/glyph.js";

/** The worst raised alert at a site; null: none. */
const worstAt = (site) => {
  let worst = null;
  for (const alert of store.alerts.values())
    if (alert.site === site && alert.raised && !(worst?.severity <= alert.severity)) worst = alert;
  return worst;
};

/** Sites with the worst of their raised alerts. */
export const sites = (items) =>
  html`<table class="grid">
    <thead>
      <tr>
        <th></th>
        <th>${say("sites.site")}</th>
        <th>${say("sites.kind")}</th>
        <th>${say("sites.domain")}</th>
        <th>${say("sites.region")}</th>
        <th>${say("sites.alert")}</th>
        <th class="r roomy">${say("sites.place")}</th>
        <th>${say("sites.id")}</th>
      </tr>
    </thead>
    <tbody>
      ${items.map((site) => {
        const alert = worstAt(site.id);
        return html`<tr data-row class=${alert ? `k${alert.severity}` : ""}>
          <td>${alert ? glyphOf(alert) : nothing}</td>
          <td><a href="/sites/${encodeURIComponent(site.id)}">${pick(site.title)}</a></td>
          <td>${pick(site.kind_title) ?? site.kind}</td>
          <td>${icon(site.domain.id)} ${pick(site.domain.title)}</td>
          <td>${pick(site.region.title)}</td>
          <td>
            ${
              alert
                ? html`<a class="t${alert.severity}" href="/alerts/${alert.id}">${pick(alert.title)}</a>`
                : html`<span class="muted">${say("sites.well")}</span>`
            }
          </td>
          <td class="r roomy num muted">${site.longitude.toFixed(4)}, ${site.latitude.toFixed(4)}</td>
          <td class="num muted">${site.id}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;

/** Devices in a state; of silent ones since when. */
export const devices = (items, state) =>
  html`<table class="grid">
    <thead>
      <tr>
        <th>${say("sites.device")}</th>
        <th>${say("sites.site")}</th>
        <th>${say("sites.domain")}</th>
        <th>${say("sites.region")}</th>
        ${
          state === "silent"
            ? html`<th>${say("sites.since")}</th>
                <th class="r">${say("sites.lasting")}</th>`
            : html`<th>${say("sites.newest")}</th>`
        }
        <th>${say("site.word")}</th>
        <th>${say("site.gateway")}</th>
      </tr>
    </thead>
    <tbody>
      ${items.map(
        (device) =>
          html`<tr data-row>
            <td>
              <a href="/devices/${device.region.id}/${device.domain.id}/${encodeURIComponent(device.name)}"
                >${device.name}</a
              >
            </td>
            <td>${siteOf(device)}</td>
            <td>${icon(device.domain.id)} ${pick(device.domain.title)}</td>
            <td>${pick(device.region.title)}</td>
            ${
              state === "silent"
                ? html`<td class="num">${short(device.silent_since, now())}</td>
                    <td class="r num stale-age">${span(now() - Date.parse(device.silent_since))}</td>`
                : html`<td>${hearing(device)}</td>`
            }
            <td>${deviceState(device)}</td>
            <td>${device.gateway ?? say("none")}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
