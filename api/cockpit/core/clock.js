// The server's time, whatever the desk's clock says, and one timer for every clock on the page.

let ahead = 0; // ms that the server's clock is ahead of this desk's

/** Take the server's time (ISO 8601) as the present. */
export function set(time) {
  ahead = Date.parse(time) - Date.now();
}

/** The present in ms since 1970, by the server's clock. */
export const now = () => Date.now() + ahead;

const tickers = new Set();

/** Call `tick(now)` each second until the returned function is called. */
export function everySecond(tick) {
  tickers.add(tick);
  return () => tickers.delete(tick);
}

setInterval(() => {
  const present = now();
  for (const tick of tickers) tick(present);
}, 1000);
