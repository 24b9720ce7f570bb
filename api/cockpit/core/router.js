// The address is the state: which page is open, and everything chosen on it.

const links = { go: () => {} };

/** Whatever is shown is told by `open(path, query)`; called at once and whenever the address changes. */
export function route(open) {
  const follow = () => open(location.pathname, query());
  links.go = follow;
  addEventListener("popstate", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.pathname.startsWith("/api/") || link.hasAttribute("download")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  follow();
}

/** Open another address; with `replace` without a step back. */
export function go(address, { replace = false } = {}) {
  if (address !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"](null, "", address);
  links.go();
}

/** The state in the address, as texts by name. */
export const query = () => Object.fromEntries(new URLSearchParams(location.search));

/** The address of this page, or of `path`, with some of its state changed; null and "" take a key away. */
export function at(changes, path = location.pathname) {
  const found = path === location.pathname ? { ...query(), ...changes } : changes;
  const kept = Object.entries(found).filter(([, value]) => value != null && value !== "");
  const search = new URLSearchParams(kept).toString();
  return search ? `${path}?${search}` : path;
}

/** Change state in the address without a step back. */
export const choose = (changes) => go(at(changes), { replace: true });
