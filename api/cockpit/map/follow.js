// How the sites are, now and from now on.

import { get } from "../core/api.js";
import { everySecond } from "../core/clock.js";
import { on } from "../core/store.js";
import { States } from "./states.js";

const READ_EVERY_S = 60; // no event tells that a site fell silent, or is heard again

/**
 * Follow how the sites are, until the returned function is called.
 * @param sites as geography.js has them
 * @param changed called with the bytes when they have changed, at most once a second
 * @param outdated called when there are other sites than these
 */
export function follow(sites, changed, outdated) {
  let states = null;
  let late = []; // alerts told since states were asked for: they may be newer
  let dirty = false;
  let reading = null;
  let over = false;
  let seconds = 0;

  /** Read how they are, or wait for who is reading it. */
  const read = () => (reading ??= readStates().finally(() => (reading = null)));

  async function readStates() {
    late = [];
    const document = await get("/map/states").catch(() => null); // until the next time what is known stands
    if (!document || over) return;
    if (document.of !== sites.of) {
      outdated();
      return;
    }
    states = new States(document, sites.index);
    for (const alert of late) states.take(alert);
    changed(states.bytes);
  }

  function take(alert) {
    late.push(alert);
    if (states?.take(alert)) dirty = true;
  }

  function second() {
    seconds += 1;
    if (seconds % READ_EVERY_S === 0) read();
    else if (dirty) {
      dirty = false;
      changed(states.bytes);
    }
  }

  const ends = [on("alert", take), on("alerts", read), everySecond(second)];
  read();
  return () => {
    over = true;
    ends.forEach((end) => end());
  };
}
