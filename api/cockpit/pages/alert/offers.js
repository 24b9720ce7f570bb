// What may be done with an alert now. The server says it; the page knows the keys, and which of them stand out.

import { store } from "../../core/store.js";
import { say } from "../../core/words.js";

/** The key of each action; dispatching again has that of dispatching. */
export const KEYS = {
  confirm: "C",
  refute: "F",
  dispatch: "D",
  reassign: "D",
  accept: "A",
  start: "H",
  feed_back: "B",
  close: "E",
  return: "R",
  assign: "T",
};

const BESIDE = ["assign", "comment"]; // what leaves an alert where it stands

/** The actions that move an alert on. */
export const moves = (alert) => (alert.allowed ?? []).filter(({ action }) => !BESIDE.includes(action));

/** Those that have a button: a comment is what is typed. */
export const offered = (alert) => (alert.allowed ?? []).filter(({ action }) => action !== "comment");

/** What an action can't be done without: note, crew. */
export const needs = (alert, action) => alert.allowed?.find((offer) => offer.action === action)?.needs ?? [];

/** Whether it may be done. */
export const may = (alert, action) => (alert.allowed ?? []).some((offer) => offer.action === action);

/** Whether the caller may silence it for a time: whoever may comment on it, but no crew. */
export const mayShelve = (alert) => alert.open && may(alert, "comment") && !store.me?.crew;

/** The action of a key; of two with the same key the one that comes first. */
export const ofKey = (alert, key) => offered(alert).find(({ action }) => KEYS[action] === key)?.action ?? null;

/** Its path below /alerts/{id}/. */
export const path = (action) => action.replace("_", "-");

/** What its button says: closing what nobody has reported on verifies nothing. */
export const title = (alert, action) =>
  say(action === "close" && alert.handling !== "fed_back" ? "alert.close_now" : `action.${action}`);
