// Day or night: as the desk's system says, until somebody chooses.

const KEPT = "citybrain.theme";
const night = matchMedia("(prefers-color-scheme: dark)");
const changed = new Set();

export const theme = () => localStorage.getItem(KEPT) ?? (night.matches ? "dark" : "light");

/** Call `then` when it changes: what is drawn on a canvas takes its colours anew. */
export const onTheme = (then) => {
  changed.add(then);
  return () => changed.delete(then);
};

export function apply() {
  const wanted = location.pathname === "/wall" ? "wall" : theme();
  if (document.documentElement.dataset.theme === wanted) return;
  document.documentElement.dataset.theme = wanted;
  for (const then of changed) then();
}

export function turn() {
  localStorage.setItem(KEPT, theme() === "dark" ? "light" : "dark");
  apply();
}

/** The value of a token, such as `--s1`, as it is at present. */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

night.addEventListener("change", apply);
