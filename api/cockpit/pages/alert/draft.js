// A note that is typed and not sent outlives a reload, and a restart of the server.

const key = (alert) => `citybrain.note.${alert}`;

/** What was typed for an alert. */
export const kept = (alert) => sessionStorage.getItem(key(alert)) ?? "";

/** Keep what is typed; an empty text keeps nothing. */
export function keep(alert, text) {
  if (text) sessionStorage.setItem(key(alert), text);
  else sessionStorage.removeItem(key(alert));
}
