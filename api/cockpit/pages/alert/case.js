// One alert as the page knows it: read from the server, kept true by the stream, and changed by what the operator does.

import { Away, freshKey, get, post, Problem } from "../../core/api.js";
import { redraw } from "../../core/draw.js";
import { hms } from "../../core/format.js";
import { on } from "../../core/store.js";
import { say } from "../../core/words.js";
import { keep, kept } from "./draft.js";
import { path } from "./offers.js";

/**
 * Read an alert and follow it.
 * @returns a case: `alert`, `explanation`, `events` (null while they are read), `note`, `message` (what came of the
 *   last action: {kind, text}), `busy`; `act(action, {note, crew, operator})`, `type(note)`, `refresh()`, `close()`
 */
export async function follow(id, changed) {
  const one = {
    alert: await get(`/alerts/${id}`),
    explanation: null,
    events: null,
    note: kept(id),
    message: null,
    busy: false,
  };
  let unanswered = null; // what was sent without an answer: sent again, it is the same request

  async function refresh() {
    const alert = await get(`/alerts/${id}`);
    if (alert.newest_event < one.alert.newest_event) return;
    one.alert = alert;
    redraw();
    const [explanation, timeline] = await Promise.all([
      get(`/alerts/${id}/explanation`).catch(ignoreAway),
      get(`/alerts/${id}/timeline`, { limit: 1000 }).catch(ignoreAway),
    ]);
    one.explanation = explanation ?? one.explanation;
    one.events = timeline?.items ?? one.events;
    changed();
    redraw();
  }

  const refreshLater = later(() => refresh().catch(ignoreAway));

  async function act(action, { note = one.note.trim() || null, ...order } = {}) {
    if (one.busy) return false;
    const body = { revision: one.alert.revision, note, ...order };
    const request = JSON.stringify([action, body]);
    if (unanswered?.request !== request) unanswered = { request, key: freshKey() };
    one.busy = true;
    one.message = null;
    redraw();
    try {
      const done = await post(`/alerts/${id}/${path(action)}`, body, unanswered.key);
      unanswered = null;
      Object.assign(one.alert, done);
      type("");
      one.message = { kind: "done", text: say(`alert.done.${action}`) };
      return true;
    } catch (error) {
      one.message = refusal(error);
      if (!(error instanceof Away)) unanswered = null;
      if (error instanceof Problem && error.document.alert) Object.assign(one.alert, standing(error.document.alert));
      return false;
    } finally {
      one.busy = false;
      refreshLater();
      redraw();
    }
  }

  function type(text) {
    one.note = text;
    keep(id, text);
  }

  const ends = [on("alert", (alert) => alert.id === id && refreshLater()), on("alerts", refreshLater)];
  refresh().catch(ignoreAway);
  return Object.assign(one, { act, type, refresh, close: () => ends.forEach((end) => end()) });
}

/** What is known of where the alert stands, from the answer to somebody who came too late. */
const standing = ({ handling, revision, allowed }) => ({ handling, revision, allowed });

/** Why something was not done, in the words of the page. */
export function refusal(error) {
  if (error instanceof Away) return { kind: "away", text: say("alert.away") };
  if (!(error instanceof Problem)) throw error;
  const stands = error.document.alert;
  return stands?.actor
    ? { kind: "conflict", text: conflict(stands) + say("alert.note_kept") }
    : { kind: "refused", text: error.message };
}

/** Who was faster, with what, and when. */
export const conflict = ({ actor, actor_title: name, action, at }) =>
  say("alert.conflict", { who: name || actor, time: hms(at), action: say(`alert.past.${action}`) });

const GATHER_MS = 150; // an action makes several events at once

function later(act) {
  let asked = null;
  return () => {
    asked ??= setTimeout(() => {
      asked = null;
      act();
    }, GATHER_MS);
  };
}

/** Take it as it is that nobody answered, or that it was refused; anything else is a mistake of ours. */
export function ignoreAway(error) {
  // The frame says that the connection is lost.
  if (!(error instanceof Away) && !(error instanceof Problem)) throw error;
}
