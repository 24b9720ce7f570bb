// Single keys do what is done often; they are off while somebody types, and can be switched off for good.

const KEPT = "citybrain.keys";
const PAUSE_MS = 1500; // within which `G` waits for the letter after it

const places = { O: "/", A: "/alerts", S: "/sites", P: "/plans", R: "/rules", H: "/handover" };
let page = {};
let going = -Infinity; // when `G` was pressed, ms since the page was opened

/** The keys of the page that is open: functions by key, such as `C` or `Enter`. */
export function ofPage(keys) {
  page = keys ?? {};
}

export const areOn = () => localStorage.getItem(KEPT) !== "off";
export const turn = (on) => localStorage.setItem(KEPT, on ? "on" : "off");

const typing = ({ target }) => target.closest?.("input, textarea, select, [contenteditable]");

/** Listen; `go(address)` opens a place, `help()` shows what keys there are. */
export function listen(go, help) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !areOn()) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    if (typing(event)) {
      if (key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]") && !page.inDialog?.[key]) return;
    const act = page.inDialog?.[key] && document.querySelector("dialog[open]") ? page.inDialog[key] : page[key];
    if (event.timeStamp - going < PAUSE_MS && places[key]) {
      going = -Infinity;
      go(places[key]);
    } else if (act) act(event);
    else if (key === "G") going = event.timeStamp;
    else if (key === "?") help();
    else return;
    event.preventDefault();
  });
}
