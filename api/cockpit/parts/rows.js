// Rows of tables: `J` and `K` go from one to the next; the focus is on the link or button that opens it.

const rows = () => [...document.querySelectorAll("#content [data-row]")];

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
  (next.matches("a, button") ? next : next.querySelector("a, button"))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** The keys of a page with rows (elements with `data-row`). */
export const rowKeys = { J: () => move(1), K: () => move(-1) };
