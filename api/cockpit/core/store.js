// What all pages share and the live stream keeps true: open alerts, the platform's health, who we are.

import { all, get } from "./api.js";
import * as clock from "./clock.js";
import { redraw } from "./draw.js";
import { setZone } from "./format.js";
import { listen } from "./live.js";

const STREAM = "/api/v1/stream?kinds=alert,health,presence";
const SILENT_MS = 30_000; // the stream says something every 15 seconds
const MOST_ALERTS = 2000; // that a page holds; beyond that it shows the worst

export const store = {
  me: null, // GET /session
  alerts: new Map(), // open ones by id, as GET /alerts tells them
  loaded: false, // whether `alerts` has been read
  health: null, // GET /health/ready
  duty: null, // GET /duty
  heard: 0, // ms, by the server's clock, when the stream said something last
  lost: null, // since when it has been silent; null: it is live
};

const listeners = new Map();

/** Call `then(data)` for each event of a kind: alert, health, presence, happened (an event of an alert, before the
 * alert itself is read), alerts (the list was read anew). */
export function on(kind, then) {
  const all = listeners.get(kind) ?? new Set();
  listeners.set(kind, all.add(then));
  return () => all.delete(then);
}

function tell(kind, data) {
  for (const then of listeners.get(kind) ?? []) then(data);
  redraw();
}

/** Whether an alert is still to be shown among the open ones. */
const isOpen = (alert) => alert.open;

let reading = null; // the list of open alerts, while it is read
let late = []; // alerts that were taken up meanwhile: the list may be older

/** Take up an alert as it stands now. */
export function take(alert) {
  if (reading) late.push(alert);
  const known = store.alerts.get(alert.id);
  if (known && known.revision > alert.revision) return;
  if (isOpen(alert)) store.alerts.set(alert.id, alert);
  else store.alerts.delete(alert.id);
  tell("alert", alert);
}

const GATHER_MS = 100; // within which events are gathered
const FEW = 10; // alerts that are read one by one; more of them are read as a list

const told = new Set(); // ids of alerts whose events were heard, and that are to be read

/** An event tells an alert in short: it is read as lists tell it, once for all events that come at about the same time. */
function hear(event) {
  const { alert } = event;
  tell("happened", event);
  if (!alert.open) {
    take(alert);
    return;
  }
  if (!told.size) setTimeout(readTold, GATHER_MS);
  told.add(alert.id);
}

async function readTold() {
  const ids = [...told];
  told.clear();
  if (ids.length > FEW) await readAlerts();
  else await Promise.all(ids.map((id) => get(`/alerts/${id}`).then(take, () => {})));
}

/** Read all open alerts anew; without an answer those that are known stand. */
function readAlerts() {
  const mine = (reading = all("/alerts", { open: true, limit: 500 }, MOST_ALERTS).then((found) => {
    if (mine !== reading) return; // it was asked again since
    const newer = late;
    [store.alerts, store.loaded, reading, late] = [new Map(found.map((alert) => [alert.id, alert])), true, null, []];
    newer.forEach(take);
    tell("alerts");
  }, () => mine === reading && ([reading, late] = [null, []])));
  return mine;
}

const HEARD = {
  hello: (data) => {
    clock.set(data.now);
    if (!store.loaded && !reading) readAlerts();
  },
  reset: readAlerts,
  alert: hear,
  health: (data) => {
    store.health = data;
    tell("health", data);
  },
  presence: (data) => tell("presence", data),
  end: (data) => data.reason === "access" && location.reload(),
};

/** Begin, as `me` of GET /session: follow the stream from there on, and read what there is. */
export function begin(me) {
  store.me = me;
  clock.set(me.now);
  setZone(me.time_zone);
  const hear = (kind, data) => {
    store.heard = clock.now();
    HEARD[kind]?.(data);
  };
  listen(STREAM, hear, me.event);
  readAlerts();
  store.heard = clock.now();
  clock.everySecond((now) => {
    const lost = now - store.heard > SILENT_MS ? store.heard : null;
    if ((lost === null) !== (store.lost === null)) redraw();
    store.lost = lost;
  });
}

/** Open alerts that somebody still has to do something about: unjudged red first, then by severity and deadline. */
export function queue() {
  const rank = (alert) => (alert.handling === "new" && alert.severity === 1 ? 0 : alert.severity);
  const due = (alert) => (alert.due_at ? Date.parse(alert.due_at) : Infinity);
  return [...store.alerts.values()].filter((alert) => alert.handling !== "false").sort((a, b) => rank(a) - rank(b) || due(a) - due(b) || a.id - b.id);
}
