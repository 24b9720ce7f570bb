// The order in which the list showed its alerts, for those who walk through them one by one.

const KEPT = "citybrain.alerts.order";

/** Keep the order of a list, and its address. */
export const remember = (address, ids) => sessionStorage.setItem(KEPT, JSON.stringify({ address, ids }));

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? { address: "/alerts", ids: [] };
  } catch {
    return { address: "/alerts", ids: [] };
  }
}

/** The address of the list that was seen last. */
export const list = () => read().address;

/** The alert so many places after `id` in that list (before it, if negative); null: none. */
export function beside(id, places) {
  const { ids } = read();
  const index = ids.indexOf(id);
  return index < 0 ? null : (ids[index + places] ?? null);
}

/** Where `id` stands in it: {number, of}; null: nowhere. */
export function position(id) {
  const { ids } = read();
  const index = ids.indexOf(id);
  return index < 0 ? null : { number: index + 1, of: ids.length };
}
