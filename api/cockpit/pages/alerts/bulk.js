// The same with many alerts at once, and what came of each.

import { get, post } from "../../core/api.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { conflict, refusal } from "../alert/case.js";
import { dispatch } from "../alert/dispatch.js";
import { assign } from "../alert/assign.js";
import { KEYS, may, mayShelve, needs, offered, ofKey, title } from "../alert/offers.js";
import { remark, shelve } from "../alert/remark.js";

/** Know what may be done with each: what came by the stream does not say it. */
export const informed = (alerts) =>
  Promise.all(
    alerts.map(async (alert) =>
      alert.allowed ? alert : Object.assign(alert, { allowed: (await get(`/alerts/${alert.id}`)).allowed }),
    ),
  );

/** The action of a key for some of them: {action, among}, of the first for which there is one; null: none. */
export function chosen(alerts, key) {
  const action = alerts.map((alert) => ofKey(alert, key)).find(Boolean);
  return action ? { action, among: alerts.filter((alert) => may(alert, action)) } : null;
}

/** What it is about, in a few words. */
function about(alerts) {
  const [first] = alerts;
  return alerts.length > 1
    ? say("alerts.and_more", { title: pick(first.title), n: alerts.length })
    : `${pick(first.title)} · ${pick(first.place)}`;
}

/** Ask what an action needs, and do it; [{alert, done | why}], or null if it was left. */
export async function act(action, alerts) {
  const lacking = needs(alerts[0], action);
  const order = await orderOf(lacking, alerts);
  const note = order && lacking.includes("note") ? await remark(action, about(alerts)) : order?.note;
  if (!order || (lacking.includes("note") && !note)) return null;
  const body = { action, ids: alerts.map(({ id }) => id), ...order, note: note ?? null };
  try {
    const { items } = await post("/bulk/alerts", body);
    const of = new Map(alerts.map((alert) => [alert.id, alert]));
    return items.map(({ id, done, problem }) => ({ alert: of.get(id), done, why: problem && hindrance(problem) }));
  } catch (error) {
    return alerts.map((alert) => ({ alert, done: null, why: refusal(error).text }));
  }
}

/** Who it goes to, where that must be said; null: it was left. */
async function orderOf(lacking, alerts) {
  if (lacking.includes("crew")) return dispatch(alerts[0], "", alerts.length - 1);
  return lacking.includes("operator") ? assign(about(alerts)) : {};
}

/** Shelve each for the same time; as `act`. */
export async function shelveAll(alerts) {
  const wanted = await shelve(about(alerts));
  if (!wanted) return null;
  return Promise.all(
    alerts.map(async (alert) => {
      try {
        const shelf = await post("/shelves", { alert: alert.id, ...wanted });
        return { alert, done: { shelved_until: shelf.until }, why: null };
      } catch (error) {
        return { alert, done: null, why: refusal(error).text };
      }
    }),
  );
}

/** Why one stayed as it was: who was faster, or what the server says. */
const hindrance = ({ detail, alert }) => (alert?.actor ? conflict(alert) : pick(detail));

/** The buttons for what is selected; an action that not all of them allow says of how many. */
export function buttons(alerts, acts) {
  const actions = [...new Set(alerts.flatMap((alert) => offered(alert).map(({ action }) => action)))];
  const label = (action) => {
    const among = alerts.filter((alert) => may(alert, action));
    const name = title(among[0], action);
    return among.length < alerts.length ? say("alerts.of", { action: name, n: among.length }) : name;
  };
  const button = (text, key, act) =>
    html`<button class="button" @click=${act}>${text} ${key ? html`<kbd>${key}</kbd>` : nothing}</button>`;
  const shelvable = alerts.some((alert) => mayShelve(alert) && !alert.shelved_until);
  return html`${actions.map((action) => button(label(action), KEYS[action], () => acts.act(action)))}
    ${shelvable ? button(say("action.shelve"), "S", acts.shelve) : nothing}`;
}

/** One line for each. */
export function outcomes(results, leave) {
  const line = ({ alert, done, why }) => {
    const handling = done?.shelved_until ? say("condition.shelved") : done && say(`handling.${done.handling}`);
    const told = { title: pick(alert.title), place: pick(alert.place), handling, why };
    if (!done) return html`<li class="no">✕ ${say("alerts.failed", told)}</li>`;
    return html`<li>✓ ${say("alerts.done", told)}</li>`;
  };
  return html`<section class="outcomes" role="status"><h2>${say("alerts.results")}<span class="grow"></span>
    <button class="button" @click=${leave}>${say("close")}</button></h2><ul>${results.map(line)}</ul></section>`;
}
